"""How much may be accepted: about as much as the chain executes of it in BACKLOG_MS.

What is accepted should be executed soon, so that overload is answered at once and not by minutes in
a queue. Pure: the caller tells the time.
"""

from typing import Final

BACKLOG_MS: Final = 1_500
# Always allowed: a chain that was idle or stood still takes this much at once.
COUNT_MIN: Final = 4_096
# The rate halves its memory in about this time.
WINDOW_MS: Final = 1_000
WAIT_MS_MAX: Final = 1_000
WAIT_MS_MIN: Final = 20


class Pace:
    """Measures how many own transactions are executed per second."""

    def __init__(self) -> None:
        self._rate_per_s = 0
        self._count = 0
        self._since_ms = 0

    def note_executed(self, count: int, now_ms: int) -> None:
        """Count own transactions that a block executed."""
        self._count += count
        passed_ms = now_ms - self._since_ms
        if passed_ms >= WINDOW_MS:
            measured = self._count * 1_000 // passed_ms
            # Up at once, down slowly: a pause must not shut the door.
            self._rate_per_s = max(measured, (self._rate_per_s + measured) // 2)
            self._count, self._since_ms = 0, now_ms

    def compute_wait_ms(self, waiting: int) -> int:
        """Return 0 when more may be accepted, else when to try again."""
        allowed = max(COUNT_MIN, self._rate_per_s * BACKLOG_MS // 1_000)
        if waiting < allowed:
            return 0
        excess_ms = (waiting - allowed) * 1_000 // max(self._rate_per_s, 1)
        return min(max(excess_ms, WAIT_MS_MIN), WAIT_MS_MAX)
