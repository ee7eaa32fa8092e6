"""What one account has at each candidate: bonded, earned, unbonding, moved, and at risk."""

from typing import Final, NamedTuple

from quorate.api.ledger.v1 import ledger_pb2 as pb
from quorate.core.accusations import EPOCHS_BACK
from quorate.core.params import Params
from quorate.core.staking.delegations import compute_unbonding_cut
from quorate.core.staking.records import (
    Candidate,
    Delegation,
    Entry,
    compute_candidate_key,
    compute_cut,
    compute_delegation_key,
    compute_moved_key,
    compute_unbonding_key,
    decode_candidate,
    decode_delegation,
    decode_entries,
)
from quorate.core.values import HASH_BYTES
from quorate.storage.store import StateView

# Other candidates to which one delegation's stake was moved, as far as they are listed.
TARGETS_MAX: Final = 32


class Reading(NamedTuple):
    """Whose delegations are read, and where."""

    view: StateView
    delegator: bytes
    epoch: int
    params: Params


def list_candidates(reading: Reading, after: bytes, count: int) -> list[bytes]:
    """Return the first `count` candidates above `after` where the account has or unbonds stake."""
    found = set[bytes]()
    for compute_key in (compute_delegation_key, compute_unbonding_key):
        prefix = compute_key(reading.delegator, b"")
        page = reading.view.scan(prefix, prefix + after, count)
        found.update([key[-HASH_BYTES:] for key, _ in page])
    return sorted(found)[:count]


def build_delegation(reading: Reading, owner: bytes) -> pb.Delegation:
    """Return what the account has at one candidate, as ClaimRewards would find it now."""
    view, delegator, epoch, params = reading
    candidate = decode_candidate(view[compute_candidate_key(owner)])
    delegation = decode_delegation(view[compute_delegation_key(delegator, owner)])
    delegation.settle(candidate)
    entries = decode_entries(view[compute_unbonding_key(delegator, owner)])
    unbonding = [_build_unbonding(candidate, entry, params) for entry in entries]
    moved = _list_moved(reading, owner)
    until = delegation.moved_epoch - 1 + params.unbonding_epochs
    return pb.Delegation(
        candidate=owner,
        name=candidate.name,
        amount=delegation.amount,
        rewards=delegation.due,
        commission=candidate.commission_due if delegator == owner else 0,
        unbonded=sum([e.amount - e.cut for e in unbonding if e.claimable_epoch <= epoch]),
        unbonding=unbonding,
        moved=moved,
        at_risk=_compute_risk(candidate, delegation, [*unbonding, *moved], reading),
        movable_epoch=until if delegation.moved_epoch and until > epoch else 0,
        resigned=candidate.is_resigned,
        slashed=candidate.is_slashed,
    )


def _build_unbonding(candidate: Candidate, entry: Entry, params: Params) -> pb.Unbonding:
    return pb.Unbonding(
        epoch=entry.epoch,
        amount=entry.amount,
        claimable_epoch=entry.epoch + params.unbonding_epochs,
        cut=compute_unbonding_cut(candidate, entry),
    )


def _list_moved(reading: Reading, owner: bytes) -> list[pb.Moved]:
    """Return redelegations away from a candidate that its slash still reaches."""
    prefix = compute_moved_key(owner, reading.delegator, b"")
    moved = []
    for key, record in reading.view.scan(prefix, prefix, TARGETS_MAX):
        for entry in decode_entries(record):
            safe = entry.epoch + EPOCHS_BACK + 1
            if safe > reading.epoch:
                target = key[-HASH_BYTES:]
                moved.append(
                    pb.Moved(target=target, epoch=entry.epoch, amount=entry.amount, safe_epoch=safe)
                )
    return moved


def _compute_risk(
    candidate: Candidate,
    delegation: Delegation,
    entries: list[pb.Unbonding | pb.Moved],
    reading: Reading,
) -> int:
    """Return what a slash takes at this epoch's end, for an offence of the epoch before."""
    if candidate.is_slashed:
        return 0
    slash_bp = reading.params.slash_bp
    reached = [e.amount for e in entries if e.epoch + EPOCHS_BACK >= reading.epoch]
    return sum([compute_cut(amount, slash_bp) for amount in [delegation.amount, *reached]])
