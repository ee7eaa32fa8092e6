"""One final block per view: two finalizations of a view, anywhere, are for the same block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class OneFinal:
    """Remembers the first block of each view that any engine committed, alone or as an ancestor."""

    def __init__(self, world: World) -> None:
        self._views: dict[tuple[int, int], bytes] = {}

    def committed(self, node: Node, commit: do.CommitBlocks) -> None:
        for block in commit.blocks:
            place = (block.header.epoch, block.header.view)
            first = self._views.setdefault(place, block.digest)
            if first != block.digest:
                where = f"epoch and view {place}, node {node.index}"
                expect(False, "one final block per view", where)
