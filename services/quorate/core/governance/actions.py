"""What proposals and votes do (docs/protocol.md#G1 to G6)."""

from dataclasses import replace

from quorate.core.context import Call, Ledger
from quorate.core.governance.parameters import (
    CHANGES_KEY,
    Change,
    add_change,
    are_consistent,
    compute_params,
    find_first,
    keeps_promise,
)
from quorate.core.governance.payloads import ProposeChange, VoteChange
from quorate.core.governance.records import (
    OPEN_KEY,
    PROPOSALS_EACH_MAX,
    PROPOSALS_MAX,
    Opened,
    Proposal,
    compute_proposal_id,
    compute_proposal_key,
    decode_opened,
    decode_proposal,
    encode_opened,
    is_expired,
)
from quorate.core.governance.upgrades import UPGRADES_KEY, Upgrade, add_upgrade
from quorate.core.outcomes import Failed
from quorate.core.seats import SeatSet
from quorate.core.state import compute_set_key
from quorate.core.values import compute_quorum


def apply_propose(payload: ProposeChange, ledger: Ledger, call: Call) -> None:
    """Open a proposal that its proposer approves; raises Failed."""
    seats = _load_seats(ledger, call)
    _check_seated(seats, payload.signer)
    identity, opened = compute_proposal_id(call.id, call.position), _drop_expired(ledger, call)
    if len([each for each in opened if each.proposer == payload.signer]) >= PROPOSALS_EACH_MAX:
        raise Failed("PROPOSER_LIMIT")
    if len(opened) >= PROPOSALS_MAX:
        raise Failed("PROPOSALS_FULL")
    proposal = Proposal(
        payload.signer, call.epoch, payload.parameter, payload.value, payload.version,
        payload.height, {payload.signer: True},
    )  # fmt: skip
    _check_possible(proposal, ledger, call)
    ledger.put(OPEN_KEY, encode_opened([*opened, Opened(identity, payload.signer, call.epoch)]))
    _settle(identity, proposal, ledger, (call, seats))


def apply_vote(payload: VoteChange, ledger: Ledger, call: Call) -> None:
    """Set a seat's vote, and let the change take effect if it has a quorum now; raises Failed."""
    record = ledger.get(compute_proposal_key(payload.proposal))
    if not record:
        raise Failed("NO_PROPOSAL")
    seats, proposal = _load_seats(ledger, call), decode_proposal(record)
    _check_seated(seats, payload.signer)
    if is_expired(proposal.epoch, call.epoch):
        raise Failed("PROPOSAL_EXPIRED")
    proposal.votes[payload.signer] = payload.approve
    _settle(payload.proposal, proposal, ledger, (call, seats))


def count_approving(proposal: Proposal, seats: SeatSet) -> int:
    """Return how many seats of a set approve, by their candidates (docs/protocol.md#G3)."""
    return sum([proposal.votes.get(seat.candidate, False) for seat in seats.seats])


def _settle(
    identity: bytes, proposal: Proposal, ledger: Ledger, where: tuple[Call, SeatSet]
) -> None:
    """Write a proposal back with the votes of those who hold seats, or close it."""
    call, seats = where
    seated = {seat.candidate for seat in seats.seats}
    proposal.votes = {each: vote for each, vote in proposal.votes.items() if each in seated}
    approving = count_approving(proposal, seats)
    passes = approving >= compute_quorum(len(seats.seats))
    if passes:
        _check_possible(proposal, ledger, call)
        _take_effect(proposal, ledger, call)
    if passes or not approving:
        _close(ledger, identity)
    else:
        ledger.put(compute_proposal_key(identity), proposal.encode())


def _take_effect(proposal: Proposal, ledger: Ledger, call: Call) -> None:
    if proposal.version:
        upgrade = Upgrade(proposal.height, proposal.version)
        record = add_upgrade(ledger.get(UPGRADES_KEY), upgrade, call.height)
        ledger.put(UPGRADES_KEY, record)
    else:
        change = Change(proposal.parameter, call.epoch + 1, proposal.value)
        record = ledger.get(CHANGES_KEY)
        first = find_first(record, change.name, call.params)
        ledger.put(CHANGES_KEY, add_change(record, change, call.epoch, first))


def _check_possible(proposal: Proposal, ledger: Ledger, call: Call) -> None:
    """Raise Failed for a change that could not take effect if it passed now."""
    if proposal.version:
        # Consensus may be this far ahead of execution: nobody shall vote for what it can't execute.
        if proposal.height <= call.height + call.params.execution_lag_max:
            raise Failed("UPGRADE_TOO_SOON")
        return
    record = ledger.get(CHANGES_KEY)
    first = find_first(record, proposal.parameter, call.params)
    if not keeps_promise(proposal.parameter, proposal.value, first):
        raise Failed("GENESIS_PROMISE")
    coming = compute_params(record, call.epoch + 1, call.params)
    changed = {proposal.parameter: proposal.value}
    if not are_consistent(replace(coming, **changed)):
        raise Failed("PARAMETERS_CONTRADICT")


def _load_seats(ledger: Ledger, call: Call) -> SeatSet:
    return SeatSet.decode(ledger.get(compute_set_key(call.epoch)))


def _check_seated(seats: SeatSet, owner: bytes) -> None:
    if all(seat.candidate != owner for seat in seats.seats):
        raise Failed("NOT_SEATED")


def _drop_expired(ledger: Ledger, call: Call) -> list[Opened]:
    """Delete proposals whose time is over; return those that are open."""
    opened = decode_opened(ledger.get(OPEN_KEY))
    for each in opened:
        if is_expired(each.epoch, call.epoch):
            ledger.put(compute_proposal_key(each.id), b"")
    return [each for each in opened if not is_expired(each.epoch, call.epoch)]


def _close(ledger: Ledger, identity: bytes) -> None:
    opened = [each for each in decode_opened(ledger.get(OPEN_KEY)) if each.id != identity]
    ledger.put(OPEN_KEY, encode_opened(opened))
    ledger.put(compute_proposal_key(identity), b"")
