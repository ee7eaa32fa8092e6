"""An honest seat never finalizes after its nullify in a view, nor nullifies after its finalize.

Across restarts too: what counts is what ever left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.messages import Kind, Proposal, Vote
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World

OTHER = {Kind.FINALIZE: Kind.NULLIFY, Kind.NULLIFY: Kind.FINALIZE}


class FinalOrNull:
    """Remembers in which views each seat finalized and nullified."""

    def __init__(self, world: World) -> None:
        self._sent: set[tuple[int, Kind, int, int]] = set()

    def signed(self, node: Node, message: Vote | Proposal) -> None:
        if isinstance(message, Proposal):
            return
        other = OTHER.get(message.kind)
        if other is None:
            return
        self._sent.add((node.index, message.kind, message.epoch, message.view))
        if (node.index, other, message.epoch, message.view) in self._sent:
            where = f"node {node.index} in view {message.view} of epoch {message.epoch}"
            expect(False, "never finalize and nullify in one view", where)
