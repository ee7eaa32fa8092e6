"""A replica as its vote log left it, or the engine of the epoch before (#L3, #N5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import log
from quorate.core.bft.evidence import Signed, get_digest, get_kind, get_view
from quorate.core.bft.messages import Kind, Proposal, Vote

if TYPE_CHECKING:
    from quorate.core.bft.replica import Replica


def restore_replica(replica: Replica, restored: log.Restored) -> None:
    """Put back what a replica signed and knew; it re-sends its messages verbatim when started."""
    replica.helper.remember(restored)
    best = replica.final_view
    for certificate in restored.certificates:
        if certificate.view > replica.final_view:
            replica.get_view(certificate.view).certificates[certificate.kind] = certificate
            if certificate.kind is Kind.FINALIZE and certificate.view > best:
                replica.committer.finalization, best = certificate, certificate.view
    for proposal in restored.blocks:
        _restore_proposal(replica, proposal)
    for message in restored.own:
        _restore_own(replica, message)
    for seat, seen in restored.seen:
        newest = replica.highest.get(seat)
        if newest is None or get_view(newest) <= get_view(seen):
            replica.highest[seat] = seen
        if isinstance(seen, Vote) and seen.view > replica.final_view:
            # So that a conflicting one that comes after a restart is found as before it (V1).
            replica.get_view(seen.view).votes[seen.kind].setdefault(seat, seen)
    replica.signing.forget(replica.final_view)
    certified = [n for n, view in replica.views.items() if view.is_certified()]
    replica.view = max([replica.view, *[number + 1 for number in certified]])


def inherit_replica(replica: Replica, before: Replica, seats: list[int | None]) -> None:
    """Take over what the engine of the epoch before knows; `seats` maps its seats to these."""
    replica.pool.follow(before.pool, seats)
    replica.suspecter.follow(before.suspecter)
    for old, new in enumerate(seats):
        if new is None:
            continue
        for known, fresh in (
            (before.heard_ms, replica.heard_ms),
            (before.missed_ms, replica.missed_ms),
        ):
            if old in known:
                fresh[new] = known[old]


def _restore_own(replica: Replica, message: Signed) -> None:
    number = get_view(message)
    replica.signing.restore(number, get_kind(message), get_digest(message))
    if number <= replica.final_view:
        return
    view = replica.get_view(number)
    view.own[get_kind(message)] = message
    view.touched = True
    if isinstance(message, Proposal):
        _restore_proposal(replica, message)
    else:
        view.votes[message.kind][message.seat] = message


def _restore_proposal(replica: Replica, proposal: Proposal) -> None:
    if proposal.block.header.view > replica.final_view:
        replica.get_view(proposal.block.header.view).add_proposal(proposal)
        replica.chain.add(proposal.block)
