"""What a directed link of a local network is like, as data; and when TCP would try again.

A relay sees bytes, not packets. So a lost packet is what it is to who uses TCP: a pause until the
sender repeats it, during which everything behind waits. docs/faults.md says what each means.
"""

import random
from dataclasses import dataclass
from typing import Final, Literal

Cut = Literal["", "silent", "reset"]
SEGMENT_BYTES: Final = 1_448
# Linux: the least time until a segment, and the time until the first packet, is repeated.
RETRANSMIT_S: Final = 0.2
CONNECT_RETRY_S: Final = 1.0
RETRANSMIT_S_MAX: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One directed link; the default is a perfect one.

    `cut`: "silent" drops everything and nobody is told, as when a cable is pulled; "reset" ends
    connections and refuses new ones, as when a host or a firewall answers.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss_per_mille: int = 0
    bytes_per_s: int = 0
    cut: Cut = ""

    @property
    def is_perfect(self) -> bool:
        """Whether bytes may go straight through."""
        return self == PERFECT


PERFECT: Final = Condition()


class Wire:
    """One directed link at work: says when bytes that enter now come out."""

    def __init__(self, rng: random.Random) -> None:
        self.condition = PERFECT
        self._rng = rng
        self._free_s = 0.0

    def compute_due_s(self, size_bytes: int, now_s: float) -> float:
        """Return when a piece that is sent now arrives."""
        condition = self.condition
        due_s = now_s
        if condition.bytes_per_s:
            due_s = max(now_s, self._free_s) + size_bytes / condition.bytes_per_s
            self._free_s = due_s
        due_s += (condition.delay_ms + self._rng.random() * condition.jitter_ms) / 1_000
        return due_s + self._draw_loss_s(size_bytes)

    def _draw_loss_s(self, size_bytes: int) -> float:
        loss = self.condition.loss_per_mille / 1_000
        if not loss:
            return 0.0
        segments = 1 + size_bytes // SEGMENT_BYTES
        chance, wait_s, late_s = 1 - (1 - loss) ** segments, RETRANSMIT_S, 0.0
        # One segment is repeated until it comes through; each time waits twice as long.
        while self._rng.random() < chance and late_s < RETRANSMIT_S_MAX:
            late_s, wait_s, chance = late_s + wait_s, wait_s * 2, loss
        return late_s


def compute_retry_s(first_s: float, now_s: float, wait_s: float) -> float:
    """Return when a sender that first sent at `first_s`, in vain, repeats it, from now on.

    Waits double: `wait_s`, 2 × `wait_s`, … after one another, as TCP does.
    """
    at_s = first_s + wait_s
    while at_s < now_s:
        wait_s = min(wait_s * 2, RETRANSMIT_S_MAX)
        at_s += wait_s
    return at_s
