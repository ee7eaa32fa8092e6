"""Epochs follow one another without a gap (docs/protocol.md#N1 to N4), seen from outside.

No tail block becomes part of the chain; an epoch's blocks stand above the one last block of the
epoch before and the first of them carries a handover that holds; headers carry the hashes of the
sets that were elected; and nobody signs in an epoch in which it has no seat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.finality import check_finality, decode_finality
from quorate.core.bft.messages import Proposal, Vote
from quorate.core.blocks import Block
from quorate.core.epochs import EpochStart, compute_end, is_last_block, start_after
from quorate.core.errors import InvalidInput
from tests.sim.checkers.violation import Violation, expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class EpochRules:
    """Follows the one final chain by itself, epoch by epoch."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._head = world.root
        self._start: EpochStart = world.genesis.start

    def sent(self, node: Node, message: Vote | Proposal) -> None:
        # Others' proposals are passed on as proofs; a vote is always its sender's own.
        if node.obeys and isinstance(message, Vote):
            where = f"node {node.index} in epoch {message.epoch}, seat {message.seat}"
            own = self._world.find_signer(message) == node.index
            expect(own, "votes only with an own seat of the epoch", where)

    def applied(self, node: Node, block: Block) -> None:
        header = block.header
        expect(not block.is_tail, "no tail block in the chain", f"height {header.height}")
        if header.height != self._head.header.height + 1:
            return
        where = f"height {header.height}, epoch {header.epoch}"
        expect(header.epoch == self._start.epoch, "blocks of the epoch that goes on", where)
        self._check_handover(block, where)
        self._check_set(block, where)
        self._head = block
        if is_last_block(header, compute_end(self._start, self._world.params)):
            self._start = start_after(header)

    def _check_handover(self, block: Block, where: str) -> None:
        is_first = self._head.header.height == self._start.height and self._start.epoch > 0
        expect(bool(block.handover) == is_first, "a handover in the first block only", where)
        if not is_first:
            return
        keys = self._world.sets.get_set(self._start.epoch - 1).keys
        try:
            check_finality(decode_finality(block.handover), self._head, keys, self._world.domain)
        except InvalidInput as error:
            raise Violation("a handover holds", f"{where}: {error}") from error

    def _check_set(self, block: Block, where: str) -> None:
        # The result of the block that the epoch starts from gives the set of the next one.
        claim = block.header.executed
        known = self._start.epoch + (claim.height >= self._start.height)
        true = self._world.sets.get_set(known).hash
        expect(claim.next_set_hash == true, "headers carry the elected set", where)
