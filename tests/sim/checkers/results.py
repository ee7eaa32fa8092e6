"""Results are equal at equal heights on all honest nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.results import Result
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Results:
    """Remembers the first result of each height."""

    def __init__(self, world: World) -> None:
        self._heights: dict[int, Result] = {}

    def executed(self, node: Node, result: Result) -> None:
        if node.is_honest:
            first = self._heights.setdefault(result.height, result)
            where = f"height {result.height}, node {node.index}"
            expect(first == result, "results are equal at equal heights", where)

    def finished(self, world: World) -> None:
        for node in world.list_honest():
            for result in node.storage.results[1:]:
                same = self._heights.get(result.height) == result
                where = f"height {result.height}, node {node.index}"
                expect(same, "results are equal at equal heights", where)
