"""No honest seat is accused, and none halts, whatever the others do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Innocence:
    """Knows who obeys."""

    def __init__(self, world: World) -> None:
        self._world = world

    def accused(self, node: Node, evidence: do.RecordEvidence) -> None:
        suspect = self._world.find_signer(evidence.first)
        guilty = suspect is not None and not self._world.nodes[suspect].obeys
        expect(guilty, "no evidence against who is honest", evidence)

    def reported(self, node: Node, report: do.ReportState) -> None:
        halted = report.state == "halted" and node.is_honest
        expect(not halted, "no honest seat halts", (node.index, report))
