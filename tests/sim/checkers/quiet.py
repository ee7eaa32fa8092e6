"""No hot loop: an engine is woken by its timer a bounded number of times a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World

WAKES_PER_SECOND_MAX = 150


class Quiet:
    """Counts wakes per node and virtual second."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._wakes: dict[int, tuple[int, int]] = {}

    def woken(self, node: Node) -> None:
        second = self._world.scheduler.now_ms // 1_000
        last, count = self._wakes.get(node.index, (second, 0))
        count = count + 1 if last == second else 1
        self._wakes[node.index] = (second, count)
        where = f"node {node.index}: {count} wakes in second {second}"
        expect(count <= WAKES_PER_SECOND_MAX, "no hot loop", where)
