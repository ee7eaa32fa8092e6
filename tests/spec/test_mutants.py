"""The specification holds in random runs, and each rule that a mutant lacks is needed."""

from random import Random

import pytest

from tests.conftest import SEED
from tests.spec.quint import Mutant, hunt_mutants, list_mutants, simulate_protocol

# A run has 50 steps; most mutants fall in the first few, the rarest in some dozens.
SAMPLES_MAX = 400


@pytest.fixture(scope="module")
def mutants() -> dict[str, Mutant]:
    return hunt_mutants(SAMPLES_MAX, seed=SEED + 1)


def test_there_are_enough_mutants() -> None:
    assert len(list_mutants()) >= 7


@pytest.mark.parametrize("name", list_mutants())
def test_mutant_breaks_an_invariant(name: str, mutants: dict[str, Mutant]) -> None:
    print(f"repeat with QUORATE_TEST_SEED={SEED}")
    assert name in mutants, f"nothing broke in {SAMPLES_MAX} runs"


def test_protocol_breaks_none(rng: Random) -> None:
    seed = rng.randrange(1, 2**32)
    output = simulate_protocol("protocol", samples=60, steps=50, seed=seed)
    print(f"{output}\nrepeat with QUORATE_TEST_SEED={SEED}")
    assert "[ok]" in output
    assert "someFinal was witnessed in 0 " not in output, "runs get nowhere"
