"""The record of a lock: l ‖ lock 32, gone when the lock is.

Layout (big-endian): version u8, has_hash u8, sender 32, to 32, token 32 (zero: native),
amount u64, hash 32 (zero without one), from_height u64, until_height u64.
"""

from struct import Struct
from typing import Final, NamedTuple

from quorate.core import crypto
from quorate.core.codec import U16
from quorate.core.errors import MalformedBytes
from quorate.core.values import ZERO_HASH, Hash

LOCK_PREFIX: Final = b"l"

_TAG: Final = b"quorate/lock/v1"
_VERSION: Final = 1
_LOCK: Final = Struct(">BB32s32s32sQ32sQQ")


def compute_lock_id(transaction_id: bytes, position: int) -> Hash:
    """Return the id of the lock that a payload at a position of a transaction makes."""
    return crypto.compute_hash(_TAG, transaction_id, U16.pack(position))


def compute_lock_key(lock: bytes) -> bytes:
    """Return the key of a lock's record."""
    return LOCK_PREFIX + lock


class Lock(NamedTuple):
    """An amount between two accounts; `token` and `hash` are b"" when there is none."""

    sender: bytes
    to: bytes
    amount: int
    token: bytes
    hash: bytes
    from_height: int
    until_height: int

    def encode(self) -> bytes:
        """Return the canonical record."""
        return _LOCK.pack(
            _VERSION, bool(self.hash), self.sender, self.to, self.token or ZERO_HASH, self.amount,
            self.hash or ZERO_HASH, self.from_height, self.until_height,
        )  # fmt: skip


def decode_lock(record: bytes) -> Lock:
    """Return the lock of a record; raises MalformedBytes."""
    if len(record) != _LOCK.size or record[0] != _VERSION or record[1] > 1:
        raise MalformedBytes("lock", f"{len(record)} bytes, or an unknown version")
    _, has_hash, sender, to, token, amount, digest, first, end = _LOCK.unpack(record)
    if not has_hash and digest != ZERO_HASH:
        raise MalformedBytes("lock", "a hash where none is")
    token = b"" if token == ZERO_HASH else token
    return Lock(sender, to, amount, token, digest if has_hash else b"", first, end)
