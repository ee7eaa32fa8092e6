"""No view has both a nullification and a finalization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.messages import Certificate, Kind
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Opposed:
    """Remembers which views were nullified and which made a block final."""

    def __init__(self, world: World) -> None:
        self._views: dict[Kind, set[tuple[int, int]]] = {kind: set() for kind in Kind}

    def certified(self, node: Node, certificate: Certificate) -> None:
        if certificate.kind is Kind.NOTARIZE:
            return
        place = (certificate.epoch, certificate.view)
        self._views[certificate.kind].add(place)
        other = Kind.FINALIZE if certificate.kind is Kind.NULLIFY else Kind.NULLIFY
        both = place in self._views[other]
        expect(not both, "no nullification and finalization in one view", place)

    def finished(self, world: World) -> None:
        both = self._views[Kind.NULLIFY] & self._views[Kind.FINALIZE]
        expect(not both, "no nullification and finalization in one view", both)
