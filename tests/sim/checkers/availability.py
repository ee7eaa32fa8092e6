"""Availability: an honest seat notarizes only what it holds, so final batches are never lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.messages import Kind, Proposal, Vote
from quorate.core.blocks import Block
from quorate.core.values import compute_quorum
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Availability:
    """Looks at storages when a notarize leaves and when a block becomes final."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: set[bytes] = set()

    def sent(self, node: Node, message: Vote | Proposal) -> None:
        if not node.obeys or isinstance(message, Proposal) or message.kind is not Kind.NOTARIZE:
            return
        assert node.replica is not None, "it is sending"
        block = node.replica.chain.find(message.digest)
        current = message.epoch == node.replica.setup.epoch
        if current and block is not None and block.header.view > node.replica.final_view:
            held = all(name in node.storage.batches for name in block.batches)
            expect(held, "notarize only what is held", f"view {message.view}, node {node.index}")

    def applied(self, node: Node, block: Block) -> None:
        if block.digest in self._seen:
            return
        self._seen.add(block.digest)
        world = self._world
        members = [world.nodes[index] for index in world.sets.get_members(block.header.epoch)]
        seats = [each for each in members if each.obeys]
        needed = compute_quorum(len(members)) - (len(members) - len(seats))
        for name in block.batches:
            holders = sum(name in each.storage.batches for each in seats)
            expect(holders >= needed, "a final batch is held by honest seats", name.hex())
