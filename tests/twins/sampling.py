"""Long scenarios by chance: each seeded tree is one trunk of random turns that branches at its end.

So LEAVES scenarios share most of their views. Half of the turns have any partition, half one with a
block that can go on, for else three views in five would just time out; the twins lead two in five.
Half of the trees have the opposite order of arrival.
"""

from math import prod
from random import Random

from tests.sim.checkers.violation import Violation
from tests.twins.scenario import PARTITIONS, TWIN_SEAT, Partition, has_quorum
from tests.twins.tree import Totals, Tree
from tests.twins.world import State, light_engine

# Into how many the last three views branch.
BRANCHES = (4, 4, 12)
LEAVES = prod(BRANCHES)
# Of the states after the last view, one in so many is healed; of those one view before, every one.
HEALED_LEAVES = 8

LIVELY = tuple(partition for partition in PARTITIONS if has_quorum(partition))


def sample(seed: int, number: int, views: tuple[int, int]) -> Totals:
    """Play the scenarios of one tree of a seed; the first one to fail ends it."""
    rng = Random(f"twins {seed} {number}")
    count = rng.randint(*views)
    tree = Tree((_draw_leader(rng),), backwards=bool(rng.randrange(2)))
    with light_engine():
        try:
            _grow(tree, tree.start(), rng, count)
        except (Violation, AssertionError) as error:
            tree.totals.failures.append(f"{error.__notes__[0]} {error}")
    return tree.totals


def _grow(tree: Tree, state: State, rng: Random, left: int) -> None:
    width = BRANCHES[-left] if left <= len(BRANCHES) else 1
    path, seats = tree.path, tree.seats
    drawn: set[tuple[Partition, int]] = set()
    while len(drawn) < width:
        # The leader of the view after the last one has no part in a scenario.
        partition, leader = _draw_partition(rng), _draw_leader(rng) if left > 1 else 0
        if (partition, leader) in drawn:
            continue
        drawn.add((partition, leader))
        if left == 1:
            _end(tree, state, partition, rng)
            continue
        tree.path, tree.seats = path, (*seats, leader)
        after = tree.advance(state, partition)
        if left == 2:
            tree.heal(after)
        _grow(tree, after, rng, left - 1)
    tree.path, tree.seats = path, seats


def _end(tree: Tree, state: State, partition: Partition, rng: Random) -> None:
    tree.totals.scenarios += 1
    if rng.randrange(HEALED_LEAVES):
        tree.end(state, partition)
        return
    path = tree.path
    tree.heal(tree.advance(state, partition))
    tree.path = path


def _draw_partition(rng: Random) -> Partition:
    return rng.choice(PARTITIONS if rng.randrange(2) else LIVELY)


def _draw_leader(rng: Random) -> int:
    return TWIN_SEAT if rng.randrange(5) < 2 else rng.randrange(TWIN_SEAT)
