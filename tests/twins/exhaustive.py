"""All scenarios of a few views that begin with a given prefix.

One prefix of each kind (scenario.py) stands for all that are renamings of it. All continuations of
it are played, so every scenario has a renaming among them. Where a renaming leaves the prefix as it
is, the next turn is taken once of each kind too.
"""

from random import Random

from tests.sim.checkers.violation import Violation
from tests.twins.scenario import ACTION, SEATS, TURN_INDEX, TURNS, Partition, Turn
from tests.twins.tree import Totals, Tree
from tests.twins.world import State, light_engine

Action = tuple[int, ...]

# Of the states after the last view, one in so many is healed; of those before it, every one.
HEALED_LEAVES = 512


def count_prefix_views(views: int) -> int:
    """Return how long the prefixes are that share the work of so many views."""
    return max(views - 2, 1)


def explore(prefix: tuple[int, ...], views: int, turns: int, *, backwards: bool) -> Totals:
    """Play all scenarios that begin with a prefix; the first one to fail ends it."""
    given = [TURNS[index] for index in prefix]
    tree = Tree(tuple(turn.leader for turn in given), backwards=backwards)
    partitions = tuple(dict.fromkeys(turn.partition for turn in TURNS[:turns]))
    same = [a for a in ACTION if tuple(a[index] for index in prefix) == prefix]
    search = _Search(tree, partitions, views, same)
    with light_engine():
        try:
            state = tree.start()
            for turn in given[:-1]:
                state = tree.advance(state, turn.partition)
            search.branch(state, (given[-1].partition,))
        except (Violation, AssertionError) as error:
            tree.totals.failures.append(f"{error.__notes__[0]} {error}")
    return tree.totals


class _Search:
    """A walk over everything below a prefix, which the renamings `same` leave as it is."""

    def __init__(
        self, tree: Tree, partitions: tuple[Partition, ...], views: int, same: list[Action]
    ) -> None:
        self._tree, self._partitions, self._views = tree, partitions, views
        self._same, self._free_view = same, count_prefix_views(views) + 1
        self._seen: set[tuple[int, ...]] = set()
        self._rng = Random(f"leaves {tree.seats}")

    def branch(self, state: State, partitions: tuple[Partition, ...]) -> None:
        """Go on from a state: every leader of the view after next, every partition of the next."""
        tree = self._tree
        path, seats = tree.path, tree.seats
        for seat in range(SEATS):
            for partition in partitions:
                tree.path, tree.seats = path, (*seats, seat)
                after = tree.advance(state, partition)
                self._visit(after)
                if len(tree.path) == self._views - 1:
                    self._end(after)
                else:
                    self.branch(after, self._list_next())
        tree.path, tree.seats = path, seats

    def _list_next(self) -> tuple[Partition, ...]:
        # The partitions of the next view, whose leader has been chosen.
        view = len(self._tree.path) + 1
        if view != self._free_view or len(self._same) == 1:
            return self._partitions
        turns = [Turn(self._tree.seats[view - 1], partition) for partition in self._partitions]
        indices = [TURN_INDEX[turn] for turn in turns]
        return tuple(
            turn.partition
            for turn, index in zip(turns, indices, strict=True)
            if all(action[index] >= index for action in self._same)
        )

    def _visit(self, state: State) -> None:
        key = tuple(instance.uid for instance in state)
        if key not in self._seen:
            self._seen.add(key)
            self._tree.totals.states += 1
            self._tree.heal(state)

    def _end(self, state: State) -> None:
        tree = self._tree
        partitions = self._list_next()
        for partition in partitions:
            tree.end(state, partition)
            if not self._rng.randrange(HEALED_LEAVES):
                path = tree.path
                tree.heal(tree.advance(state, partition))
                tree.path = path
        tree.totals.scenarios += len(partitions)
