"""What a transaction may do with locks, and what is checked of it without state.

Rules: docs/protocol.md#A8 to A10.
"""

from typing import Final, NamedTuple

from quorate.core.errors import InvalidTransaction
from quorate.core.params import SUPPLY_MAX
from quorate.core.staking.payloads import check_amount, check_hashes
from quorate.core.tokens.payloads import check_recipient
from quorate.core.values import HASH_BYTES

PREIMAGE_BYTES_MAX: Final = 64


class LockTransfer(NamedTuple):
    """Moves `amount` into a lock that `to` may claim and, later, the signer may take back.

    `token` empty: of the native token. `hash` empty: no secret is needed, only time.
    """

    signer: bytes
    to: bytes
    amount: int
    token: bytes
    hash: bytes
    from_height: int
    until_height: int


class ClaimLocked(NamedTuple):
    """Takes what is in a lock, with the secret if it has a hash."""

    signer: bytes
    lock: bytes
    preimage: bytes


class RefundLocked(NamedTuple):
    """Takes back what nobody claimed in time."""

    signer: bytes
    lock: bytes


def check_lock(payload: LockTransfer) -> None:
    """Raise InvalidTransaction unless a lock is right in form (docs/protocol.md#A8)."""
    check_hashes(payload.signer, payload.to)
    check_recipient(payload.to)
    check_amount(payload.amount)
    if len(payload.token) not in (0, HASH_BYTES) or len(payload.hash) not in (0, HASH_BYTES):
        raise InvalidTransaction(
            "a lock's token and hash have 32 bytes or none", reason="MALFORMED"
        )
    if payload.until_height > SUPPLY_MAX:
        raise InvalidTransaction("a height is below 2^63", reason="OUT_OF_RANGE")
    if payload.until_height <= payload.from_height:
        raise InvalidTransaction("a lock that nobody could ever claim", reason="LOCK_WINDOW")


def check_claim(payload: ClaimLocked) -> None:
    """Raise InvalidTransaction unless a claim is right in form."""
    check_hashes(payload.signer, payload.lock)
    if len(payload.preimage) > PREIMAGE_BYTES_MAX:
        raise InvalidTransaction(
            f"a preimage has at most {PREIMAGE_BYTES_MAX} bytes", reason="OVERSIZED"
        )


def check_refund(payload: RefundLocked) -> None:
    """Raise InvalidTransaction unless a refund is right in form."""
    check_hashes(payload.signer, payload.lock)
