"""What a run of load shall do, and what came of it; both travel as JSON between processes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

# A run in which the generator itself woke up later than this (p99) says nothing about the chain.
LAG_MS_MAX = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run: `rate_tps` transfers per second from `accounts` senders, warm-up first.

    `lane` is the lane all senders use; a fresh one per run keeps leftovers of a run apart.
    `bad_per_mille` of the transfers carry a wrong signature; they come from a sender of their own.
    With a `contract` (a token's address in hex digits), every second one is a call of its method
    `transfer` instead.
    """

    endpoint: str
    rate_tps: int
    duration_s: float = 15.0
    warmup_s: float = 3.0
    drain_s: float = 15.0
    accounts: int = 128
    lane: int = 0
    size_bytes: int = 0
    tick_ms: int = 10
    bad_per_mille: int = 10
    workers: int = 2
    contract: str = ""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a run; counts are of the whole run, rates and latencies of its window."""

    offered_tps: float = 0.0
    finalized_tps: float = 0.0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0
    lag_p99_ms: float = 0.0
    offered: int = 0
    accepted: int = 0
    executed: int = 0
    failed: int = 0
    overloaded: int = 0
    overload_answer_p99_ms: float = 0.0
    dropped: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    bad_sent: int = 0
    bad_refused: int = 0
    lost: int = 0
    window_s: float = 0.0
    client_cpu_s: float = 0.0

    @property
    def is_void(self) -> bool:
        """Tell whether the generator was too late for its own schedule."""
        return self.lag_p99_ms > LAG_MS_MAX

    @property
    def are_only_bad_refused(self) -> bool:
        """Tell whether exactly the badly signed transfers were rejected, each for its signature."""
        others = {reason for reason in self.rejected if reason != "BAD_SIGNATURE"}
        return not others and self.bad_refused == self.bad_sent == sum(self.rejected.values())


def compute_percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile of ascending values; 0 when there are none."""
    if not ordered:
        return 0.0
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]
