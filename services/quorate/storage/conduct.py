"""How many leader views each seat may still miss, as a metric (docs/protocol.md#J3).

The record of misses changes only when a view was missed and at an epoch's end, so a block costs one
search in its sorted writes.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from quorate.core.governance.parameters import CHANGES_KEY, load_params
from quorate.core.params import Params
from quorate.core.records import MemoryRecords
from quorate.core.seats import SeatSet
from quorate.core.staking.election import compute_window
from quorate.core.staking.performance import Performance
from quorate.core.staking.records import (
    PERFORMANCE_KEY,
    compute_candidate_key,
    decode_candidate,
)
from quorate.core.state import EPOCH_START_KEY, Write, compute_set_key
from quorate.kit.metrics import VIEWS_LEFT
from quorate.storage.state_reader import StateReader


class Missed(NamedTuple):
    """Leader views that a seat missed in the running epoch, and how many it has left.

    `left` is negative when it is due for jail, None when no candidate stands behind the seat.
    """

    views: int
    left: int | None


def compute_missed(
    performance: Performance, seat: int, candidate_record: bytes, params: Params
) -> Missed:
    """Return how a seat of the running epoch does."""
    views = performance.missed[seat]
    if not candidate_record:
        return Missed(views, None)
    candidate = decode_candidate(candidate_record)
    window = compute_window(candidate, performance.epoch, views)
    return Missed(views, params.missed_views_max - window)


class Conduct:
    """Keeps the metric of views left up to date."""

    def __init__(self, reader: StateReader, params: Params) -> None:
        self._reader, self._params = reader, params

    def note(self, writes: Sequence[Write]) -> None:
        """Set the metric anew if a block's writes, ascending by key, have changed it."""
        at = bisect_left(writes, (PERFORMANCE_KEY, b""))
        if at < len(writes) and writes[at][0] == PERFORMANCE_KEY:
            self.tell()

    def tell(self) -> None:
        """Set the metric; only while no write is under way."""
        found = self._reader.load([PERFORMANCE_KEY, CHANGES_KEY, EPOCH_START_KEY])
        performance = Performance.decode(found[PERFORMANCE_KEY])
        params = load_params(MemoryRecords(found), self._params)
        key = compute_set_key(performance.epoch)
        seats = SeatSet.decode(self._reader.load([key])[key]).seats
        records = self._reader.load([compute_candidate_key(seat.candidate) for seat in seats])
        VIEWS_LEFT.clear()
        for seat in seats:
            record = records[compute_candidate_key(seat.candidate)]
            missed = compute_missed(performance, seat.index, record, params)
            if missed.left is not None:
                VIEWS_LEFT.labels(str(seat.index), seat.name).set(missed.left)
