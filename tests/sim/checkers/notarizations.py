"""No second notarization in a view, least of all beside a block that is final there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.messages import Certificate, Kind
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Notarizations:
    """Remembers the block that was notarized, and the one that became final, in each view."""

    def __init__(self, world: World) -> None:
        self._notarized: dict[tuple[int, int], bytes] = {}
        self._final: dict[tuple[int, int], bytes] = {}

    def certified(self, node: Node, certificate: Certificate) -> None:
        view, digest = (certificate.epoch, certificate.view), certificate.digest
        if certificate.kind is Kind.NOTARIZE:
            first = self._notarized.setdefault(view, digest)
            expect(first == digest, "no second notarization in a view", view)
        elif certificate.kind is Kind.FINALIZE:
            self._final.setdefault(view, digest)
        beside = view in self._final and self._notarized.get(view, digest) != self._final[view]
        expect(not beside, "no second notarization beside a final block", view)

    def finished(self, world: World) -> None:
        for block in max((node.storage.blocks for node in world.nodes), key=len)[1:]:
            where = (block.header.epoch, block.header.view)
            notarized = self._notarized.get(where, block.digest)
            expect(notarized == block.digest, "no notarization beside a final block", where)
