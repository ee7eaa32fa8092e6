"""How commands that take epochs tell what they do: on stderr, live on a terminal, else in lines."""

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.text import Text

from quorate.cli import output

# Without a terminal, what is waited for is said anew this often at most.
_LINE_S: Final = 5.0


class Progress:
    """Hears of an operation's steps (devnet/telling.py); use with `with`."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or output.err
        self._status = self._console.status("")
        self._start_s = time.monotonic()
        self._said, self._said_s = "", 0.0

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End showing; what was said stays."""
        self._status.stop()
        if kind is KeyboardInterrupt:
            self._console.print("interrupted: run it again, and it goes on from here")

    def step(self, what: str) -> None:
        """Print what was done, and when."""
        elapsed_s = time.monotonic() - self._start_s
        line = Text(f"{elapsed_s:>6.1f} s  ", style="dim")
        self._console.print(line.append("✓ ", style="green").append(what, style="default"))
        self._said = ""

    def wait(self, what: str) -> None:
        """Show what is waited for now."""
        if self._console.is_terminal:
            self._status.update(Text(what))
            return
        now_s = time.monotonic()
        # What stands before the dot is news when it changes; what comes after counts down.
        if what.partition(" · ")[0] != self._said or now_s - self._said_s >= _LINE_S:
            self._said, self._said_s = what.partition(" · ")[0], now_s
            self._console.print(Text(f"{now_s - self._start_s:>6.1f} s  … {what}", style="dim"))
