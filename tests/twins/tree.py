"""Scenarios that begin alike share their beginning; blocks that cannot talk share nothing.

What a turn makes of a block depends on the states of its instances and on the leaders that they
asked for, on nothing else. So it is played once and remembered, whatever the rest of the partition
does, and a remembered result counts wherever both are the same. That is exact: engines are pure, so
equal histories are equal states. (States that differ in history never compare equal here; engines
keep proofs of past views, so hardly any would.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.sim.checkers.violation import Violation
from tests.twins.checks import Fact, check_facts
from tests.twins.instance import Instance, Leaders
from tests.twins.scenario import Block, Partition, Scenario, Turn
from tests.twins.turn import Rules
from tests.twins.world import State, heal, make_start, play_block

Seats = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """What a turn made of a block; `members` is empty when nobody goes on from there."""

    asked: tuple[tuple[int, int], ...]
    members: tuple[Instance, ...]
    facts: frozenset[Fact]
    # The turn brought proof of something: only then can the instances newly disagree.
    is_news: bool


@dataclass(slots=True)
class Totals:
    """What was covered: scenarios, turns played in earnest, states reached, healings."""

    scenarios: int = 0
    played: int = 0
    states: int = 0
    healed: int = 0
    slowest_ms: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, other: Totals) -> None:
        """Add what another run covered."""
        self.scenarios += other.scenarios
        self.played += other.played
        self.states += other.states
        self.healed += other.healed
        self.slowest_ms = max(self.slowest_ms, other.slowest_ms)
        self.failures += other.failures


class Tree:
    """Scenarios with a common beginning; `path` and `seats` are where in the tree one is."""

    def __init__(self, seats: Seats, *, backwards: bool) -> None:
        self.seats, self.backwards = seats, backwards
        self.path: tuple[Partition, ...] = ()
        self.totals = Totals()
        self._played: dict[tuple[int, ...], list[Played]] = {}
        self._leaves: dict[tuple[int, ...], list[Played]] = {}
        self._uid = 0

    def start(self) -> State:
        """Return the instances before view 1."""
        state = make_start(Leaders(self.seats))
        for instance in state:
            self._uid += 1
            instance.uid = self._uid
        return state

    def advance(self, state: State, partition: Partition) -> State:
        """Return the state after one more turn; the path is then one longer."""
        self.path += (partition,)
        after = list(state)
        is_news = False
        for block in partition:
            played = self._find(state, block, is_last=False)
            is_news |= played.is_news
            for member in played.members:
                after[member.index] = member
        if is_news:
            self._check(frozenset().union(*(instance.facts for instance in after)))
        return tuple(after)

    def end(self, state: State, partition: Partition) -> None:
        """Play and check the last turn of a scenario, from where nobody goes on."""
        self.path += (partition,)
        played = [self._find(state, block, is_last=True) for block in partition]
        if any(each.is_news for each in played):
            self._check(frozenset().union(*(each.facts for each in played)))
        self.path = self.path[:-1]

    def heal(self, state: State) -> None:
        """Heal from a state, which stays as it is."""
        self.totals.healed += 1
        try:
            spent_ms = heal(state, Rules(0, Leaders(self.seats), self.backwards))
        except (Violation, AssertionError) as error:
            raise self._name(error) from None
        self.totals.slowest_ms = max(self.totals.slowest_ms, spent_ms)

    def _find(self, state: State, block: Block, *, is_last: bool) -> Played:
        known = self._leaves if is_last else self._played
        key = tuple([state[index].uid for index in block])
        entries = known.setdefault(key, [])
        seats = self.seats
        for played in entries:
            if all(seats[view - 1] == seat for view, seat in played.asked):
                return played
        played = self._play([state[index] for index in block], is_last=is_last)
        entries.append(played)
        return played

    def _play(self, members: list[Instance], *, is_last: bool) -> Played:
        leaders = Leaders(self.seats)
        self.totals.played += 1
        try:
            after = play_block(members, Rules(len(self.path), leaders, self.backwards))
        except (Violation, AssertionError) as error:
            raise self._name(error) from None
        for instance in after:
            self._uid += 1
            instance.uid = self._uid
        before: frozenset[Fact] = frozenset().union(*(m.facts for m in members))
        facts: frozenset[Fact] = frozenset().union(*(m.facts for m in after))
        asked = tuple(each for each in leaders.items() if each[0] <= len(self.seats))
        return Played(asked, () if is_last else after, facts, facts != before)

    def _check(self, facts: frozenset[Fact]) -> None:
        try:
            check_facts(facts)
        except Violation as error:
            raise self._name(error) from None

    def _name(self, error: Any) -> Any:
        # The leader of the next view may have been asked for: it belongs to the name.
        turns = [Turn(*pair) for pair in zip(self.seats, self.path, strict=False)]
        turns += [Turn(seat, ()) for seat in self.seats[len(turns) :]]
        error.add_note(str(Scenario(tuple(turns), self.backwards)))
        return error
