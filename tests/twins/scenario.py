"""What a Twins scenario is: per view a leader and a partition of five instances; and its name.

Seats 0, 1 and 2 have one instance each, of the same number; seat 3 has two, 3 and 4. A scenario's
name spells out all of it, so that a failure needs no seed: `3:013/24+0:01234` is two views, the
first led by both twins while 0, 1 and 3 can talk, and 2 and 4. A `b` in
front means that what is said at one moment arrives in the opposite order.

Scenarios that differ by the names of the honest seats or of the twins only are one: `ACTION` says
what each of the twelve renamings does to a view, and the functions below count and pick one of
each kind.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import permutations, product

SEATS = 4
INSTANCES = 5
TWIN_SEAT = 3
QUORUM = 3

Block = tuple[int, ...]
Partition = tuple[Block, ...]


def get_seat(instance: int) -> int:
    """Return the seat whose key an instance holds."""
    return min(instance, TWIN_SEAT)


def _list_partitions(members: Block) -> Iterator[Partition]:
    if not members:
        yield ()
        return
    first, rest = members[0], members[1:]
    for partition in _list_partitions(rest):
        yield ((first,), *partition)
        for index, block in enumerate(partition):
            joined = ((first, *block), *partition[:index], *partition[index + 1 :])
            yield tuple(sorted(joined))


def has_quorum(partition: Partition) -> bool:
    """Tell whether some block of a partition holds instances of a quorum of seats."""
    return any(len({get_seat(i) for i in block}) >= QUORUM for block in partition)


# Those of few blocks first, so that a prefix of the list is all partitions of at most two blocks.
PARTITIONS: tuple[Partition, ...] = tuple(
    sorted(_list_partitions(tuple(range(INSTANCES))), key=lambda p: (len(p), p))
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One view of a scenario: who leads it, and who can talk to whom meanwhile.

    The last one's partition may be empty: healing comes first, in a view with that leader.
    """

    leader: int
    partition: Partition

    def __str__(self) -> str:
        blocks = ("".join(map(str, block)) for block in self.partition)
        return f"{self.leader}:{'/'.join(blocks)}"


TURNS: tuple[Turn, ...] = tuple(
    Turn(leader, partition) for partition in PARTITIONS for leader in range(SEATS)
)
TURN_INDEX = {turn: index for index, turn in enumerate(TURNS)}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A turn for each view from 1 on; `backwards` is the order of arrival, see turn.py."""

    turns: tuple[Turn, ...]
    backwards: bool = False

    def __str__(self) -> str:
        return ("b" if self.backwards else "") + "+".join(map(str, self.turns))

    @classmethod
    def parse(cls, name: str) -> "Scenario":
        """Return the scenario of a name; raises ValueError for anything else."""
        turns = []
        parts = name.removeprefix("b").split("+")
        for part in parts:
            leader, _, text = part.partition(":")
            blocks = text.split("/") if text else []
            partition = tuple(sorted(tuple(sorted(map(int, block))) for block in blocks))
            known = partition in PARTITIONS or (not blocks and part is parts[-1])
            if not known or leader not in tuple("0123"):
                raise ValueError(f"{part}: not LEADER:BLOCK/BLOCK… of the instances 0 to 4")
            turns.append(Turn(int(leader), partition))
        return cls(tuple(turns), name.startswith("b"))


def count_turns(blocks_max: int) -> int:
    """Return how many of TURNS have at most so many blocks; they stand in front."""
    return sum(len(turn.partition) <= blocks_max for turn in TURNS)


# ---- symmetry ------------------------------------------------------------------------------------


def _rename(turn: Turn, names: tuple[int, ...]) -> int:
    blocks = (tuple(sorted(names[i] for i in block)) for block in turn.partition)
    return TURN_INDEX[Turn(get_seat(names[turn.leader]), tuple(sorted(blocks)))]


RENAMINGS = tuple(
    (*honest, *twins) for honest in permutations(range(TWIN_SEAT)) for twins in ((3, 4), (4, 3))
)
ACTION = tuple(tuple(_rename(turn, names) for turn in TURNS) for names in RENAMINGS)


def count_kinds(views: int, turns: int) -> int:
    """Return how many scenarios there are up to renaming (Burnside's lemma)."""
    fixed = [sum(action[index] == index for index in range(turns)) for action in ACTION]
    return sum(int(each**views) for each in fixed) // len(ACTION)


@cache
def list_prefixes(views: int, turns: int) -> tuple[tuple[tuple[int, ...], int], ...]:
    """Return one prefix of each kind, as indices into TURNS, and how many are of that kind."""
    kinds = Counter(
        min(tuple(action[index] for index in prefix) for action in ACTION)
        for prefix in product(range(turns), repeat=views)
    )
    return tuple(sorted(kinds.items()))
