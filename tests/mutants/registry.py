"""All mutants, by family, in the order in which they are listed."""

from types import ModuleType

from tests.mutants import (
    ancestry,
    blocks,
    certificates,
    commit,
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


def list_plans() -> list[Plans]:
    """Return each kind of plan that a mutant is put through, once."""
    return list({each.name: each for each in _list_catchers() if isinstance(each, Plans)}.values())


def list_stories() -> list[Story]:
    """Return each story that a mutant is put through, once."""
    return list({each.name: each for each in _list_catchers() if isinstance(each, Story)}.values())


def _list_catchers() -> list[Catcher]:
    return [catcher for each in list_mutants() for catcher in each.catchers]
