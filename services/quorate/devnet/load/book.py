"""The generator's book: what was offered when, and what came of each transfer.

Plain dictionaries and arrays, a few lookups per transfer, no task or future per transfer: the book
must cost the machine far less than the chain it measures.
"""

import heapq
from array import array
from collections import Counter, deque

from quorate.devnet.load.plan import Outcome, compute_percentile
from quorate.devnet.load.presign import Signed

# Refusals that mean "no room now": the same transfer may be offered again later.
ROOM_REASONS = frozenset({"OVERLOADED", "MEMPOOL_FULL", "SENDER_FLOODS", "UNAVAILABLE"})


# What a second offer of something executed meanwhile is answered with.
DONE_REASONS = frozenset({"ALREADY_EXECUTED", "SEQUENCE_PAST"})


class Senders:
    """Deals out transfers, senders in turn, each sender's in order; takes refused ones back."""

    def __init__(self, runs: list[list[Signed]]) -> None:
        self.runs = runs
        self._next = [0] * len(runs)
        self._returned: list[list[int]] = [[] for _ in runs]
        self._turn = deque(range(len(runs)))

    def take(self) -> tuple[int, int] | None:
        """Return (sender, place) of the next transfer; None when all are used up."""
        for _ in range(len(self._turn)):
            sender = self._turn[0]
            self._turn.rotate(-1)
            if self._returned[sender]:
                return sender, heapq.heappop(self._returned[sender])
            place = self._next[sender]
            if place < len(self.runs[sender]):
                self._next[sender] = place + 1
                return sender, place
        return None

    def take_returned(self) -> tuple[int, int] | None:
        """Return (sender, place) of a transfer that was given back; None when there is none."""
        for sender, places in enumerate(self._returned):
            if places:
                return sender, heapq.heappop(places)
        return None

    def get(self, sender: int, place: int) -> Signed:
        """Return a transfer that was taken."""
        return self.runs[sender][place]

    def give_back(self, sender: int, place: int) -> None:
        """Take back a transfer for which there was no room: it fills the gap it left."""
        heapq.heappush(self._returned[sender], place)


class Book:
    """Counts and times of one run. Times are seconds of the event loop's clock."""

    def __init__(self, window: tuple[float, float]) -> None:
        self.window = window
        self.waiting: dict[bytes, float] = {}
        self.bad: set[bytes] = set()
        # A refusal for lack of room is no promise: another validator may have had it already.
        self._refused: dict[bytes, float] = {}
        self._settled: set[bytes] = set()
        self.lags_ms = array("d")
        self._latencies_ms = array("d")
        self._refusal_ms = array("d")
        self._in_window = 0
        self.outcome = Outcome()
        self.rejected: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()

    def note_offered(self, id_: bytes, due_s: float, *, is_bad: bool) -> None:
        """Note a transfer that goes out now."""
        self.outcome.offered += 1
        if is_bad:
            self.bad.add(id_)
            self.outcome.bad_sent += 1
        elif id_ not in self._settled:
            self.waiting[id_] = due_s

    def note_no_room(self, id_: bytes, due_s: float, now_s: float) -> None:
        """Note a refusal for lack of room; the transfer is not waited for any more."""
        self.waiting.pop(id_, None)
        self._refused[id_] = due_s
        self.outcome.overloaded += 1
        self._refusal_ms.append((now_s - due_s) * 1_000)

    def note_bad_unanswered(self, id_: bytes) -> None:
        """Forget a badly signed transfer whose chunk found no room: nobody judged it."""
        self.bad.discard(id_)
        self.outcome.bad_sent -= 1

    def note_rejected(self, id_: bytes, reason: str) -> None:
        """Note a typed rejection.

        Of what was refused for room before, "already executed" is no rejection: its receipt counts.
        """
        if id_ in self._refused and reason in DONE_REASONS:
            return
        self.waiting.pop(id_, None)
        self.rejected[reason] += 1
        if id_ in self.bad:
            self.outcome.bad_refused += 1

    def note_executed(self, id_: bytes, now_s: float, *, is_success: bool) -> None:
        """Note an executed receipt; ids of others are ignored."""
        due_s = self.waiting.pop(id_, None)
        if due_s is None:
            due_s = self._refused.get(id_)
            if due_s is None or id_ in self._settled:
                return
        self._settled.update((id_,) if id_ in self._refused else ())
        self.outcome.executed += 1
        self.outcome.failed += not is_success
        start_s, end_s = self.window
        if start_s <= now_s < end_s:
            self._in_window += 1
        if start_s <= due_s < end_s:
            self._latencies_ms.append((now_s - due_s) * 1_000)

    def note_dropped(self, id_: bytes, reason: str) -> None:
        """Note that an accepted transfer will not be executed, with the reason."""
        if self.waiting.pop(id_, None) is not None:
            self.dropped[reason] += 1

    def close(self) -> Outcome:
        """Return the outcome; what still waits counts as lost."""
        outcome, ordered = self.outcome, sorted(self._latencies_ms)
        start_s, end_s = self.window
        outcome.window_s = end_s - start_s
        outcome.finalized_tps = self._in_window / outcome.window_s
        outcome.p50_ms = compute_percentile(ordered, 50)
        outcome.p95_ms = compute_percentile(ordered, 95)
        outcome.p99_ms = compute_percentile(ordered, 99)
        outcome.max_ms = ordered[-1] if ordered else 0.0
        outcome.lag_p99_ms = compute_percentile(sorted(self.lags_ms), 99)
        outcome.overload_answer_p99_ms = compute_percentile(sorted(self._refusal_ms), 99)
        outcome.rejected, outcome.skipped = dict(self.rejected), dict(self.skipped)
        outcome.dropped, outcome.lost = dict(self.dropped), len(self.waiting)
        outcome.accepted = outcome.executed + sum(self.dropped.values()) + outcome.lost
        return outcome
