"""One program of a seed, its calls, and what is said of it when its machines differ."""

import random
from dataclasses import dataclass, field, replace

from quorate.lang import InvalidContract
from tests.contracts.fuzzing.compare import Mismatch, Tally, compare
from tests.contracts.fuzzing.programs import Program, Step, make_program, make_steps
from tests.contracts.fuzzing.shrinking import shrink

STEPS = 10


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
        mismatch = compare(program, steps, played.tally)
    except InvalidContract as error:
        played.refused = True
        played.failure = f"refused: {error.message}"
        return played
    except Exception as error:
        played.failure = f"{type(error).__name__}: {error}\n{program.source}"
        return played
    if mismatch is not None:
        played.failure = _explain(program, steps, mismatch, shrink_s)
    return played


def _explain(program: Program, steps: list[Step], mismatch: Mismatch, shrink_s: float) -> str:
    if shrink_s:
        steps = _drop_steps(program, steps[: mismatch.step + 1])

        def fails(source: str) -> bool:
            return _differs(replace(program, source=source), steps) is not None

        program = replace(program, source=shrink(program.source, fails, shrink_s))
        mismatch = _differs(program, steps) or mismatch
    calls = "\n".join(
        f"  {s.method.name}{s.arguments} = {s.data.hex()} value {s.value}" for s in steps
    )
    peer = f"\n{program.peer.source}" if program.peer else ""
    return f"{mismatch}\ncalls:\n{calls}\n{program.source}{peer}"


def _drop_steps(program: Program, steps: list[Step]) -> list[Step]:
    """Return as few of the calls as still differ."""
    for position in reversed(range(len(steps) - 1)):
        fewer = steps[:position] + steps[position + 1 :]
        if _differs(program, fewer) is not None:
            steps = fewer
    return steps


def _differs(program: Program, steps: list[Step]) -> Mismatch | None:
    try:
        return compare(program, steps, Tally())
    except Exception:
        # Whatever else fewer calls run into, it is no shorter form of this difference.
        return None
