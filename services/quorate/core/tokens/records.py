"""The records of tokens.

t ‖ token 32                        Token
b ‖ holder 32 ‖ token 32            balance: u64, no record when 0

A holder's balances are one prefix, so that a wallet reads them in one scan.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from quorate.core import crypto
from quorate.core.codec import U16, U64, Reader, encode_blob
from quorate.core.errors import MalformedBytes
from quorate.core.tokens.payloads import NAME_BYTES_MAX, SYMBOL_BYTES_MAX
from quorate.core.values import Hash

TOKEN_PREFIX: Final = b"t"
BALANCE_PREFIX: Final = b"b"

_TAG: Final = b"quorate/token/v1"
_VERSION: Final = 1
_HEAD: Final = Struct(">BB32sBQQ")
_FREEZABLE: Final = 1
_FROZEN: Final = 2
_FINAL: Final = 4


def compute_token_id(transaction_id: bytes, position: int) -> Hash:
    """Return the id of the token that a payload at a position of a transaction makes."""
    return crypto.compute_hash(_TAG, transaction_id, U16.pack(position))


def compute_token_key(token: bytes) -> bytes:
    """Return the key of a token's record."""
    return TOKEN_PREFIX + token


def compute_balance_key(holder: bytes, token: bytes) -> bytes:
    """Return the key of what a holder has of a token."""
    return BALANCE_PREFIX + holder + token


def compute_balances_prefix(holder: bytes) -> bytes:
    """Return the prefix of all that a holder has of any token."""
    return BALANCE_PREFIX + holder


@dataclass(slots=True)
class Token:
    """A token: what it is called, who may mint it, how much there is and may be.

    `supply` is the sum of all balances and of what is in locks. While a token is frozen none of
    them changes. A final policy never changes again.
    """

    owner: bytes
    symbol: str
    name: str
    decimals: int
    cap: int = 0
    supply: int = 0
    freezable: bool = False
    is_frozen: bool = False
    is_final: bool = False

    def encode(self) -> bytes:
        """Return the canonical record."""
        flags = _FREEZABLE * self.freezable + _FROZEN * self.is_frozen + _FINAL * self.is_final
        head = _HEAD.pack(_VERSION, flags, self.owner, self.decimals, self.cap, self.supply)
        return head + encode_blob(self.symbol.encode()) + encode_blob(self.name.encode())


def decode_token(record: bytes) -> Token:
    """Return the token of a record; raises MalformedBytes."""
    reader = Reader(record, "token")
    version, flags, owner, decimals, cap, supply = _HEAD.unpack(reader.take(_HEAD.size))
    if version != _VERSION or flags > _FREEZABLE + _FROZEN + _FINAL:
        raise reader.fail("unknown version or flags")
    try:
        symbol = reader.blob(SYMBOL_BYTES_MAX).decode()
        name = reader.blob(NAME_BYTES_MAX).decode()
    except UnicodeDecodeError as error:
        raise MalformedBytes("token", "its name is not UTF-8") from error
    reader.end()
    return Token(
        owner, symbol, name, decimals, cap, supply, bool(flags & _FREEZABLE),
        bool(flags & _FROZEN), bool(flags & _FINAL),
    )  # fmt: skip


def encode_balance(amount: int) -> bytes:
    """Return the record of a balance; empty when there is nothing to keep."""
    return U64.pack(amount) if amount else b""


def decode_balance(record: bytes) -> int:
    """Return the balance of a record, 0 for b""; raises MalformedBytes."""
    if not record:
        return 0
    reader = Reader(record, "token balance")
    amount = reader.u64()
    reader.end()
    return amount
