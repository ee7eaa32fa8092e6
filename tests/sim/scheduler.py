"""Virtual time: one heap of what happens when, ties broken by the seed."""

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Any

Action = Callable[..., None]


class Scheduler:
    """What is due, in order; `now_ms` moves only when something happens."""

    def __init__(self, rng: Random) -> None:
        self._random = rng.random
        self._heap: list[tuple[int, float, int, Action, tuple[Any, ...]]] = []
        self._count = 0
        self.now_ms = 0

    def at(self, at_ms: int, action: Action, *args: Any) -> None:
        """Do something at a time, or now when that is past."""
        self._count += 1
        if at_ms < self.now_ms:
            at_ms = self.now_ms
        heappush(self._heap, (at_ms, self._random(), self._count, action, args))

    def after(self, delay_ms: int, action: Action, *args: Any) -> None:
        """Do something after a delay."""
        self._count += 1
        entry = (self.now_ms + delay_ms, self._random(), self._count, action, args)
        heappush(self._heap, entry)

    def step(self, until_ms: int) -> bool:
        """Do what is next; False (and the time is `until_ms`) when nothing is due before then."""
        heap = self._heap
        if not heap or heap[0][0] > until_ms:
            self.now_ms = until_ms
            return False
        self.now_ms, _, _, action, args = heappop(heap)
        action(*args)
        return True
