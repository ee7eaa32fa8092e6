"""What one seed draws: how many seats, who is faulty, what the network and the disks do, and when.

All trouble ends at `faulty_ms`; then comes the liveness phase. At most f seats are faulty: they run
an adversary, have a false executor or an old disk, or stay down for good.
"""

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from quorate.core.params import Params
from quorate.core.values import compute_faults
from tests.adversaries import ADVERSARIES

# Where a crash hits a turn: before its records are synced, between sync and sends, amid the sends.
POINTS = ("anywhere", "before sync", "after sync", "amid sends")
KINDS = ("power", "kill", "engine")


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
    """A node's links are clogged, or its executor stalls, from when to when."""

    at_ms: int
    until_ms: int
    node: int


class Faulty(NamedTuple):
    """Who is faulty: (seat, adversary), (seat, height its results are false from), dead seats."""

    adversaries: tuple[tuple[int, str], ...]
    liars: tuple[tuple[int, int], ...]
    dead: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a run is made from, besides the seed of its dice."""

    seed: int
    seats: int = 4
    observers: int = 0
    params: Params = field(default_factory=Params)
    adversaries: tuple[tuple[int, str], ...] = ()
    liars: tuple[tuple[int, int], ...] = ()
    dead: tuple[int, ...] = ()
    real_signatures: bool = False
    wire: bool = False
    fifo: bool = True
    delay_ms: tuple[int, int] = (10, 10)
    loss_percent: int = 0
    duplicate_percent: int = 0
    turn_ms_max: int = 0
    execute_ms: tuple[int, int] = (1, 1)
    skew_ms: tuple[int, ...] = ()
    validity: tuple[int, int] = (100, 200)
    batch_weight_max: int = 300
    late_ms_max: int = 0
    batch_every_ms: int = 0
    prune_every: int = 1
    reconnects: bool = True
    faulty_ms: int = 0
    crashes: tuple[Crash, ...] = ()
    partitions: tuple[Partition, ...] = ()
    clogs: tuple[Pause, ...] = ()
    stalls: tuple[Pause, ...] = ()

    @property
    def faulty(self) -> frozenset[int]:
        """Seats that may do anything, or nothing."""
        byzantine = [seat for seat, _ in (*self.adversaries, *self.liars)]
        return frozenset((*byzantine, *self.dead))


def draw(seed: int) -> Plan:
    """Return the plan of a seed."""
    rng = Random(f"plan {seed}")
    seats = rng.choice((4, 4, 4, 4, 4, 4, 7, 7, 1, 2, 3, 5, 6, 8, 9, 10))
    nodes = seats + (observers := int(rng.randrange(6) == 0))
    faulty_ms = rng.choice((4_000, 8_000, 15_000)) if seats <= 7 else 4_000
    slow = rng.choice((1, 5, 20, 100))
    faulty = _draw_faulty(rng, seats)
    return Plan(
        seed=seed,
        seats=seats,
        observers=observers,
        params=_draw_params(rng),
        adversaries=faulty.adversaries,
        liars=faulty.liars,
        dead=faulty.dead,
        real_signatures=rng.randrange(20) == 0 and seats <= 4,
        wire=rng.randrange(4) == 0,
        fifo=rng.randrange(2) == 0,
        delay_ms=(1, slow),
        loss_percent=rng.choice((0, 0, 1, 5, 15, 30)),
        duplicate_percent=rng.choice((0, 0, 5, 20)),
        turn_ms_max=rng.choice((0, 0, 2, 8)),
        execute_ms=(1, rng.choice((1, 10, 200))),
        skew_ms=tuple(rng.choice((0, 0, 1, -200, 300, 900)) for _ in range(nodes)),
        validity=rng.choice(((5, 30), (3, 8), (10, 32))),
        late_ms_max=rng.choice((50, 500, 3_000)),
        batch_every_ms=rng.choice((20, 100, 400, 3_000)) if seats <= 7 else 300,
        prune_every=rng.choice((1, 3, 10)),
        reconnects=rng.randrange(2) == 0,
        faulty_ms=faulty_ms,
        crashes=_draw_crashes(rng, nodes, faulty_ms),
        partitions=_draw_partitions(rng, nodes, faulty_ms),
        clogs=_draw_pauses(rng, nodes, faulty_ms),
        stalls=_draw_pauses(rng, nodes, faulty_ms),
    )


def _draw_params(rng: Random) -> Params:
    return Params(
        block_weight_max=1_000,
        block_batches_max=rng.choice((2, 8, 64)),
        batch_validity_blocks=32,
        block_interval_ms=20,
        heartbeat_ms=rng.choice((500, 2_000, 6_000)),
        view_timeout_ms=rng.choice((200, 400, 1_000)),
        view_timeout_ms_max=rng.choice((2_000, 4_000)),
        execution_lag_max=rng.choice((2, 8, 64)),
    )


def _draw_faulty(rng: Random, seats: int) -> Faulty:
    adversaries, liars, dead = [], [], []
    for seat in rng.sample(range(seats), rng.randint(0, compute_faults(seats))):
        what = rng.choice((*sorted(ADVERSARIES), *sorted(ADVERSARIES), "liar", "dead"))
        if what == "liar":
            liars.append((seat, rng.randint(1, 30)))
        elif what == "dead":
            dead.append(seat)
        else:
            adversaries.append((seat, what))
    return Faulty(tuple(adversaries), tuple(liars), tuple(dead))


def _draw_crashes(rng: Random, nodes: int, faulty_ms: int) -> tuple[Crash, ...]:
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


def _draw_partitions(rng: Random, nodes: int, faulty_ms: int) -> tuple[Partition, ...]:
    partitions = []
    for _ in range(rng.choice((0, 0, 1, 2, 5))):
        at_ms = rng.randrange(faulty_ms)
        groups = tuple(rng.randrange(rng.choice((2, 2, 3))) for _ in range(nodes))
        partitions.append(Partition(at_ms, at_ms + rng.choice((100, 1_000, 5_000)), groups))
    return tuple(partitions)


def _draw_pauses(rng: Random, nodes: int, faulty_ms: int) -> tuple[Pause, ...]:
    pauses = []
    for _ in range(rng.choice((0, 0, 1, 3))):
        at_ms = rng.randrange(faulty_ms)
        pauses.append(Pause(at_ms, at_ms + rng.choice((100, 700, 3_000)), rng.randrange(nodes)))
    return tuple(pauses)
