"""Who missed its leader views in the running epoch, counted from headers (docs/protocol.md#J3).

Record: epoch u64, then missed u32 per seat. It changes only when a view was missed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quorate.core.blocks import Header
from quorate.core.codec import U32, U64
from quorate.core.errors import MalformedBytes

_COUNT_MAX = 2**32 - 1


@dataclass(slots=True)
class Performance:
    """Leader views missed, by seat of the epoch."""

    epoch: int
    missed: list[int]

    @classmethod
    def start(cls, epoch: int, seats: int) -> "Performance":
        """Return the counts at an epoch's start."""
        return cls(epoch, [0] * seats)

    def count_missed(self, header: Header, order: Sequence[int]) -> None:
        """Count the views between a block's parent and the block against their leaders."""
        seats = len(order)
        rounds, rest = divmod(header.view - header.parent_view - 1, seats)
        for seat in range(seats if rounds else 0):
            self._miss(seat, rounds)
        for view in range(header.view - rest, header.view):
            self._miss(order[view % seats], 1)

    def encode(self) -> bytes:
        """Return the record."""
        return U64.pack(self.epoch) + b"".join([U32.pack(count) for count in self.missed])

    @classmethod
    def decode(cls, data: bytes) -> "Performance":
        """Return the counts of a record; raises MalformedBytes."""
        if len(data) < 8 or len(data) % 4:
            raise MalformedBytes("performance", f"{len(data)} bytes")
        missed = [int(U32.unpack_from(data, at)[0]) for at in range(8, len(data), 4)]
        return cls(int(U64.unpack_from(data)[0]), missed)

    def _miss(self, seat: int, views: int) -> None:
        self.missed[seat] = min(self.missed[seat] + views, _COUNT_MAX)
