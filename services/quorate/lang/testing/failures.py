"""How a call fails in a test, and how a test says that it must."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager


class CallFailed(Exception):
    """A call had no effect.

    `reason` is a receipt's (REVERTED, OUT_OF_FUEL, …), `text` is the contract's or the host's,
    `line` is of the contract's source, 0 when unknown.
    """

    def __init__(self, reason: str, text: str, line: int) -> None:
        super().__init__(f"{reason}: {text}" + (f" (line {line})" if line else ""))
        self.reason, self.text, self.line = reason, text, line


@contextmanager
def fails(reason: str, text: str = "") -> Iterator[None]:
    """Expect a call in the block to fail for a reason, with `text` in what it says."""
    try:
        yield
    except CallFailed as failed:
        if failed.reason != reason or text not in failed.text:
            raise AssertionError(
                f"expected {reason}: {text!r}; it failed with {failed}"
            ) from failed
        return
    raise AssertionError(f"expected {reason}: {text!r}; nothing failed")


def reverts(text: str = "") -> AbstractContextManager[None]:
    """Expect a call in the block to revert, with `text` in what it says."""
    return fails("REVERTED", text)
