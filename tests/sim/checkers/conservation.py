"""Money adds up: all of it changes only by what blocks issue (docs/protocol.md#E5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tests.economy.conservation import assert_conserved, compute_issued
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Conservation:
    """Counts a node's whole state after each block; only the full-node world has one."""

    def __init__(self, world: World) -> None:
        self._world = world

    def balanced(self, node: Node, height: int, state: Mapping[bytes, bytes]) -> None:
        genesis = self._world.genesis
        try:
            assert_conserved(state, genesis.supply + compute_issued(genesis.params, height))
        except AssertionError as error:
            expect(False, "money adds up", f"height {height}, node {node.index}: {error}")
