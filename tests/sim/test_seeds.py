"""A slice of the simulation: some fixed seeds, and fresh ones in every run.

QUORATE_TEST_SEED=n repeats the fresh ones, as QUORATE_SIM_SEED, where they start, does;
`make sim SEEDS=1000` runs many more.
"""

import os
from random import Random

import pytest

from tests.adversaries import ADVERSARIES
from tests.conftest import SEED
from tests.sim.plan import KINDS, POINTS, draw
from tests.sim.world import run_plan

# The seeds that found bugs while engine and world were young. What a seed means changes with
# plan.py; the bugs themselves are pinned by the unit tests of core/bft.
FIXED = (1, 2, 15, 28, 58, 72, 78, 79, 1066, 1120, 1179, 6370)
FRESH = 100
FIRST = int(os.environ.get("QUORATE_SIM_SEED") or Random(SEED).randrange(10**9))


@pytest.mark.parametrize("seed", FIXED)
def test_fixed_seed_holds(seed: int) -> None:
    run_plan(draw(seed))


@pytest.mark.parametrize("start", range(0, FRESH, 20))
def test_fresh_seeds_hold(start: int) -> None:
    print(f"QUORATE_SIM_SEED={FIRST}")
    for seed in range(FIRST + start, FIRST + start + 20):
        try:
            run_plan(draw(seed))
        except Exception as error:
            error.add_note(f"replay: python tests/sim/run.py --seed {seed} --seeds 1 --trace")
            raise


def test_plans_cover_what_they_should() -> None:
    # What is rare, one in sixty, would be rarer than the bound in some draws of so many.
    plans = [draw(seed) for seed in range(3_000)]
    assert {plan.seats for plan in plans} == {*range(1, 11), 31}
    assert {name for plan in plans for _, name in plan.adversaries} == set(ADVERSARIES)
    assert all(len(plan.faulty) <= (plan.seats - 1) // 3 for plan in plans)
    for name in (
        "joining", "epoch_blocks", "liars", "dead", "real_signatures", "wire", "full", "crashes",
        "partitions", "clogs", "stalls", "pauses", "slow_disks", "slow_links", "jumps",
        "loss_percent", "observers", "duplicate_percent", "turn_ms_max",
    ):  # fmt: skip
        share = sum(bool(getattr(plan, name)) for plan in plans) / len(plans)
        assert 0.01 < share < 0.99, name
    assert max(plan.loss_percent for plan in plans) == 30
    assert max(plan.duplicate_percent for plan in plans) == 50
    assert {plan.delay_ms[1] for plan in plans} >= {1, 100}
    assert {crash.kind for plan in plans for crash in plan.crashes} == set(KINDS)
    assert {crash.point for plan in plans for crash in plan.crashes} == set(POINTS)
