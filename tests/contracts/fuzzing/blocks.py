"""Blocks of random statements; what a block declares ends with it."""

from collections.abc import Callable

from tests.contracts.fuzzing.expressions import make
from tests.contracts.fuzzing.scope import Scope

DEPTH = 3

Lines = list[str]
Maker = Callable[[Scope, int], Lines | None]

# Ways to make a statement; targets.py, statements.py and loops.py fill them.
SIMPLE: list[Maker] = []
COMPOUND: list[Maker] = []


def indent(lines: Lines) -> Lines:
    """Move lines one step in."""
    return ["    " + line for line in lines]


def make_block(scope: Scope, depth: int, count: int) -> Lines:
    """Return some statements; what they declare ends with the block."""
    outer, fixed = dict(scope.locals), set(scope.fixed)
    lines: Lines = []
    while count > 0:
        made = scope.rng.choice(SIMPLE if depth == 0 else SIMPLE + COMPOUND)(scope, depth)
        if made is not None:
            lines += made
            count -= 1
    scope.locals, scope.fixed = outer, fixed
    return lines


def make_body(scope: Scope, count: int) -> Lines:
    """Return a function's statements; the last one returns what it must."""
    lines: Lines = []
    for _ in range(count):
        made = scope.rng.choice(SIMPLE + COMPOUND)(scope, 2)
        lines += made or []
    if scope.returns is not None:
        lines.append(f"return {make(scope, scope.returns, DEPTH)}")
    return lines or ["pass"]
