"""What one replica tells in its headers about its own contract-runner (docs/protocol.md#Z1 to Z4).

Storage says at which call its runner dies; it is named in every own header until storage takes it
back. Storage then waits until no own header that may still count names it: by then the others have
either made a quorum, or this seat is no part of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from quorate.core.bft import effects as do
from quorate.core.bft.messages import Kind, Proposal
from quorate.core.blocks import NO_SUSPECT, Block, Executed, Suspect
from quorate.core.poisons import Suspicions

if TYPE_CHECKING:
    from quorate.core.bft.replica import Replica

# While a call is suspected, leaders follow one another at this pace, until each had two turns.
SUSPECT_BEAT_MS: Final = 250


class Suspecter:
    """The side of one replica that reports a dying runner."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._final = Suspicions(replica.seats, replica.chain.head.header.executed.height)
        self.own = NO_SUSPECT
        # The block whose call is suspected no more, and by which name storage waits for it.
        self._taken_back: tuple[int, int] | None = None

    def suspect(self, own: Suspect) -> None:
        """Name a call from now on."""
        self.own, self._taken_back = own, None

    def note_executed(self, height: int) -> None:
        """Suspect nothing of blocks that are executed."""
        if self.own.height <= height:
            self.own = NO_SUSPECT

    def take_back(self, height: int, ticket: int) -> None:
        """Suspect nothing any more; `settle` tells when that counts."""
        self.own, self._taken_back = NO_SUSPECT, (height, ticket)

    def follow(self, before: Suspecter) -> None:
        """Go on where the engine of the epoch before was: its headers count no more."""
        self.own, self._taken_back = before.own, before._taken_back

    def add_final(self, blocks: Iterable[Block]) -> None:
        """Take new final blocks of the chain."""
        for block in blocks:
            self._final.add(block.header)

    def jump(self) -> None:
        """Begin anew at a head that storage has executed: headers below it decide nothing here."""
        replica = self._replica
        self._final = Suspicions(replica.seats, replica.chain.head.header.executed.height)

    def settle(self) -> None:
        """Tell storage once what was taken back can't count any more."""
        if self._taken_back is not None and not self._is_bound(self._taken_back[0]):
            self._replica.send(do.ReleaseBlock(self._taken_back[1]))
            self._taken_back = None

    def pick(self, height: int, claim: Executed) -> Suspect:
        """Return what an own header of this height names beside this claim."""
        return self.own if claim.height < self.own.height < height else NO_SUSPECT

    def is_due(self, parent: Block, claim: Executed) -> bool:
        """Tell whether a block on `parent` would say something new of the own runner."""
        seat = self._replica.setup.seat
        if seat is None:
            return False
        standing = self._find_standing(parent, seat)
        wanted = self.pick(parent.header.height + 1, claim)
        return wanted != standing and max(wanted.height, standing.height) > claim.height

    def get_beat_ms(self) -> int:
        """Return after how long without a final block an empty one is due."""
        beat_ms = self._replica.params.heartbeat_ms
        return min(SUSPECT_BEAT_MS, beat_ms) if self._is_open() else beat_ms

    def _is_open(self) -> bool:
        seat = self._replica.setup.seat
        if self._final.is_open():
            return True
        is_new = seat is not None and self._final.find(seat) != self.own
        return is_new and self.own.height > self._final.executed

    def _find_standing(self, parent: Block, seat: int) -> Suspect:
        branch = self._replica.chain.find_branch(parent.digest) or []
        own = [b.header.suspect for b in branch if b.header.proposer == seat and not b.is_tail]
        return own[-1] if own else self._final.find(seat)

    def _is_bound(self, height: int) -> bool:
        seat = self._replica.setup.seat
        if seat is None or self._final.executed >= height:
            return False
        if not self._replica.signing.is_sure():
            return True
        return self._final.find(seat).height == height or any(
            isinstance(own, Proposal) and own.block.header.suspect.height == height
            for view in self._replica.views.values()
            if (own := view.own.get(Kind.PROPOSAL)) is not None
        )
