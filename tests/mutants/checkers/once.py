"""No batch twice in one block: its transactions would be executed twice (docs/protocol.md#B4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.blocks import Block
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Once:
    """Looks at each final block; `Chains` compares blocks with one another."""

    def __init__(self, world: World) -> None:
        pass

    def applied(self, node: Node, block: Block) -> None:
        once = len(set(block.batches)) == len(block.batches)
        expect(once, "no batch twice in a block", f"height {block.header.height}")
