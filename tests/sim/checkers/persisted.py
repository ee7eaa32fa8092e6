"""Persist before send: what leaves with an own signature was synced in the own log before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft.messages import Proposal, Vote
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Persisted:
    """Compares what is sent with what the disk ever held durably."""

    def __init__(self, world: World) -> None:
        pass

    def signed(self, node: Node, message: Vote | Proposal) -> None:
        expect(message.encode() in node.disk.ever, "persist before send", message)

    def misplaced(self, node: Node, effects: list[do.Effect]) -> None:
        kinds = [type(effect).__name__ for effect in effects]
        expect(False, "one persist, in front", f"node {node.index}: {kinds}")
