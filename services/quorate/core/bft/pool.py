"""Batches that can be proposed: held here, and durable at a quorum (docs/protocol.md#B3)."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from quorate.core.batches import BatchHeader
from quorate.core.params import Params
from quorate.core.values import compute_quorum

# Reports of batches that are not held here yet, of all seats together; beyond its share a seat's
# oldest are forgotten (the batch is then proposed later, by someone who knows its holders).
STRANGE_REPORTS_MAX = 4_096


class Pool:
    """Unfinalized batches in order of arrival, with the seats that hold each."""

    def __init__(self, seats: int, own_seat: int | None, params: Params, epoch: int = 0) -> None:
        self._epoch = epoch
        self._quorum = compute_quorum(seats)
        self._own_bit = 0 if own_seat is None else 1 << own_seat
        self._params = params
        self.held: dict[bytes, BatchHeader] = {}
        self._holders: dict[bytes, int] = {}
        self._strange: tuple[dict[bytes, None], ...] = tuple({} for _ in range(seats))
        self._strange_max = STRANGE_REPORTS_MAX // seats
        self._ready: dict[bytes, None] = {}

    def follow(self, before: "Pool", seats: Sequence[int | None]) -> None:
        """Take over what the pool of the epoch before knows; `seats` maps its seats to these."""
        for name, header in before.held.items():
            if header.epoch >= self._epoch - 1:
                self.add_held(name, header)
                for old, new in enumerate(seats):
                    if new is not None and before._holders[name] >> old & 1:
                        self.add_report(new, name)
        for strange, new in zip(before._strange, seats, strict=True):
            if new is not None:
                for name in strange:
                    self.add_report(new, name)

    def add_held(self, name: bytes, header: BatchHeader) -> bool:
        """Note a batch that is checked and durable here; tell whether it can be proposed now."""
        if name in self.held:
            return False
        self.held[name] = header
        self._holders[name] = self._own_bit
        for seat, strange in enumerate(self._strange):
            if name in strange:
                del strange[name]
                self._holders[name] |= 1 << seat
        return self._check_ready(name)

    def add_report(self, seat: int, name: bytes) -> bool:
        """Note that another seat holds a batch durably; tell whether it can be proposed now."""
        if name in self.held:
            self._holders[name] |= 1 << seat
            return self._check_ready(name)
        if seat < len(self._strange):
            strange = self._strange[seat]
            strange[name] = None
            if len(strange) > self._strange_max:
                del strange[next(iter(strange))]
        return False

    def select(self, height: int, taken: AbstractSet[bytes]) -> tuple[tuple[bytes, ...], int]:
        """Return names for a block at `height` and their weight: oldest first, none of `taken`."""
        names: list[bytes] = []
        weight = 0
        for name in self._ready:
            header = self.held[name]
            if name in taken or not self.is_timely(header, height):
                continue
            if weight + header.weight > self._params.block_weight_max:
                break
            names.append(name)
            weight += header.weight
            if len(names) == self._params.block_batches_max:
                break
        return tuple(names), weight

    def has_work(self, height: int, taken: AbstractSet[bytes]) -> bool:
        """Tell whether `select` would find anything."""
        return any(
            name not in taken and self.is_timely(self.held[name], height) for name in self._ready
        )

    def is_timely(self, header: BatchHeader, height: int) -> bool:
        """Tell whether a block at `height` may name this batch (docs/protocol.md#B4, #B6)."""
        if not self._epoch - 1 <= header.epoch <= self._epoch:
            return False
        return height <= header.expiry_height <= height + self._params.batch_validity_blocks

    def forget(self, names: Iterable[bytes]) -> None:
        """Drop batches that are final now."""
        for name in names:
            self.held.pop(name, None)
            self._holders.pop(name, None)
            self._ready.pop(name, None)
            for strange in self._strange:
                strange.pop(name, None)

    def expire(self, height: int) -> None:
        """Drop batches that no block from `height` on may name."""
        self.forget([name for name, h in self.held.items() if h.expiry_height < height])

    def _check_ready(self, name: bytes) -> bool:
        """Tell whether a batch has just become durable at a quorum."""
        if name in self._ready or self._holders[name].bit_count() < self._quorum:
            return False
        self._ready[name] = None
        return True
