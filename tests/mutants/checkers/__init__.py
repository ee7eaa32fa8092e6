"""Checkers that some mutants need beside those of `tests/sim/checkers/`; the same hooks.

`watched()` has every world that is made within it look through these as well.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.mutants.checkers.genuine import Genuine
from tests.mutants.checkers.once import Once
from tests.mutants.checkers.proved import Proved
from tests.mutants.checkers.vigilance import Vigilance
from tests.sim import checkers

MORE = (Genuine, Once, Proved, Vigilance)


@contextmanager
def watched() -> Iterator[None]:
    """Add the checkers of this folder to those of every new world."""
    before = checkers.ALL
    known = {each.__name__ for each in before}
    checkers.ALL = (*before, *(each for each in MORE if each.__name__ not in known))
    try:
        yield
    finally:
        checkers.ALL = before


__all__ = ["MORE", "watched"]
