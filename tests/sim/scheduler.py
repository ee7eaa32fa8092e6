"""Virtual time: one heap of what happens when, ties broken by the seed."""

import heapq
from collections.abc import Callable
from random import Random
from typing import Any

Action = Callable[..., None]


class Scheduler:
    """What is due, in order; `now_ms` moves only when something happens."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._heap: list[tuple[int, float, int, Action, tuple[Any, ...]]] = []
        self._count = 0
        self.now_ms = 0

    def at(self, at_ms: int, action: Action, *args: Any) -> None:
        """Do something at a time, or now when that is past."""
        self._count += 1
        entry = (max(at_ms, self.now_ms), self._rng.random(), self._count, action, args)
        heapq.heappush(self._heap, entry)

    def after(self, delay_ms: int, action: Action, *args: Any) -> None:
        """Do something after a delay."""
        self.at(self.now_ms + delay_ms, action, *args)

    def step(self, until_ms: int) -> bool:
        """Do what is next; False (and the time is `until_ms`) when nothing is due before then."""
        if not self._heap or self._heap[0][0] > until_ms:
            self.now_ms = until_ms
            return False
        self.now_ms, _, _, action, args = heapq.heappop(self._heap)
        action(*args)
        return True
