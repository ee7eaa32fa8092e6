"""Which calls are poisoned: they killed the contract-runners of a quorum (#Z1 to Z4).

A proposer whose runner dies at a call names it in its headers. Everybody who reads the same final
headers comes to the same answer, so nothing else has to be agreed on.
"""

from typing import NamedTuple

from quorate.core.blocks import NO_SUSPECT, Header, Suspect
from quorate.core.values import compute_quorum


class Poisoned(NamedTuple):
    """A call that is a trap for everyone: its block, and its transaction's position there."""

    height: int
    position: int


class Suspicions:
    """What the seats of one epoch suspect, along its final blocks.

    `executed` is the highest height whose result a final header carries: what lies at or below it
    is settled for good.
    """

    def __init__(self, seats: int, executed: int = 0) -> None:
        self.executed = executed
        self._seats, self._quorum = seats, compute_quorum(seats)
        self._standing: dict[int, Suspect] = {}
        self._unchanged = 0

    def add(self, header: Header) -> Poisoned | None:
        """Take the next final header; return the call that is poisoned by it."""
        self.executed = max(self.executed, header.executed.height)
        self._unchanged += 1
        if self.find(header.proposer) != header.suspect:
            self._standing[header.proposer] = header.suspect
            self._unchanged = 0
        if header.suspect.height <= self.executed:
            return None
        count = sum(each == header.suspect for each in self._standing.values())
        return Poisoned(*header.suspect) if count >= self._quorum else None

    def find(self, seat: int) -> Suspect:
        """Return what a seat suspects by its newest final header."""
        return self._standing.get(seat, NO_SUSPECT)

    def is_open(self) -> bool:
        """Tell whether soon coming blocks may decide: something stands and has just changed."""
        if self._unchanged >= 2 * self._seats:
            return False
        return any(each.height > self.executed for each in self._standing.values())
