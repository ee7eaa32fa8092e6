"""The real economy does what the plain one does, and the comparison would notice if it did not.

More steps: `make economy STEPS=50000`.
"""

from random import Random

import pytest
from hypothesis import settings

from quorate.core.kinds import KINDS as REAL_KINDS
from quorate.core.outcomes import OUTCOME_FAILED, OUTCOMES
from quorate.core.staking import payloads
from tests.conftest import SEED
from tests.economy import coverage
from tests.economy.machine import EconomyMachine
from tests.economy.planted import PLANTED, plant
from tests.economy.playing import BLOCKS, Failure, play_world
from tests.mutants.edit import StaleMutant

STEPS = 3_000
FIRST = SEED * 1_000
# Of all planted defects so many are hunted, others in each run; `run.py --plant NAME` hunts one.
SLICE = 6
WORLDS = 300
# Codes of what stake alone makes fail (core/outcomes.py).
STAKE_CODES = range(10, 40)

EconomyMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=60, deadline=None)
TestMachine = EconomyMachine.TestCase


def play_worlds() -> None:
    """Play worlds until one fails; a few hundred at most."""
    for world in range(FIRST, FIRST + WORLDS):
        play_world(world)


def test_both_sides_agree_after_every_block() -> None:
    steps, world = 0, FIRST
    while steps < STEPS:
        steps += play_world(world)[0] + BLOCKS
        world += 1


@pytest.mark.parametrize("name", Random(SEED).sample(sorted(PLANTED), SLICE))
def test_a_planted_defect_is_found(name: str) -> None:
    print(f"replay: python tests/economy/run.py --seed {FIRST} --plant '{name}' --steps 100000")
    with plant(name), pytest.raises(Failure):
        play_worlds()


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_a_planted_defect_still_applies(name: str) -> None:
    try:
        with plant(name):
            pass
    except (StaleMutant, AttributeError) as error:
        pytest.fail(f"bring it up to date in planted.py: {error}")


def test_a_failure_says_how_to_see_it_again() -> None:
    with plant("pot not reduced"), pytest.raises(Failure) as caught:
        play_worlds()
    lines = str(caught.value).splitlines()
    command = lines[-1].removeprefix("replay: python tests/economy/run.py --world ")
    with plant("pot not reduced"), pytest.raises(Failure) as again:
        play_world(int(command))
    assert str(again.value) == str(caught.value)


def test_a_long_run_is_held_to_every_reason_and_every_payload_of_stake() -> None:
    reasons = {
        reason
        for code, (outcome, reason) in OUTCOMES.items()
        if outcome == OUTCOME_FAILED and code in STAKE_CODES
    }
    assert reasons <= set(coverage.FAILURES)
    kinds = {kind.type.__name__ for kind in REAL_KINDS.values()}
    assert kinds & set(vars(payloads)) <= set(coverage.PAYLOADS)
