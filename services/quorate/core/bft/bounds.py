"""The two ends of an epoch: its first block, its last, and the tail blocks after that (#N1 to #N3).

Nothing of a tail block is executed and none is part of the chain: when the last block's own
finalization fails, finalizing a tail block on top of it is what makes it final.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from quorate.core.bft.finality import check_finality, decode_finality
from quorate.core.bft.rules import INVALID, UNDECIDED, VALID, Verdict
from quorate.core.blocks import Block, Header, compute_batches_hash, compute_digest
from quorate.core.epochs import is_last_block
from quorate.core.errors import InvalidInput
from quorate.core.values import ZERO_HASH

if TYPE_CHECKING:
    from quorate.core.bft.replica import Replica


class EpochBounds:
    """Where one replica's epoch begins and ends."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._setup = replica.setup

    def is_last(self, block: Block) -> bool:
        """Tell whether a block of this epoch is one that ends it."""
        end = self._setup.end
        is_own = block.header.epoch == self._setup.epoch and not block.is_tail
        return end is not None and is_own and is_last_block(block.header, end)

    def needs_tail(self, parent: Block) -> bool:
        """Tell whether only a tail block may follow a block."""
        is_own = parent.header.epoch == self._setup.epoch
        return is_own and (parent.is_tail or self.is_last(parent))

    def split(self, branch: list[Block]) -> tuple[list[Block], Header | None]:
        """Return the blocks of a branch that belong to the chain, and the last tail's header."""
        blocks = [block for block in branch if not block.is_tail]
        return blocks, branch[-1].header if branch[-1].is_tail else None

    def judge_tail(self, block: Block, parent: Block) -> Verdict:
        """Judge a block whose parent ends the epoch: it must add nothing at all."""
        header, above = block.header, parent.header
        expected = build_tail(above, _get_last(parent), header.view, header.proposer)
        time_ms = header.time_ms
        if (
            time_ms <= above.time_ms
            or header != replace(expected, time_ms=time_ms)
            or block.batches
        ):
            return Verdict(INVALID, "WRONG_TAIL")
        if time_ms > self._replica.clock_ms + self._replica.params.clock_ahead_ms_max:
            return Verdict(UNDECIDED, "TIME_AHEAD")
        return Verdict(VALID)

    def build_tail(self, parent: Block) -> Block:
        """Return the own tail block on a parent that ends the epoch."""
        replica, above = self._replica, parent.header
        header = build_tail(above, _get_last(parent), replica.view, replica.leader(replica.view))
        return Block.build(replace(header, time_ms=max(replica.clock_ms, above.time_ms + 1)), ())

    def build_handover(self, parent: Block) -> bytes:
        """Return what the first block of an epoch carries; b"" for any other block."""
        finality = self._replica.chain.finality
        if parent.header.epoch == self._setup.epoch or finality is None:
            return b""
        return finality.encode()

    def is_opened_well(self, block: Block, parent: Block) -> bool:
        """Tell whether a block carries a handover exactly when it must, and one that holds."""
        if block.is_tail:
            return False
        if parent.header.epoch == self._setup.epoch or parent.header.height == 0:
            return not block.handover
        try:
            finality = decode_finality(block.handover)
            check_finality(finality, parent, self._setup.before, self._setup.domain)
        except InvalidInput:
            return False
        return True


def build_tail(above: Header, last_block: bytes, view: int, proposer: int) -> Header:
    """Return the header of the tail block on `above`; its time is the caller's to set."""
    return Header(
        protocol_version=above.protocol_version,
        contract_engine=above.contract_engine,
        epoch=above.epoch,
        view=view,
        height=above.height,
        parent=compute_digest(above.encode()),
        parent_view=above.view,
        time_ms=above.time_ms,
        proposer=proposer,
        batches_hash=compute_batches_hash(()),
        weight=0,
        base_fee=above.base_fee,
        last_block=last_block,
        handover_hash=ZERO_HASH,
        executed=above.executed,
    )


def _get_last(parent: Block) -> bytes:
    return parent.header.last_block if parent.is_tail else parent.digest
