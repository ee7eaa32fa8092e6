"""What a mutant is: a broken rule of the engine, what it does to the chain, and where it shows.

A function that returns the edit is made into an entry by `@mutant`; its docstring says which rule
it breaks. Catchers are tried in their order, cheapest and most telling first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.mutants.edit import Patch
from tests.sim.plan import Plan

SAFETY, LIVENESS = "safety", "liveness"
CITATION = re.compile(r"\(docs/protocol\.md#([A-Z]\d+)\)")


@dataclass(frozen=True, slots=True)
class Plans:
    """Simulated worlds: one plan for each seed, watched by all checkers."""

    make: Callable[[int], Plan]
    seeds: int = 200

    @property
    def name(self) -> str:
        """What the plans are called."""
        return self.make.__name__


@dataclass(frozen=True, slots=True)
class Story:
    """A world that is led by hand into the one situation that matters."""

    tell: Callable[[], object]

    @property
    def name(self) -> str:
        """What the story is called."""
        return self.tell.__name__


@dataclass(frozen=True, slots=True)
class Units:
    """Unit tests, as pytest finds them: the last resort."""

    path: str

    @property
    def name(self) -> str:
        """Where the tests are."""
        return self.path


Catcher = Plans | Story | Units
ENGINE_TESTS = Units("tests/unit/quorate/core/bft")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken rule."""

    name: str
    rule: str
    breaks: str
    harm: str
    patch: Callable[[], Patch]
    catchers: tuple[Catcher, ...]
    note: str


def mutant(harm: str, *catchers: Catcher, note: str = "") -> Callable[..., Mutant]:
    """Make an entry of a function that returns an edit; the docstring cites the rule."""

    def make(patch: Callable[[], Patch]) -> Mutant:
        text = " ".join((patch.__doc__ or "").split())
        cited = CITATION.search(text)
        assert cited is not None, f"{patch.__name__} does not say which rule it breaks"
        breaks = CITATION.sub("", text).replace(" .", ".").strip()
        name = patch.__name__.replace("_", " ")
        return Mutant(name, cited[1], breaks, harm, patch, (*catchers, ENGINE_TESTS), note)

    return make
