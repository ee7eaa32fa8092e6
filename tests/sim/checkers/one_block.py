"""An honest seat never finalizes one block having notarized another in the view.

It would be evidence against it (docs/protocol.md#V1), though no two blocks become final by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.messages import Kind, Proposal, Vote
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class OneBlock:
    """Remembers the block that each seat voted for in each view."""

    def __init__(self, world: World) -> None:
        self._blocks: dict[tuple[int, int], bytes] = {}

    def sent(self, node: Node, message: Vote | Proposal) -> None:
        if isinstance(message, Proposal) or not node.obeys or message.seat != node.seat:
            return
        if message.kind is Kind.NULLIFY:
            return
        first = self._blocks.setdefault((message.seat, message.view), message.digest)
        if first != message.digest:
            where = f"seat {message.seat} in view {message.view}"
            expect(False, "never finalize one block having notarized another", where)
