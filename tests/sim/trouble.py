"""What can go wrong in a run, as data, and how it is drawn: when, where, for how long."""

from dataclasses import dataclass
from random import Random

# Where a crash hits a turn: before its records are synced, between sync and sends, amid the sends.
POINTS = ("anywhere", "before sync", "after sync", "amid sends")
# "power" cuts the machine's, "kill" ends all processes, the others one of them.
KINDS = ("power", "power", "kill", "engine", "storage")


@dataclass(frozen=True, slots=True)
class Crash:
    """A node stops at a time, or at the next fitting point of a turn, and comes back later."""

    at_ms: int
    node: int
    kind: str
    point: str
    down_ms: int


@dataclass(frozen=True, slots=True)
class Partition:
    """From when to when which nodes are in which group."""

    at_ms: int
    until_ms: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """From when to when a node is in trouble: its links, executor, disk or all of it.

    `suspended`: the monotonic clock stood still meanwhile, as when a whole machine is stopped.
    """

    at_ms: int
    until_ms: int
    node: int
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class SlowLink:
    """One link that takes so much longer, one way only if not `both`."""

    source: int
    target: int
    extra_ms: int
    both: bool


@dataclass(frozen=True, slots=True)
class Jump:
    """A wall clock is set forward or back."""

    at_ms: int
    node: int
    by_ms: int


def draw_crashes(rng: Random, nodes: int, faulty_ms: int) -> tuple[Crash, ...]:
    """Draw crashes of one node, and of all at once."""
    crashes = []
    for _ in range(rng.choice((0, 0, 1, 3, 8, 20))):
        crashes.append(_draw_crash(rng, rng.randrange(nodes), rng.randrange(faulty_ms)))
    for _ in range(rng.choice((0, 0, 0, 1, 4, 12))):
        # Everyone at once, in whatever phase of a view that is.
        at_ms, point = rng.randrange(faulty_ms), rng.choice(POINTS)
        kind, down_ms = rng.choice(KINDS), rng.choice((1, 50, 500))
        crashes += [Crash(at_ms, node, kind, point, down_ms) for node in range(nodes)]
    return tuple(crashes)


def _draw_crash(rng: Random, node: int, at_ms: int) -> Crash:
    down_ms = rng.choice((1, 20, 300, 2_000))
    return Crash(at_ms, node, rng.choice(KINDS), rng.choice(POINTS), down_ms)


def draw_partitions(rng: Random, nodes: int, faulty_ms: int) -> tuple[Partition, ...]:
    """Draw partitions into two or three groups that form and heal; a later one replaces one."""
    partitions = []
    for _ in range(rng.choice((0, 0, 1, 2, 5))):
        at_ms = rng.randrange(faulty_ms)
        groups = tuple(rng.randrange(rng.choice((2, 2, 3))) for _ in range(nodes))
        partitions.append(Partition(at_ms, at_ms + rng.choice((100, 1_000, 5_000)), groups))
    return tuple(partitions)


def draw_pauses(rng: Random, nodes: int, faulty_ms: int) -> tuple[Pause, ...]:
    """Draw when some node is in a certain trouble."""
    pauses = []
    for _ in range(rng.choice((0, 0, 1, 3))):
        at_ms = rng.randrange(faulty_ms)
        until_ms = at_ms + rng.choice((100, 700, 3_000))
        pauses.append(Pause(at_ms, until_ms, rng.randrange(nodes), rng.random() < 0.3))
    return tuple(pauses)


def draw_slow_links(rng: Random, nodes: int) -> tuple[SlowLink, ...]:
    """Draw no slow link, or one."""
    if nodes < 2 or rng.randrange(3):
        return ()
    source, target = rng.sample(range(nodes), 2)
    return (SlowLink(source, target, rng.choice((100, 400, 1_500)), rng.random() < 0.5),)


def draw_jumps(rng: Random, nodes: int, faulty_ms: int) -> tuple[Jump, ...]:
    """Draw wall clocks that jump back and forth: any a little, one of them by up to an hour.

    More than one could make a quorum with the faulty ones for a block of the future, and then the
    chain rightly waits for that time to come.
    """
    jumps, odd = [], rng.randrange(nodes)
    for _ in range(rng.choice((0, 0, 0, 1, 3))):
        node, by_ms = rng.randrange(nodes), rng.choice((-900, -200, 150, 600))
        if nodes >= 4 and rng.randrange(2):
            node, by_ms = odd, rng.choice((-3_600_000, -5_000, 4_000, 3_600_000))
        jumps.append(Jump(rng.randrange(faulty_ms), node, by_ms))
    return tuple(jumps)


def draw_rates(rng: Random, nodes: int) -> tuple[int, ...]:
    """Draw by how many millionths each monotonic clock runs fast or slow: up to 3 percent."""
    most = rng.choice((0, 200, 30_000))
    return tuple(rng.randint(-most, most) for _ in range(nodes))
