"""Whatever a file holds, it builds to a module the engine takes, or is refused with a place."""

import random
import re
from pathlib import Path

import pytest

from quorate.contracts.engine import Engine
from quorate.core.contracts.payloads import PROFILE_PLAIN
from quorate.lang import load_contract
from quorate.lang.build import build
from quorate.lang.errors import InvalidContract, Problem
from tests.conftest import SEED

EXAMPLES = sorted((Path(__file__).parents[4] / "examples/contracts").glob("*.py"))
TOKEN = re.compile(r"[A-Za-z_]\w*|\d+|\s+|\"[^\"\n]*\"|[^\w\s]{1,2}")
MUTANTS = 25


def mutate(rng: random.Random, source: str) -> str:
    """Return a file with a few tokens or lines dropped, doubled or taken from elsewhere."""
    is_by_line = rng.random() < 0.3
    parts = source.splitlines(keepends=True) if is_by_line else TOKEN.findall(source)
    words = [part for part in parts if part.strip()]
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(parts))
        while not parts[at].strip():
            at = rng.randrange(len(parts))
        choice = rng.randrange(4)
        if choice == 0:
            parts[at] = ""
        elif choice == 1:
            parts[at] += parts[at]
        else:
            parts[at] = rng.choice(words)
    return "".join(parts)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_mutated_files_build_or_are_refused(path: Path) -> None:
    rng, source, engine = random.Random(f"{SEED}/{path.name}"), path.read_text(), None
    for _ in range(MUTANTS):
        mutant = mutate(rng, source)
        try:
            built = build(mutant, "mutant.py")
        except InvalidContract as error:
            if not error.problems or not error.render().startswith("mutant.py:"):
                raise AssertionError("refused without a place") from error
            continue
        engine = engine or Engine(PROFILE_PLAIN)
        engine.compile(built.code)
        load_contract(mutant, "mutant.py")


def test_a_problem_is_shown_with_its_line_and_carets() -> None:
    problem = Problem(3, 5, 8, "what is wrong", "what to write")
    assert problem.render("a.py", "    abc = 5").splitlines() == [
        "a.py:3:5: what is wrong",
        "        abc = 5",
        "        ^^^",
        "    what to write",
    ]


def test_carets_end_with_the_line() -> None:
    assert Problem(1, 3, 99, "m", "").render("a.py", "x y").splitlines()[-1] == "      ^"
