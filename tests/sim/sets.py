"""Who has the seats of each epoch: drawn from the seed, one epoch after the other, without end.

Nodes join, leave, are replaced or change places, up to f of them at once. A set never holds more
faulty nodes than it can bear. A plan without epochs has one set for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from quorate.core import closing
from quorate.core.seats import Seat, SeatSet
from quorate.core.values import compute_faults

if TYPE_CHECKING:
    from quorate.core import crypto
    from quorate.core.params import Params
    from quorate.core.staking.performance import Performance
    from quorate.core.state import Changes
    from tests.sim.plan import Plan

SEATS_MIN = 4
TRIES = 20


@contextmanager
def elections(sets: Sets) -> Iterator[None]:
    """Have the real execution elect the drawn sets within: what is tested changes every epoch."""
    before = closing.Election
    closing.Election = partial(_Drawn, sets)
    try:
        yield
    finally:
        closing.Election = before


class _Drawn:
    """Stands for an election: the set is drawn, whoever may have stake."""

    def __init__(
        self,
        sets: Sets,
        changes: Changes,
        params: Params,
        ending: SeatSet,
        following: SeatSet,
    ) -> None:
        self.next_set = sets.get_set(following.epoch + 1)

    def iter_steps(self, performance: Performance) -> Iterator[None]:
        yield from ()


class Sets:
    """The set of every epoch, as nodes in seat order and as SeatSet."""

    def __init__(self, plan: Plan, keys: Sequence[crypto.SigningKey]) -> None:
        self._plan, self._keys = plan, keys
        self._members: list[tuple[int, ...]] = [tuple(range(plan.seats))]
        self._sets: dict[int, SeatSet] = {}
        self._nodes = {key.public_key: index for index, key in enumerate(keys)}

    def get_members(self, epoch: int) -> tuple[int, ...]:
        """Return the nodes that have the seats of an epoch, by seat."""
        while len(self._members) <= epoch:
            self._members.append(self._draw_next(len(self._members), self._members[-1]))
        return self._members[epoch]

    def get_set(self, epoch: int) -> SeatSet:
        """Return the set of an epoch."""
        if epoch not in self._sets:
            members = self.get_members(epoch)
            self._sets[epoch] = SeatSet(
                epoch,
                tuple(
                    Seat(seat, f"node-{node}", self._keys[node].public_key)
                    for seat, node in enumerate(members)
                ),
            )
        return self._sets[epoch]

    def find_node(self, epoch: int, seat: int) -> int | None:
        """Return which node has a seat in an epoch; None when there is no such seat."""
        members = self.get_members(epoch)
        return members[seat] if seat < len(members) else None

    def _draw_next(self, epoch: int, before: tuple[int, ...]) -> tuple[int, ...]:
        plan = self._plan
        if plan.epoch_blocks is None or plan.pool <= SEATS_MIN or plan.seats < SEATS_MIN:
            return before
        rng = Random(f"set {plan.seed} {epoch}")
        for _ in range(TRIES):
            members = self._change(rng, list(before))
            faulty = len(plan.faulty & set(members))
            if len(members) >= SEATS_MIN and faulty <= compute_faults(len(members)):
                return tuple(members)
        return before

    def _change(self, rng: Random, members: list[int]) -> list[int]:
        """Return another set that up to f nodes joined or left."""
        outside = [node for node in range(self._plan.pool) if node not in members]
        rng.shuffle(outside)
        what = rng.choice(("stay", "join", "leave", "replace", "replace", "permute"))
        for _ in range(rng.randint(1, compute_faults(len(members)))):
            if what in ("leave", "replace"):
                members.pop(rng.randrange(len(members)))
            if what in ("join", "replace") and outside:
                members.insert(rng.randint(0, len(members)), outside.pop())
        if what == "permute":
            rng.shuffle(members)
        return members
