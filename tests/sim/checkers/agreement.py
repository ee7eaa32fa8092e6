"""Agreement: one final block per height and per view, on all nodes, whatever the faulty do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.blocks import Block
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Agreement:
    """Remembers the first final block of each height and view."""

    def __init__(self, world: World) -> None:
        self._heights: dict[int, bytes] = {}
        self._views: dict[int, bytes] = {}

    def applied(self, node: Node, block: Block) -> None:
        header = block.header
        first = self._heights.setdefault(header.height, block.digest)
        expect(first == block.digest, "agreement", f"height {header.height}, node {node.index}")
        first = self._views.setdefault(header.view, block.digest)
        expect(first == block.digest, "one final block per view", f"view {header.view}")
