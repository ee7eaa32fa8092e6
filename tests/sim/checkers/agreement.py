"""Agreement: one final block per height, on all nodes, whatever the faulty do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.blocks import Block
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Agreement:
    """Remembers the first final block of each height."""

    def __init__(self, world: World) -> None:
        self._heights: dict[int, bytes] = {}

    def applied(self, node: Node, block: Block) -> None:
        height = block.header.height
        first = self._heights.setdefault(height, block.digest)
        if first != block.digest:
            expect(False, "agreement", f"height {height}, node {node.index}")

    def finished(self, world: World) -> None:
        longest = max((node.storage.blocks for node in world.nodes), key=len)
        digests = [block.digest for block in longest]
        for node in world.nodes:
            own = [block.digest for block in node.storage.blocks]
            expect(
                own == digests[: len(own)], "agreement", f"node {node.index} holds another chain"
            )
