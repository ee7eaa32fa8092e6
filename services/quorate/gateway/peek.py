"""What a gateway reads of a transaction: its id and its lane, from a few bytes.

The canonical encoding starts with the body, and the body with the sender and the lane, so slicing
finds both at a tenth of the cost of decoding. Everything else is the validators' to judge.
"""

from hashlib import sha256
from typing import Final

from quorate.core import crypto
from quorate.core.errors import InvalidTransaction
from quorate.core.genesis import Genesis
from quorate.core.values import HASH_BYTES
from quorate.kit.convert import decode_transaction

# Tags of protobuf's wire format: SignedTransaction.body, Body.sender, Body.lane.
_TAG_BODY: Final = 0x0A
_TAG_SENDER: Final = b"\x0a\x20"
_TAG_LANE: Final = 0x10


class Peeker:
    """Finds id and lane of encoded SignedTransactions of one chain."""

    __slots__ = ("_domain", "_size_bytes_max", "_start")

    def __init__(self, genesis: Genesis) -> None:
        self._domain = genesis.domain
        self._size_bytes_max = genesis.params.transaction_size_bytes_max
        tag = crypto.TAG_TRANSACTION
        self._start = sha256(bytes((len(tag),)) + tag + genesis.domain)

    def peek(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return (id, lane key); the key is the sender's 32 bytes ‖ the lane's byte.

        Raises InvalidTransaction for what no validator would take.
        """
        size = len(raw)
        if size > self._size_bytes_max:
            raise InvalidTransaction(
                f"{size} bytes, at most {self._size_bytes_max}", reason="OVERSIZED", size_bytes=size
            )
        # A body of 128 to 16,383 bytes has a length of two bytes; others go the long way.
        if size > 132 and raw[0] == _TAG_BODY and raw[1] >= 0x80 > raw[2]:
            end = 3 + (raw[1] & 0x7F) + (raw[2] << 7)
            start = 3
        elif size > 40 and raw[0] == _TAG_BODY and raw[1] < 0x80:
            end, start = 2 + raw[1], 2
        else:
            return self._decode(raw)
        at = start + 2 + HASH_BYTES
        if raw[start : start + 2] != _TAG_SENDER or not at + 1 < end < size:
            return self._decode(raw)
        digest = self._start.copy()
        digest.update(raw[start:end])
        lane = raw[at + 1] if raw[at] == _TAG_LANE else 0
        return digest.digest(), raw[start + 2 : at] + bytes((lane,))

    def _decode(self, raw: bytes) -> tuple[bytes, bytes]:
        transaction = decode_transaction(raw, self._domain)
        if len(transaction.sender) != HASH_BYTES:
            raise InvalidTransaction("the sender is no address", reason="MALFORMED")
        return transaction.id, transaction.sender + bytes((transaction.lane & 0xFF,))
