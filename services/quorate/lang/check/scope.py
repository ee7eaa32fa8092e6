"""Where a body's check stands: its locals, and which of them surely have a value by now."""

import ast
from dataclasses import dataclass, field
from typing import NamedTuple

from quorate.lang.annotations import Annotations
from quorate.lang.errors import Problems
from quorate.lang.program import Function, Program
from quorate.lang.types import Type

# None: this place is never reached, so whatever is asked holds.
Assigned = frozenset[str] | None


class Mark(NamedTuple):
    """What plain CPython must do otherwise at a node of the source (rewrite.py)."""

    kind: str
    types: tuple[Type, ...] = ()


@dataclass(slots=True)
class Scope:
    """Of one function."""

    program: Program
    problems: Problems
    annotations: Annotations
    function: Function
    marks: dict[ast.AST, Mark]
    locals: dict[str, Type] = field(default_factory=dict)
    assigned: Assigned = frozenset()
    # Of each loop around this place: what was assigned where it is left by `break`.
    breaks: list[list[Assigned]] = field(default_factory=list)
    # What views must not do, and the functions called: (node, what).
    writes: list[tuple[ast.AST, str]] = field(default_factory=list)
    calls: list[tuple[ast.AST, Function]] = field(default_factory=list)
    # Locals whose assignment was refused: what uses them is not told as well.
    unknown: set[str] = field(default_factory=set)
    # Names called so far, which no local can take.
    called: set[str] = field(default_factory=set)

    def assign(self, name: str) -> None:
        """Note that a local has a value from here on."""
        if self.assigned is not None:
            self.assigned = self.assigned | {name}

    def is_assigned(self, name: str) -> bool:
        """Say whether a local surely has a value."""
        return self.assigned is None or name in self.assigned

    def write(self, node: ast.AST, what: str) -> None:
        """Note what a view must not do."""
        self.writes.append((node, what))


def merge(first: Assigned, second: Assigned) -> Assigned:
    """Return what is assigned where two ways meet."""
    if first is None or second is None:
        return second if first is None else first
    return first & second
