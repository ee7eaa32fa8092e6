"""Where a run begins: drawn parameters and amounts, and the same genesis for both sides."""

from dataclasses import dataclass, field
from random import Random

from quorate.core.epochs import EpochStart
from quorate.core.params import SUPPLY_MAX, Params
from quorate.core.records import MemoryRecords
from quorate.core.seats import Seat, SeatSet
from quorate.core.staking import records
from quorate.core.staking.performance import Performance
from quorate.core.state import EPOCH_START_KEY, Account, compute_account_key, compute_set_key
from quorate.core.values import ZERO_HASH
from tests.economy import reference
from tests.economy.actors import get_address, get_key
from tests.economy.watching import Watched

TIME_MS = 1_000


@dataclass
class Founding:
    """What a run begins with; owner i holds seat key i, and operator 100 + i governs for it."""

    params: Params
    commissions_bp: list[int]
    stakes: list[int]
    seats: int
    # Records that one step of execution handles at most: what is paged at home is paged here.
    page: int = 128
    # Above which block the run begins; issue ends at a height that no run would get to.
    height: int = 0
    balances: dict[bytes, int] = field(default_factory=dict)

    @property
    def supply(self) -> int:
        """All there is at the start."""
        return sum(self.balances.values()) + sum(self.stakes)


def draw_params(rng: Random) -> Params:
    """Return parameters under which what is rare at home is common."""
    unit = rng.choice([1, 10, 1_000, 10**9, 2**40])
    return Params(
        validity_max_blocks=rng.randint(1, 12),
        epoch_blocks=rng.randint(3, 8),
        epoch_ms=rng.choice([200, 10**9, 10**9]),
        seats_max=(seats_max := rng.randint(3, 5)),
        seats_min=rng.randint(1, seats_max),
        lock_blocks_max=rng.choice([3, 20, 1_000]),
        candidates_max=rng.randint(5, 9),
        self_stake_min=unit * rng.randint(1, 5),
        stake_min=max(unit // rng.randint(1, 4), 1),
        unbonding_epochs=rng.choice([2, 2, 3, 4, 20, 20]),
        jail_epochs=rng.randint(1, 3),
        missed_views_max=rng.randint(0, 8),
        slash_bp=rng.choice([0, 1, 333, 500, 5_000, 9_999, 10_000]),
        commission_step_bp=rng.choice([0, 100, 10_000]),
        commission_interval_ms=rng.choice([0, 100, 1_000]),
        issue_per_block=rng.choice([0, 1, 1_003, 10**9 + 7, 2**40]),
        issue_halving_blocks=rng.choice([0, 1, 7, 100]),
    )


def draw_founding(rng: Random) -> Founding:
    """Return a drawn beginning: 4 seats or fewer, some candidates more, and accounts."""
    params = draw_params(rng)
    count = rng.randint(4, 7)
    unit = params.self_stake_min
    # Some runs are of dust, some come near the greatest supply there may be.
    top = rng.choice([unit * 4, unit * 100, SUPPLY_MAX // 20])
    stakes = [rng.choice([unit, rng.randint(unit, max(unit, top))]) for _ in range(count)]
    commissions_bp = [rng.choice([0, 1, 500, 3_333, 10_000]) for _ in stakes]
    founding = Founding(params, commissions_bp, stakes, min(count, 4))
    founding.page = rng.choice([1, 2, 3, 128])
    founding.height = rng.choice([0, 0, 0, (1 << 32) - 60])
    left = SUPPLY_MAX - sum(stakes)
    for number in (*range(count + 3), *range(50, 56), 58):
        balance = min(rng.choice([0, unit, rng.randint(0, top), top * 2]) + 10**6, left)
        founding.balances[get_address(number)] = balance
        left -= balance
    # It has the means for its habit (drawing.py).
    founding.balances[get_address(58)] += min(100 * params.stake_min, left)
    left -= min(100 * params.stake_min, left)
    if rng.random() < 0.2:
        founding.balances[get_address(50)] += left
    return founding


def found_real(founding: Founding) -> MemoryRecords:
    """Return the real state of block 0."""
    state = MemoryRecords()
    for address, balance in founding.balances.items():
        state[compute_account_key(address)] = Account(balance, {}).encode()
    seats = []
    for number, (stake, commission_bp) in enumerate(
        zip(founding.stakes, founding.commissions_bp, strict=True)
    ):
        owner, key, name = get_address(number), get_key(number).public_key, f"v{number}"
        candidate = records.Candidate(
            get_address(100 + number), key, name, "", commission_bp,
            commission_changed_ms=TIME_MS, stake=stake, self_stake=stake,
        )  # fmt: skip
        state[records.compute_candidate_key(owner)] = candidate.encode()
        given = records.Delegation(amount=stake)
        state[records.compute_delegation_key(owner, owner)] = given.encode()
        state[records.compute_seat_key_key(key)] = owner
        seats.append(Seat(number, name, key, owner, stake))
    state[records.COUNT_KEY] = records.encode_count(len(seats))
    for epoch in (0, 1):
        chosen = SeatSet(epoch, tuple(seats[: founding.seats]))
        state[compute_set_key(epoch)] = chosen.encode()
    state[records.PERFORMANCE_KEY] = Performance.start(0, founding.seats).encode()
    state[EPOCH_START_KEY] = EpochStart(0, founding.height, TIME_MS, ZERO_HASH).encode()
    return state


def found_reference(founding: Founding) -> Watched:
    """Return the reference's state of block 0."""
    economy = Watched(founding.params, TIME_MS)
    economy.height, economy.start = founding.height, (founding.height, TIME_MS)
    economy.tables.balances = dict(founding.balances)
    seats = []
    for number, stake in enumerate(founding.stakes):
        owner, key, name = get_address(number), get_key(number).public_key, f"v{number}"
        candidate = reference.make_candidate(
            get_address(100 + number), key, name, "", founding.commissions_bp[number], TIME_MS
        )
        economy.add_candidate(owner, candidate, stake)
        seats.append(reference.Seat(key, owner, stake, name))
    economy.sets = dict.fromkeys((0, 1), seats[: founding.seats])
    economy.missed = [0] * founding.seats
    return economy
