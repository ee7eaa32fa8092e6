"""All mutants, by family, in the order in which they are listed."""

from collections.abc import Iterable
from types import ModuleType

from tests.mutants import (
    ancestry,
    blocks,
    certificates,
    commit,
    epochs,
    evidence,
    log,
    signing,
    waiting,
)
from tests.mutants.entry import Catcher, Mutant, Plans, Story

FAMILIES: tuple[ModuleType, ...] = (
    signing,
    ancestry,
    certificates,
    blocks,
    commit,
    epochs,
    log,
    evidence,
    waiting,
)


def list_mutants() -> list[Mutant]:
    """Return all mutants."""
    values = [value for family in FAMILIES for value in vars(family).values()]
    return [value for value in values if isinstance(value, Mutant)]


def find_mutant(name: str) -> Mutant:
    """Return the mutant of a name; raises KeyError."""
    return {each.name: each for each in list_mutants()}[name.replace("_", " ")]


def list_plans(mutants: Iterable[Mutant]) -> list[Plans]:
    """Return each kind of plan that these mutants are put through, once."""
    found = [each for each in _list_catchers(mutants) if isinstance(each, Plans)]
    return list({each.name: each for each in found}.values())


def list_stories(mutants: Iterable[Mutant]) -> list[Story]:
    """Return each story that these mutants are put through, once."""
    found = [each for each in _list_catchers(mutants) if isinstance(each, Story)]
    return list({each.name: each for each in found}.values())


def _list_catchers(mutants: Iterable[Mutant]) -> list[Catcher]:
    return [catcher for each in mutants for catcher in each.catchers]
