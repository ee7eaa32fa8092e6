"""Certificates: a quorum of distinct seats; never two that exclude one another in a view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft.messages import Certificate, Kind
from quorate.core.values import compute_quorum
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Certificates:
    """Remembers which certificates exist in each view."""

    def __init__(self, world: World) -> None:
        self._seats = world.plan.seats
        self._views: dict[int, dict[Kind, bytes]] = {}

    def done(self, node: Node, effect: do.Effect) -> None:
        if not node.obeys:
            return
        match effect:
            case do.CommitBlocks():
                expect(effect.certificate.kind is Kind.FINALIZE, "commit has a finalization", 0)
                self._take(effect.certificate)
            case do.Broadcast(Certificate() as certificate):
                self._take(certificate)
            case do.SendToNode(_, Certificate() as certificate):
                self._take(certificate)

    def _take(self, certificate: Certificate) -> None:
        view, kind = certificate.view, certificate.kind
        seats = {seat for seat, _ in certificate.signatures}
        expect(len(seats) == len(certificate.signatures), "distinct seats", certificate)
        expect(len(seats) >= compute_quorum(self._seats), "a quorum of seats", certificate)
        expect(all(seat < self._seats for seat in seats), "seats of the set", certificate)
        known = self._views.setdefault(view, {})
        digest = known.setdefault(kind, certificate.digest)
        expect(digest == certificate.digest, f"one {kind.name} certificate per view", view)
        both = Kind.NULLIFY in known and Kind.FINALIZE in known
        expect(not both, "no nullification and finalization in one view", view)
        final = known.get(Kind.FINALIZE)
        beside = final is not None and known.get(Kind.NOTARIZE, final) != final
        expect(not beside, "no second notarization beside a final block", view)
