"""What one seed draws: how many seats, who is faulty, what the network and the disks do, and when.

All trouble ends at `faulty_ms`; then comes the liveness phase. At most f seats are faulty: they run
an adversary, have a false executor or an old disk, or stay down for good.
"""

from dataclasses import dataclass, field, replace
from random import Random
from typing import NamedTuple

from quorate.core.params import Params
from quorate.core.values import compute_faults
from tests.adversaries import ADVERSARIES
from tests.sim.sets import SEATS_MIN
from tests.sim.trouble import (
    KINDS,
    POINTS,
    Crash,
    Jump,
    Partition,
    Pause,
    SlowLink,
    draw_crashes,
    draw_jumps,
    draw_partitions,
    draw_pauses,
    draw_rates,
    draw_slow_links,
)

__all__ = ["KINDS", "POINTS", "Crash", "Partition", "Pause", "Plan", "draw"]

# How often each number of seats is drawn, of a thousand; the sizes of the issue, and what is left.
SEATS = {4: 620, 5: 110, 7: 150, 10: 60, 31: 4, 1: 10, 2: 10, 3: 10, 6: 10, 8: 8, 9: 8}
# Large networks run shorter, so that no size takes most of the time.
FAULTY_MS = (
    (1, (1_000, 1_000, 2_000, 2_000, 3_000, 3_000, 4_000, 12_000)),
    (7, (1_000, 1_000, 3_000)),
    (31, (800,)),
)


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
    # Nodes with a key and no seat in epoch 0; blocks per epoch, None: no epoch ever ends.
    joining: int = 0
    epoch_blocks: int | None = None
    full: bool = False
    params: Params = field(default_factory=Params)
    adversaries: tuple[tuple[int, str], ...] = ()
    liars: tuple[tuple[int, int], ...] = ()
    dead: tuple[int, ...] = ()
    # While the contract-runners of these nodes die at deadly calls (runners.py); None: there are
    # no such calls. A pause without end lasts beyond the faulty phase.
    deaths: tuple[Pause, ...] | None = None
    real_signatures: bool = False
    wire: bool = False
    fifo: bool = True
    delay_ms: tuple[int, int] = (10, 10)
    loss_percent: int = 0
    duplicate_percent: int = 0
    turn_ms_max: int = 0
    slow_sync_ms: int = 500
    execute_ms: tuple[int, int] = (1, 1)
    skew_ms: tuple[int, ...] = ()
    rate_ppm: tuple[int, ...] = ()
    validity: tuple[int, int] = (100, 200)
    batch_weight_max: int = 300
    late_ms_max: int = 0
    batch_every_ms: int = 0
    batch_burst: int = 1
    prune_every: int = 1
    reconnects: bool = True
    faulty_ms: int = 0
    crashes: tuple[Crash, ...] = ()
    partitions: tuple[Partition, ...] = ()
    clogs: tuple[Pause, ...] = ()
    stalls: tuple[Pause, ...] = ()
    pauses: tuple[Pause, ...] = ()
    slow_disks: tuple[Pause, ...] = ()
    slow_links: tuple[SlowLink, ...] = ()
    jumps: tuple[Jump, ...] = ()

    @property
    def pool(self) -> int:
        """How many nodes have keys, so that they may come to have a seat."""
        return self.seats + self.joining

    def get_params(self) -> Params:
        """Return the chain's parameters, the end of its epochs among them."""
        endless = 2**40
        return replace(self.params, epoch_blocks=self.epoch_blocks or endless, epoch_ms=endless)

    @property
    def faulty(self) -> frozenset[int]:
        """Seats that may do anything, or nothing."""
        byzantine = [seat for seat, _ in (*self.adversaries, *self.liars)]
        return frozenset((*byzantine, *self.dead))


def draw(seed: int) -> Plan:
    """Return the plan of a seed."""
    rng = Random(f"plan {seed}")
    seats = rng.choices(tuple(SEATS), tuple(SEATS.values()))[0]
    epoch_blocks = rng.choice((None, None, 1, 2, 4, 8)) if seats <= 10 else None
    joining = rng.randint(0, 3) if epoch_blocks and seats >= SEATS_MIN else 0
    observers = int(rng.randrange(6) == 0)
    nodes = seats + joining + observers
    faulty_ms = rng.choice(next(times for size, times in FAULTY_MS[::-1] if seats >= size))
    faulty = _draw_faulty(rng, seats)
    full = rng.randrange(10) == 0 and seats <= 7
    return Plan(
        seed=seed,
        seats=seats,
        observers=observers,
        joining=joining,
        epoch_blocks=epoch_blocks,
        full=full,
        params=_draw_params(rng, full=full),
        adversaries=faulty.adversaries,
        liars=faulty.liars,
        dead=faulty.dead,
        real_signatures=rng.randrange(4 if full else 20) == 0 and seats <= 4,
        wire=rng.randrange(4) == 0,
        fifo=rng.randrange(2) == 0,
        delay_ms=_draw_delay(rng),
        loss_percent=rng.choice((0, 0, rng.randint(1, 5), rng.randint(1, 30))),
        duplicate_percent=rng.choice((0, 0, rng.randint(1, 10), rng.randint(1, 50))),
        turn_ms_max=rng.choice((0, 0, 2, 8, 40)),
        slow_sync_ms=rng.choice((100, 500, 2_000)),
        execute_ms=(1, rng.choice((1, 10, 200))),
        skew_ms=tuple(rng.choice((0, 0, 1, -200, 300, 900)) for _ in range(nodes)),
        rate_ppm=draw_rates(rng, nodes),
        validity=rng.choice(((5, 30), (3, 8), (10, 32))),
        late_ms_max=rng.choice((50, 500, 3_000)),
        batch_every_ms=rng.choice((20, 100, 400, 3_000)) if seats <= 7 else 300,
        batch_burst=rng.choice((1, 1, 1, 6)),
        prune_every=rng.choice((1, 3, 10)),
        reconnects=rng.randrange(2) == 0,
        faulty_ms=faulty_ms,
        crashes=draw_crashes(rng, nodes, faulty_ms),
        partitions=draw_partitions(rng, nodes, faulty_ms),
        clogs=draw_pauses(rng, nodes, faulty_ms),
        stalls=draw_pauses(rng, nodes, faulty_ms),
        pauses=draw_pauses(rng, nodes, faulty_ms),
        slow_disks=draw_pauses(rng, nodes, faulty_ms),
        slow_links=draw_slow_links(rng, nodes),
        jumps=draw_jumps(rng, nodes, faulty_ms),
    )


def _draw_delay(rng: Random) -> tuple[int, int]:
    # One-way, 1 to 100 ms: alike on all links and messages, or spread.
    high = rng.choice((1, 5, 20, 50, 100))
    return (rng.choice((1, 1, high)), high)


def _draw_params(rng: Random, *, full: bool) -> Params:
    return Params(
        # Real transactions weigh some hundred each.
        block_weight_max=20_000 if full else 1_000,
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
