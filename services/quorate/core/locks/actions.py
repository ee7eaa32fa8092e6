"""What locks' payloads do (docs/protocol.md#A8 to A10)."""

from hashlib import sha256

from quorate.core.context import Call, Ledger
from quorate.core.locks.payloads import ClaimLocked, LockTransfer, RefundLocked
from quorate.core.locks.records import Lock, compute_lock_id, compute_lock_key, decode_lock
from quorate.core.outcomes import Failed
from quorate.core.tokens.actions import credit, debit, load_moving


def apply_lock(payload: LockTransfer, ledger: Ledger, call: Call) -> None:
    """Move an amount into a lock that ends; raises Failed."""
    height = call.height
    if payload.until_height <= height:
        raise Failed("LOCK_ENDED")
    if payload.until_height - height > call.params.lock_blocks_max:
        raise Failed("LOCK_TOO_LONG")
    if not payload.hash and payload.from_height <= height:
        raise Failed("LOCK_OPEN")
    _take(ledger, payload)
    lock = Lock(
        payload.signer, payload.to, payload.amount, payload.token, payload.hash,
        payload.from_height, payload.until_height,
    )  # fmt: skip
    ledger.put(compute_lock_key(compute_lock_id(call.id, call.position)), lock.encode())


def apply_claim(payload: ClaimLocked, ledger: Ledger, call: Call) -> None:
    """Pay a lock to whom it is for, in its time and for its secret; raises Failed."""
    lock = _load(ledger, payload.lock)
    if payload.signer != lock.to:
        raise Failed("NOT_ENTITLED")
    if call.height < lock.from_height:
        raise Failed("LOCK_EARLY")
    if call.height >= lock.until_height:
        raise Failed("LOCK_ENDED")
    if not _is_secret(lock.hash, payload.preimage):
        raise Failed("WRONG_PREIMAGE")
    _open(ledger, payload.lock, lock, payload.signer)


def apply_refund(payload: RefundLocked, ledger: Ledger, call: Call) -> None:
    """Pay a lock back that nobody claimed in time; raises Failed."""
    lock = _load(ledger, payload.lock)
    if payload.signer != lock.sender:
        raise Failed("NOT_ENTITLED")
    if call.height < lock.until_height:
        raise Failed("LOCK_RUNNING")
    _open(ledger, payload.lock, lock, payload.signer)


def _take(ledger: Ledger, payload: LockTransfer) -> None:
    if payload.token:
        load_moving(ledger, payload.token)
        debit(ledger, payload.token, payload.signer, payload.amount)
        return
    account = ledger.get_account(payload.signer)
    if account.balance < payload.amount:
        raise Failed("INSUFFICIENT_BALANCE")
    account.balance -= payload.amount


def _open(ledger: Ledger, identity: bytes, lock: Lock, to: bytes) -> None:
    # A frozen token stays where it is, in locks too; who locks a freezable one trusts its owner.
    if lock.token:
        load_moving(ledger, lock.token)
        credit(ledger, lock.token, to, lock.amount)
    else:
        ledger.get_account(to).balance += lock.amount
    ledger.put(compute_lock_key(identity), b"")


def _load(ledger: Ledger, identity: bytes) -> Lock:
    record = ledger.get(compute_lock_key(identity))
    if not record:
        raise Failed("NO_LOCK")
    return decode_lock(record)


def _is_secret(digest: bytes, preimage: bytes) -> bool:
    return sha256(preimage).digest() == digest if digest else not preimage
