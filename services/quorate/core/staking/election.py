"""Who has the seats of an epoch: from stake, readiness and conduct (docs/protocol.md#J3 to J6).

Executing the last block of epoch e elects the set of e + 2, beside the known set F of e + 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import IntEnum
from typing import Final, NamedTuple

from quorate.core.params import Params
from quorate.core.records import Record
from quorate.core.seats import Seat, SeatSet
from quorate.core.staking.candidates import put_candidate
from quorate.core.staking.performance import Performance
from quorate.core.staking.records import (
    CANDIDATE_PREFIX,
    SLASHED,
    Candidate,
    Standing,
    compute_candidate_key,
    decode_candidate,
    peek_candidate,
)
from quorate.core.state import Changes
from quorate.core.values import compute_faults

# Candidates that one step handles: well under 2 ms.
_PAGE: Final = 128
# Seats that one step handles: of each the candidate is read, and may be written.
_SEATS: Final = 16
# Why a seat is to leave, worst first.
_SLASHED, _MISSED, _JAILED, _UNSTAKED, _RESIGNED = range(5)


class Leaver(NamedTuple):
    """A seat of F that is to leave for cause; the worst sorts first."""

    cause: int
    fewer_missed: int
    owner: bytes


class Obstacle(IntEnum):
    """Why a candidate is not electable."""

    NONE = 0
    SLASHED = 1
    RESIGNED = 2
    MISSED = 3
    JAILED = 4
    SELF_STAKE = 5
    NOT_READY = 6


class Ranked(NamedTuple):
    """An electable candidate; the first to be elected sorts first."""

    less_stake: int
    owner: bytes


class Election:
    """One election under way: `iter_steps` to its end, then `next_set`."""

    def __init__(
        self, changes: Changes, params: Params, ending: SeatSet, following: SeatSet
    ) -> None:
        self.next_set = following.follow(following.epoch + 1)
        self._changes, self._params = changes, params
        self._ending, self._following = ending, following
        # Missed views in the window of who is due for jail.
        self._due: dict[bytes, int] = {}
        self._faults = compute_faults(len(following.seats))

    def iter_steps(self, performance: Performance) -> Iterator[None]:
        """Count misses, choose who leaves and who is elected; each step is bounded."""
        yield from self._count_misses(performance)
        leavers = self._list_leavers()
        leaving, kept = leavers[: self._faults], leavers[self._faults :]
        yield
        room = max(self._params.seats_max - len(kept), 0)
        elected, is_any = list[Ranked](), False
        for page in self._changes.iter_prefix(CANDIDATE_PREFIX, _PAGE):
            # Who can't be among the elected any more is not looked at: nearly all of many.
            worst = elected[-1] if room and len(elected) == room else None
            electable = [*self._iter_electable(page, worst)]
            is_any = is_any or bool(electable)
            elected = sorted([*elected, *electable])[:room]
            yield
        if is_any:
            while leaving and len(elected) + len(kept) < self._count_least():
                kept.append(leaving.pop())
            chosen = [each.owner for each in elected] + [each.owner for each in kept]
            seats = sorted(map(self._build_seat, chosen), key=_rank_seat)
            self.next_set = _number(self._following.epoch + 1, seats)
        else:
            leaving = []
            seats = [self._renew(seat) for seat in self._following.seats]
            self.next_set = _number(self._following.epoch + 1, seats)
        self._jail(leaving)

    def _iter_electable(self, page: list[Record], worst: Ranked | None) -> Iterator[Ranked]:
        """Yield the electable of a page, but for those behind the worst that counts."""
        for key, record in page:
            found = peek_candidate(record)
            place = Ranked(-found.stake, key[1:])
            if (worst is None or place < worst) and not self.find_obstacle(place.owner, found):
                yield place

    def _count_least(self) -> int:
        return min(self._params.seats_min, len(self._following.seats))

    def _count_misses(self, performance: Performance) -> Iterator[None]:
        epoch = self._ending.epoch
        for seat, missed in zip(self._ending.seats, performance.missed, strict=True):
            record = self._changes.get(compute_candidate_key(seat.candidate))
            if record:
                candidate = decode_candidate(record)
                window = compute_window(candidate, epoch, missed)
                if (missed, epoch) != (candidate.missed, candidate.missed_epoch):
                    candidate.missed, candidate.missed_epoch = missed, epoch
                    put_candidate(self._changes, seat.candidate, candidate)
                if candidate.is_standing and window > self._params.missed_views_max:
                    self._due[seat.candidate] = window
            if seat.index % _SEATS == _SEATS - 1:
                yield

    def _list_leavers(self) -> list[Leaver]:
        leavers = list[Leaver]()
        for seat in self._following.seats:
            record = self._changes.get(compute_candidate_key(seat.candidate))
            if record and self.find_obstacle(seat.candidate, peek_candidate(record)):
                cause = self._find_cause(seat.candidate, record)
                leavers.append(Leaver(cause, -self._due.get(seat.candidate, 0), seat.candidate))
        return sorted(leavers)

    def _find_cause(self, owner: bytes, record: bytes) -> int:
        found = peek_candidate(record)
        if found.flags & SLASHED:
            return _SLASHED
        if owner in self._due:
            return _MISSED
        if found.jailed_until:
            return _JAILED
        return _UNSTAKED if found.self_stake < self._params.self_stake_min else _RESIGNED

    def find_obstacle(self, owner: bytes, found: Standing) -> Obstacle:
        """Return why a candidate is not electable; only after `iter_steps`, or within it."""
        if found.flags:
            return Obstacle.SLASHED if found.flags & SLASHED else Obstacle.RESIGNED
        if owner in self._due:
            return Obstacle.MISSED
        if found.jailed_until:
            return Obstacle.JAILED
        if found.self_stake < self._params.self_stake_min:
            return Obstacle.SELF_STAKE
        return Obstacle.NONE if self._is_ready(found) else Obstacle.NOT_READY

    def _is_ready(self, found: Standing) -> bool:
        # Who holds a seat shows by its blocks that its machine runs. In epoch 0 too, 0 is never.
        is_seated = self._following.find(found.seat_key) is not None
        return is_seated or found.ready_epoch >= max(self._ending.epoch, 1)

    def _build_seat(self, owner: bytes) -> Seat:
        candidate = decode_candidate(self._changes.get(compute_candidate_key(owner)))
        return Seat(0, candidate.name, candidate.seat_key, owner, candidate.stake)

    def _renew(self, seat: Seat) -> Seat:
        """Return a seat that stays, with its candidate's present key, stake and name."""
        is_known = bool(self._changes.get(compute_candidate_key(seat.candidate)))
        return self._build_seat(seat.candidate) if is_known else seat

    def _jail(self, leaving: Sequence[Leaver]) -> None:
        """Jail who is due for it and leaves, or has no seat to keep."""
        until = self._ending.epoch + 1 + self._params.jail_epochs
        seated = {seat.candidate for seat in self._following.seats}
        left = {each.owner for each in leaving}
        for owner in sorted(self._due):
            if owner in left or owner not in seated:
                candidate = decode_candidate(self._changes.get(compute_candidate_key(owner)))
                candidate.jailed_until = until
                put_candidate(self._changes, owner, candidate)


def compute_window(candidate: Candidate, epoch: int, missed: int) -> int:
    """Return the views missed in an epoch so far and in the one before (docs/protocol.md#J3)."""
    return missed + (candidate.missed if candidate.missed_epoch + 1 == epoch else 0)


def _rank_seat(seat: Seat) -> tuple[int, bytes]:
    return -seat.stake, seat.candidate


def _number(epoch: int, seats: Sequence[Seat]) -> SeatSet:
    numbered = [replace(seat, index=index) for index, seat in enumerate(seats)]
    return SeatSet(epoch, tuple(numbered))
