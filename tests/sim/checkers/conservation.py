"""Money adds up: the sum of all balances never changes (docs/protocol.md#E5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Conservation:
    """Compares each block's sum with the first one; only the full-node world has balances."""

    def __init__(self, world: World) -> None:
        self._supply: int | None = None

    def balanced(self, node: Node, height: int, total: int) -> None:
        if self._supply is None:
            self._supply = total
        where = f"height {height}, node {node.index}: {total}, not {self._supply}"
        expect(total == self._supply, "money adds up", where)
