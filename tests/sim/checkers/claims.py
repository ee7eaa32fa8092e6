"""Results: a final header claims only what executing its chain truly gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.blocks import Block
from quorate.core.results import Result, compute_claim
from quorate.core.values import ZERO_HASH
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Claims:
    """Executes the one final chain by itself."""

    def __init__(self, world: World) -> None:
        self._blocks = [world.root]
        self._results = {0: Result(0, ZERO_HASH, ZERO_HASH)}
        self._execute = world.make_reference()

    def applied(self, node: Node, block: Block) -> None:
        if block.header.height != len(self._blocks):
            return
        above = self._blocks[-1].header.executed
        claim = block.header.executed
        expect(claim.height < block.header.height, "a result of the past", block.header.height)
        true = compute_claim(above, claim.height, self._results)
        expect(claim == true, "claims only what is true", f"height {block.header.height}")
        result = self._execute(block)
        self._results[result.height] = result
        self._blocks.append(block)
