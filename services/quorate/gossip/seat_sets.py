"""The sets of the epochs around the running one: consensus tells them, storage does at start.

Who is a seat is decided here, by key: a key may hold a seat in one epoch and none in the next.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from quorate.core.errors import MalformedBytes
from quorate.core.results import Judgement
from quorate.core.seats import SeatSet

SETS_MAX: Final = 3


class SeatSets:
    """The set of the running epoch, of the one before, and of the next when it is known."""

    def __init__(self) -> None:
        self.running: SeatSet | None = None
        self.known = asyncio.Event()
        self.on_change: Callable[[SeatSet | None], None] = lambda before: None
        self._sets: dict[int, SeatSet] = {}

    @property
    def epoch(self) -> int:
        """The running epoch; 0 while it is not known."""
        return 0 if self.running is None else self.running.epoch

    def start(self, epoch: int, encoded: Iterable[bytes]) -> None:
        """Run an epoch whose encoded set is among these; raises MalformedBytes."""
        told = {each.epoch: each for each in map(SeatSet.decode, encoded)}
        running = told.get(epoch) or self._sets.get(epoch)
        if running is None:
            raise MalformedBytes("start of an epoch", f"the set of epoch {epoch} is not there")
        sets = self._sets | told
        around = range(max(epoch - 1, 0), epoch + SETS_MAX - 1)
        before, self.running = self.running, running
        self._sets = {each: sets[each] for each in around if each in sets}
        self.known.set()
        self.on_change(before)

    def seed(self, epoch: int, encoded: Iterable[bytes]) -> None:
        """Run what storage says while no engine has told; raises MalformedBytes."""
        if self.running is None:
            self.start(epoch, encoded)

    def get(self, epoch: int) -> SeatSet | None:
        """Return the set of an epoch around the running one."""
        return self._sets.get(epoch)

    def get_seat_key(self, epoch: int, seat: int) -> bytes | None:
        """Return the key of a seat; None when there is no such seat, or its set is not known."""
        found = self._sets.get(epoch)
        return None if found is None else found.get_key(seat)

    def list_keys(self) -> list[bytes]:
        """Return the keys that hold a seat in any known epoch, the running one's first."""
        sets = sorted(self._sets.values(), key=lambda each: each is not self.running)
        return list(dict.fromkeys([key for each in sets for key in each.keys]))

    def judge(self, epoch: int) -> Judgement:
        """Tell whether batches of an epoch can be checked: over, running or near, not known yet."""
        if self.running is not None and epoch < self.running.epoch - 1:
            return Judgement.INVALID
        return Judgement.VALID if epoch in self._sets else Judgement.UNDECIDED
