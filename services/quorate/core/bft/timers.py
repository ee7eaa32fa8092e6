"""View timers as data: when a replica gives up on a view, and when it says so again.

A timer runs only while there is a reason (docs/protocol.md#W1): an idle chain is quiet. Time-outs
grow by half with every view that fails beyond the f that bad leaders can spoil, up to a cap, until
a block is final: a view that is only notarized may still have taken longer than its time.
"""

from quorate.core.params import Params
from quorate.core.values import compute_faults

# A batch interval's worth of waiting before an empty block carries results that nothing else does.
CARRY_DELAY_MS = 200
# By how much a block with anything in it, and at most a full one, stretches the interval to the
# next proposal: a block costs every validator five syncs and some thirty messages, whatever is in
# it, so under load fewer and larger ones are final sooner (docs/adr/005-pace.md).
INTERVAL_LOADED_MS = 25
INTERVAL_STRETCH_MS = 100


class Timers:
    """Deadlines of the current view, in monotonic milliseconds; None: not running."""

    def __init__(self, params: Params, seats: int) -> None:
        self._params = params
        self._faults = compute_faults(seats)
        self.failures = 0
        self._slow_views = 0
        self.deadline_ms: int | None = None
        self.retry_ms: int | None = None

    def enter_view(self, *, failed: bool, gave_up: bool = False) -> None:
        """Start a view with no timer running; how the one before ended, and whether in time."""
        self.failures = self.failures + 1 if failed else 0
        self._slow_views += failed or gave_up
        self.deadline_ms = None
        self.retry_ms = None

    def note_final(self) -> None:
        """Start over: a block is final, so the time-outs are long enough."""
        self.failures = self._slow_views = 0

    def compute_timeout_ms(self) -> int:
        """Return how long the current view may take."""
        timeout_ms = self._params.view_timeout_ms
        for _ in range(min(self._slow_views - self._faults, 16)):
            timeout_ms = timeout_ms * 3 // 2
        return min(timeout_ms, self._params.view_timeout_ms_max)

    def compute_interval_ms(self, parent_weight: int) -> int:
        """Return the least time between proposals; it grows only with the parent's load."""
        if parent_weight == 0:
            return self._params.block_interval_ms
        share = INTERVAL_STRETCH_MS * parent_weight * 8 // self._params.block_weight_max
        stretch = min(INTERVAL_LOADED_MS + share, INTERVAL_STRETCH_MS)
        return self._params.block_interval_ms + stretch

    def arm(self, now_ms: int, *, wanted: bool, gave_up: bool) -> None:
        """Run or stop the timers: the view's while undecided, the retry's after giving up."""
        if not wanted:
            self.deadline_ms = self.retry_ms = None
        elif gave_up:
            self.deadline_ms = None
            if self.retry_ms is None:
                self.retry_ms = now_ms + self.compute_timeout_ms()
        else:
            self.retry_ms = None
            if self.deadline_ms is None:
                self.deadline_ms = now_ms + self.compute_timeout_ms()

    def is_view_over(self, now_ms: int) -> bool:
        """Tell whether the current view's time is up."""
        return self.deadline_ms is not None and now_ms >= self.deadline_ms

    def is_retry_due(self, now_ms: int) -> bool:
        """Tell whether the own messages should be sent again; the next retry is then set."""
        if self.retry_ms is None or now_ms < self.retry_ms:
            return False
        self.retry_ms = now_ms + self.compute_timeout_ms()
        return True
