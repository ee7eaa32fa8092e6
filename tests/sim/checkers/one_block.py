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
        self._blocks: dict[tuple[int, int, int], bytes] = {}

    def signed(self, node: Node, message: Vote | Proposal) -> None:
        if isinstance(message, Proposal) or message.kind is Kind.NULLIFY:
            return
        place = (node.index, message.epoch, message.view)
        first = self._blocks.setdefault(place, message.digest)
        if first != message.digest:
            where = f"node {node.index} in view {message.view} of epoch {message.epoch}"
            expect(False, "never finalize one block having notarized another", where)
