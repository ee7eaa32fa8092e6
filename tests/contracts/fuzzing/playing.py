"""One program of a seed, its calls, and what is said of it when its machines differ."""

import random
from dataclasses import dataclass, field

from quorate.lang import InvalidContract
from tests.contracts.fuzzing.compare import Mismatch, Tally, compare
from tests.contracts.fuzzing.programs import Program, Step, make_program, make_steps
from tests.contracts.fuzzing.shrinking import shrink

STEPS = 6


@dataclass(slots=True)
class Played:
    """What became of one program: the calls that agreed, or how it failed."""

    seed: int
    number: int
    tally: Tally = field(default_factory=Tally)
    refused: bool = False
    failure: str = ""


def make(seed: int, number: int) -> tuple[Program, list[Step]]:
    """Return a seed's program of a number, and calls of it."""
    rng = random.Random(f"contracts {seed} {number}")
    program = make_program(rng)
    return program, make_steps(rng, program, STEPS)


def play(seed: int, number: int, shrink_s: float = 0) -> Played:
    """Play a program; a failure tells everything that is needed to look into it."""
    played = Played(seed, number)
    program, steps = make(seed, number)
    try:
        mismatch = compare(program.source, steps, played.tally)
    except InvalidContract as error:
        played.refused = True
        played.failure = f"refused: {error.message}"
        return played
    except Exception as error:
        played.failure = f"{type(error).__name__}: {error}\n{program.source}"
        return played
    if mismatch is not None:
        played.failure = _explain(program.source, steps, mismatch, shrink_s)
    return played


def _explain(source: str, steps: list[Step], mismatch: Mismatch, shrink_s: float) -> str:
    if shrink_s:
        steps = _drop_steps(source, steps[: mismatch.step + 1])
        source = shrink(source, lambda text: _differs(text, steps) is not None, shrink_s)
        mismatch = _differs(source, steps) or mismatch
    calls = "\n".join(f"  {step.method.name}{step.arguments}" for step in steps)
    return f"{mismatch}\ncalls:\n{calls}\n{source}"


def _drop_steps(source: str, steps: list[Step]) -> list[Step]:
    """Return as few of the calls as still differ."""
    for position in reversed(range(len(steps) - 1)):
        fewer = steps[:position] + steps[position + 1 :]
        if _differs(source, fewer) is not None:
            steps = fewer
    return steps


def _differs(source: str, steps: list[Step]) -> Mismatch | None:
    try:
        return compare(source, steps, Tally())
    except Exception:
        return None
