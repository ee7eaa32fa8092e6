"""What candidates' payloads do (docs/protocol.md#D2 to D7)."""

from quorate.core.context import Call, Ledger
from quorate.core.outcomes import Failed
from quorate.core.staking.payloads import (
    Ready,
    RegisterCandidate,
    Resign,
    RotateSeatKey,
    Unjail,
    UpdateCandidate,
)
from quorate.core.staking.records import (
    COUNT_KEY,
    Candidate,
    Delegation,
    compute_candidate_key,
    compute_delegation_key,
    compute_seat_key_key,
    decode_candidate,
    decode_count,
    encode_count,
)
from quorate.core.values import ZERO_HASH


def load_candidate(ledger: Ledger, owner: bytes) -> Candidate:
    """Return a candidate; raises Failed (NO_CANDIDATE)."""
    record = ledger.get(compute_candidate_key(owner))
    if not record:
        raise Failed("NO_CANDIDATE")
    return decode_candidate(record)


def check_standing(candidate: Candidate) -> None:
    """Raise Failed unless a candidate may still be elected."""
    if candidate.is_slashed:
        raise Failed("CANDIDATE_SLASHED")
    if candidate.is_resigned:
        raise Failed("CANDIDATE_RESIGNED")


def put_candidate(ledger: Ledger, owner: bytes, candidate: Candidate) -> None:
    """Write a candidate back."""
    ledger.put(compute_candidate_key(owner), candidate.encode())


def apply_register(payload: RegisterCandidate, ledger: Ledger, call: Call) -> None:
    """Make a candidate with its owner's stake; raises Failed."""
    params, owner = call.params, payload.signer
    if ledger.get(compute_candidate_key(owner)):
        raise Failed("CANDIDATE_EXISTS")
    count = decode_count(ledger.get(COUNT_KEY))
    if count >= params.candidates_max:
        raise Failed("CANDIDATES_FULL")
    _use_seat_key(ledger, payload.seat_key, owner)
    if payload.stake < params.self_stake_min:
        raise Failed("STAKE_TOO_SMALL")
    account = ledger.get_account(owner)
    if account.balance < payload.stake:
        raise Failed("INSUFFICIENT_BALANCE")
    account.balance -= payload.stake
    candidate = Candidate(
        payload.operator, payload.seat_key, payload.name, payload.description,
        payload.commission_bp, commission_changed_ms=call.context.header.time_ms,
        stake=payload.stake, self_stake=payload.stake,
    )  # fmt: skip
    put_candidate(ledger, owner, candidate)
    own = Delegation(payload.stake)
    ledger.put(compute_delegation_key(owner, owner), own.encode())
    ledger.put(COUNT_KEY, encode_count(count + 1))


def apply_update(payload: UpdateCandidate, ledger: Ledger, call: Call) -> None:
    """Replace a candidate's name, description and commission; raises Failed."""
    candidate = _load_entitled(payload, ledger)
    params, now_ms = call.params, call.context.header.time_ms
    change = abs(payload.commission_bp - candidate.commission_bp)
    if change:
        waited_ms = now_ms - candidate.commission_changed_ms
        if change > params.commission_step_bp or waited_ms < params.commission_interval_ms:
            raise Failed("COMMISSION_STEP")
        candidate.commission_bp, candidate.commission_changed_ms = payload.commission_bp, now_ms
    candidate.name, candidate.description = payload.name, payload.description
    put_candidate(ledger, payload.candidate, candidate)


def apply_ready(payload: Ready, ledger: Ledger, call: Call) -> None:
    """Note that a seat key's machine is in step, and put a new key in place; raises Failed."""
    candidate = load_candidate(ledger, payload.candidate)
    check_standing(candidate)
    if not call.epoch - 1 <= payload.epoch <= call.epoch:
        raise Failed("READY_UNTIMELY")
    if payload.seat_key == candidate.next_key != ZERO_HASH:
        candidate.seat_key, candidate.next_key = candidate.next_key, ZERO_HASH
    elif payload.seat_key != candidate.seat_key:
        raise Failed("SEAT_KEY_UNKNOWN")
    candidate.ready_epoch = max(candidate.ready_epoch, payload.epoch + 1)
    put_candidate(ledger, payload.candidate, candidate)


def apply_resign(payload: Resign, ledger: Ledger, call: Call) -> None:
    """Take a candidate out for good; raises Failed."""
    candidate = _load_entitled(payload, ledger)
    candidate.is_resigned = True
    put_candidate(ledger, payload.candidate, candidate)
    uncount(ledger)


def apply_rotate(payload: RotateSeatKey, ledger: Ledger, call: Call) -> None:
    """Name the next seat key of a candidate; raises Failed."""
    candidate = _load_entitled(payload, ledger)
    _use_seat_key(ledger, payload.seat_key, payload.candidate)
    candidate.next_key = payload.seat_key
    put_candidate(ledger, payload.candidate, candidate)


def apply_unjail(payload: Unjail, ledger: Ledger, call: Call) -> None:
    """Let a jailed candidate be elected again; raises Failed."""
    candidate = _load_entitled(payload, ledger)
    if not candidate.jailed_until:
        raise Failed("NOT_JAILED")
    if call.epoch < candidate.jailed_until:
        raise Failed("JAILED_STILL")
    candidate.jailed_until = candidate.missed = 0
    put_candidate(ledger, payload.candidate, candidate)


def uncount(ledger: Ledger) -> None:
    """Count one standing candidate less."""
    ledger.put(COUNT_KEY, encode_count(decode_count(ledger.get(COUNT_KEY)) - 1))


def _load_entitled(
    payload: UpdateCandidate | Resign | RotateSeatKey | Unjail, ledger: Ledger
) -> Candidate:
    candidate = load_candidate(ledger, payload.candidate)
    if payload.signer not in (payload.candidate, candidate.operator):
        raise Failed("NOT_ENTITLED")
    check_standing(candidate)
    return candidate


def _use_seat_key(ledger: Ledger, seat_key: bytes, candidate: bytes) -> None:
    # A key that two machines could sign with is a double vote to come: never twice, by anyone.
    key = compute_seat_key_key(seat_key)
    if ledger.get(key):
        raise Failed("SEAT_KEY_USED")
    ledger.put(key, candidate)
