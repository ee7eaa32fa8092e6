"""How much may be accepted: about as many bytes as the chain executes of them in BACKLOG_MS.

What is accepted should be executed soon, so that overload is answered at once and not by minutes in
a queue. Only what can be executed counts: transactions behind a gap don't shut the door. While more
than half of the room is used, one sender may use a quarter of it. Pure: the caller tells the time.
"""

from typing import Final

BACKLOG_MS: Final = 1_000
# Always allowed: a chain that was idle or stood still takes this much at once (one full batch).
BYTES_MIN: Final = 256 * 1024
WINDOW_MS: Final = 500
WAIT_MS_MAX: Final = 1_000
WAIT_MS_MIN: Final = 20


class Pace:
    """Measures how many bytes of own batches are executed per second."""

    def __init__(self) -> None:
        self._rate_per_s = 0
        self._bytes = 0
        self._since_ms = 0

    def note_executed(self, size_bytes: int, now_ms: int) -> None:
        """Count own batches that a block executed."""
        self._bytes += size_bytes
        passed_ms = now_ms - self._since_ms
        if passed_ms >= WINDOW_MS:
            measured = self._bytes * 1_000 // passed_ms
            # Up at once, down slowly: a pause must not shut the door.
            self._rate_per_s = max(measured, (self._rate_per_s + measured) // 2)
            self._bytes, self._since_ms = 0, now_ms

    def compute_allowed_bytes(self) -> int:
        """Return how many bytes may wait for execution."""
        return max(BYTES_MIN, self._rate_per_s * BACKLOG_MS // 1_000)

    def compute_wait_ms(self, waiting_bytes: int) -> int:
        """Return 0 when more may be accepted, else when to try again."""
        allowed = self.compute_allowed_bytes()
        if waiting_bytes < allowed:
            return 0
        excess_ms = (waiting_bytes - allowed) * 1_000 // max(self._rate_per_s, 1)
        return min(max(excess_ms, WAIT_MS_MIN), WAIT_MS_MAX)

    def compute_sender_bytes_max(self, waiting_bytes: int, otherwise: int) -> int:
        """Return how much one sender may have waiting now."""
        allowed = self.compute_allowed_bytes()
        return min(allowed // 4, otherwise) if waiting_bytes > allowed // 2 else otherwise
