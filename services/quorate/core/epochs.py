"""When an epoch ends (docs/protocol.md#N1 to N5). The only home of this.

Executing the last block of epoch e elects the set of epoch e + 2 (staking/election.py), so a set
is known one epoch before it votes; its hash stands in the headers of the epoch between. The sets of
epochs 0 and 1 are in the genesis.
"""

from dataclasses import dataclass

from quorate.core.blocks import Header
from quorate.core.codec import U64, Reader
from quorate.core.params import Params
from quorate.core.seats import SeatSet


@dataclass(frozen=True, slots=True)
class EpochStart:
    """What an epoch starts from: the last block of the one before (block 0 for epoch 0).

    `carried` is the write digest which that block's header claims; the leader order comes of it.
    """

    epoch: int
    height: int
    time_ms: int
    carried: bytes

    def encode(self) -> bytes:
        """Return the canonical layout: epoch, height, time_ms u64 each, carried 32."""
        return U64.pack(self.epoch) + U64.pack(self.height) + U64.pack(self.time_ms) + self.carried

    @classmethod
    def decode(cls, data: bytes) -> "EpochStart":
        """Return the start of these bytes; raises MalformedBytes."""
        reader = Reader(data, "epoch start")
        start = cls(reader.u64(), reader.u64(), reader.u64(), reader.take(32))
        reader.end()
        return start


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """Past which height or time an epoch ends, once `result_height`'s result is carried."""

    height: int
    time_ms: int
    result_height: int


def compute_end(start: EpochStart, params: Params) -> EpochEnd:
    """Return when an epoch that starts so ends (docs/protocol.md#N1)."""
    return EpochEnd(
        start.height + params.epoch_blocks, start.time_ms + params.epoch_ms, start.height
    )


def is_last_block(header: Header, end: EpochEnd) -> bool:
    """Tell whether a block is past its epoch's end and carries what the next set depends on.

    The first such block of a branch is the epoch's last; only tail blocks follow it there. While
    the result of the epoch's start is not carried, the epoch lasts (docs/protocol.md#N1).
    """
    is_past = header.height >= end.height or header.time_ms >= end.time_ms
    return is_past and header.executed.height >= end.result_height


@dataclass(frozen=True, slots=True)
class Epochs:
    """What the running epoch starts from, and the sets known around it.

    `sets` holds at least the running epoch's and the one before, in order; more when known.
    """

    start: EpochStart
    sets: tuple[SeatSet, ...]


def start_after(last: Header) -> EpochStart:
    """Return the start of the epoch that follows an epoch's last block."""
    return EpochStart(last.epoch + 1, last.height, last.time_ms, last.executed.write_digest)
