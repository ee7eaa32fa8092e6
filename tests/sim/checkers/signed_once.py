"""An honest seat proposes, notarizes, nullifies and finalizes at most once in a view.

Across restarts too: what counts is what ever left. Saying the same again is no second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.evidence import get_digest, get_kind, get_view
from quorate.core.bft.messages import Kind, Proposal, Vote, get_epoch
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class SignedOnce:
    """Remembers the first digest of each kind that each seat signed in each view."""

    def __init__(self, world: World) -> None:
        self._signed: dict[tuple[int, int, int, Kind], bytes] = {}

    def signed(self, node: Node, message: Vote | Proposal) -> None:
        view, kind, digest = get_view(message), get_kind(message), get_digest(message)
        place = (node.index, get_epoch(message), view, kind)
        if self._signed.setdefault(place, digest) != digest:
            expect(False, f"one {kind.name} per view", f"node {node.index} in view {view}")
