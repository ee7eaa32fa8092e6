"""Native tokens as contracts use them: by the rules of core/tokens, a contract being the signer."""

from collections.abc import Callable
from struct import Struct
from struct import error as struct_error
from typing import Any, Final

from quorate.core import crypto
from quorate.core.codec import U16, U32
from quorate.core.context import Call, Ledger
from quorate.core.contracts.machine import Stopped
from quorate.core.errors import InvalidTransaction
from quorate.core.tokens import actions
from quorate.core.tokens.payloads import (
    NAME_BYTES_MAX,
    SYMBOL_BYTES_MAX,
    BurnToken,
    CreateToken,
    MintToken,
    TransferToken,
    check_burn,
    check_create,
    check_grant,
)
from quorate.core.tokens.records import compute_balance_key, decode_balance

_CREATED_TAG: Final = b"quorate/token/contract/v1"
# Little-endian, as all that contracts write (docs/contract-abi.md).
_SIZE: Final = Struct("<I")
_REST: Final = Struct("<BQQBB")


class TokenDesk:
    """Makes and moves tokens for the contracts of one payload."""

    def __init__(self, ledger: Ledger, call: Call) -> None:
        self._ledger, self._call = ledger, call
        self._created = 0

    def create(self, owner: bytes, spec: bytes) -> bytes:
        """Make a token that `owner` owns and holds; return its id."""
        payload = _read_spec(owner, spec)
        _check(check_create, payload)
        identity = crypto.compute_hash(
            _CREATED_TAG, self._call.id, U16.pack(self._call.position), U32.pack(self._created)
        )
        self._created += 1
        actions.create_as(identity, payload, self._ledger)
        return identity

    def mint(self, owner: bytes, token: bytes, to: bytes, amount: int) -> None:
        """Make more of a token."""
        payload = MintToken(owner, token, to, amount)
        _check(check_grant, payload)
        actions.apply_mint(payload, self._ledger, self._call)

    def burn(self, holder: bytes, token: bytes, amount: int) -> None:
        """Destroy what is held."""
        payload = BurnToken(holder, token, amount)
        _check(check_burn, payload)
        actions.apply_burn(payload, self._ledger, self._call)

    def transfer(self, holder: bytes, token: bytes, to: bytes, amount: int) -> None:
        """Send what is held."""
        payload = TransferToken(holder, token, to, amount)
        _check(check_grant, payload)
        actions.apply_transfer(payload, self._ledger, self._call)

    def get_balance(self, token: bytes, holder: bytes) -> int:
        """Return what is held."""
        return decode_balance(self._ledger.get(compute_balance_key(holder, token)))


def _read_spec(owner: bytes, spec: bytes) -> CreateToken:
    """Return the token that a contract describes; raises Stopped."""
    try:
        symbol, at = _read_text(spec, 0, SYMBOL_BYTES_MAX)
        name, at = _read_text(spec, at, NAME_BYTES_MAX)
        decimals, cap, supply, freezable, is_final = _REST.unpack(spec[at:])
    except (struct_error, UnicodeDecodeError) as error:
        raise Stopped("HOST_REFUSED", "a token's description is malformed") from error
    if freezable > 1 or is_final > 1:
        raise Stopped("HOST_REFUSED", "a token's description is malformed")
    return CreateToken(owner, symbol, name, decimals, cap, supply, bool(freezable), bool(is_final))


def _read_text(spec: bytes, at: int, most: int) -> tuple[str, int]:
    (size,) = _SIZE.unpack_from(spec, at)
    start = at + _SIZE.size
    if size > most or start + size > len(spec):
        raise Stopped("HOST_REFUSED", "a token's description is malformed")
    return spec[start : start + size].decode(), start + size


def _check(check: Callable[[Any], None], payload: object) -> None:
    try:
        check(payload)
    except InvalidTransaction as error:
        raise Stopped("HOST_REFUSED", error.message) from error
