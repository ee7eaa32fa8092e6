"""A slice of the differential fuzzing (tests/contracts/fuzz.py) with a fresh seed in each run."""

import random
import re
from contextlib import suppress

import pytest

from quorate.lang import InvalidContract
from tests.conftest import SEED
from tests.contracts.fuzzing import compare
from tests.contracts.fuzzing.playing import make, play
from tests.contracts.fuzzing.programs import make_program
from tests.contracts.fuzzing.shrinking import shrink

PROGRAMS = 150
SHRINK_S = 20.0
PLANTED_SEED, PLANTED_PROGRAMS = 7, 200
# What a wrong compiler might do, as a change of what it is given.
PLANTED = {
    "one too many": (r"(\w\)?) < ", r"\1 <= "),
    "the greater for the smaller": (r"\bmin\(", "max("),
    "plus for minus": (" - ", " + "),
    "a store that is lost": (r"^( +)self\.\w+ = .*$", r"\1pass"),
    "an event that is lost": (r"^( +)emit\(.*$", r"\1pass"),
    "another line": (r"^$", "\n"),
    "rounding up": (r" // (\d+)\)", r" // \1 + 1)"),
    "a byte too few": (r"encode\(", "encode(u8(0), "),
}


def test_random_programs_do_the_same_under_python_and_compiled() -> None:
    total = compare.Tally()
    for number in range(PROGRAMS):
        played = play(SEED, number, SHRINK_S)
        assert not played.failure, (
            f"{played.failure}\n"
            f"replay: python tests/contracts/fuzz.py --seed {SEED} --number {number}"
        )
        total.add(played.tally)
    assert total.calls > PROGRAMS


@pytest.mark.parametrize(("old", "new"), PLANTED.values(), ids=PLANTED)
def test_wrong_build_is_noticed(old: str, new: str) -> None:
    for number in range(PLANTED_PROGRAMS):
        program, steps = make(PLANTED_SEED, number)
        changed = re.sub(old, new, program.source, flags=re.MULTILINE)
        with suppress(InvalidContract):
            if compare.compare(program, steps, compare.Tally(), lambda _, text=changed: text):
                return
    raise AssertionError(f"{PLANTED_PROGRAMS} programs and nothing noticed")


def test_seed_makes_the_same_program_again() -> None:
    assert make(SEED, 3) == make(SEED, 3)
    assert make(SEED, 3) != make(SEED, 4)


def test_programs_have_variables_methods_and_calls() -> None:
    rng = random.Random(SEED)
    programs = [make_program(rng) for _ in range(20)]
    assert all("class Fuzz(Contract)" in each.source and each.methods for each in programs)
    assert len({each.source for each in programs}) == 20


def test_shrinking_keeps_only_what_matters() -> None:
    source = "\n".join(
        [
            "def f(x):",
            "    y = x + 1",
            "    if y > 3:",
            "        print('here', y * 2)",
            "    return y",
        ]
    )
    small = shrink(source, lambda text: "here" in text, seconds=600)
    assert small == 'def f(x):\n    """here"""\n'
