"""How a long operation tells what it does: steps that are done, and what it waits for."""

from typing import Protocol


class Tell(Protocol):
    """Hears of a long operation; called on the event loop, often, so it must return at once."""

    def step(self, what: str) -> None:
        """Something was done."""

    def wait(self, what: str) -> None:
        """This is waited for now; the same may come again and again."""


class Quiet:
    """Tells nobody."""

    def step(self, what: str) -> None:
        """Do nothing."""

    def wait(self, what: str) -> None:
        """Do nothing."""
