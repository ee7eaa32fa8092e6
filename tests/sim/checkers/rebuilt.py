"""A final block can be rebuilt from what was persisted.

Who notarizes has the block on disk before the vote leaves, so the logs of the honest seats in a
quorum hold every final block, header and batch list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.messages import Kind, Proposal, Vote, decode_message
from quorate.core.blocks import Block
from quorate.core.errors import MalformedBytes
from quorate.core.values import compute_quorum
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Rebuilt:
    """Looks into the logs when a notarize leaves, and for all final blocks at the end."""

    def __init__(self, world: World) -> None:
        pass

    def signed(self, node: Node, message: Vote | Proposal) -> None:
        if isinstance(message, Vote) and message.kind is Kind.NOTARIZE:
            held = message.digest in node.disk.blocks
            expect(held, "a block is persisted with its notarize", (node.index, message.view))

    def finished(self, world: World) -> None:
        for block in max((node.storage.blocks for node in world.nodes), key=len)[1:]:
            seats = [world.nodes[i] for i in world.sets.get_members(block.header.epoch)]
            logs = [node.disk.blocks for node in seats if node.obeys]
            needed = compute_quorum(len(seats)) - (len(seats) - len(logs))
            found = [log[block.digest] for log in logs if block.digest in log]
            where = f"height {block.header.height}: {len(found)} logs, needed {needed}"
            expect(len(found) >= needed, "a final block is in the logs", where)
            for data in set(found):
                expect(_rebuild(data) == block, "a final block is rebuilt from a log", where)


def _rebuild(data: bytes) -> Block | None:
    try:
        proposal = decode_message(data)
    except MalformedBytes:
        return None
    return proposal.block if isinstance(proposal, Proposal) else None
