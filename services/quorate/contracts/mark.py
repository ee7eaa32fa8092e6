"""Where a child is in its work, in memory that outlives it: so it is known at what it died."""

import mmap
import os
from struct import Struct
from typing import Final, NamedTuple

# How often something was noted u64, position u32, whether it is at a call u8.
_LAYOUT: Final = Struct("=QIB")


class Place(NamedTuple):
    """Where a child is; `steps` differs whenever it has come further."""

    steps: int
    position: int
    at_call: bool


class Mark:
    """A page that the service and one child share."""

    def __init__(self, file: int) -> None:
        self._map = mmap.mmap(file, mmap.PAGESIZE)
        self._steps = 0

    @classmethod
    def create(cls) -> tuple["Mark", int]:
        """Return a mark, and the file number under which a child finds it."""
        file = os.memfd_create("quorate-mark")
        os.truncate(file, mmap.PAGESIZE)
        return cls(file), file

    def note(self, position: int, *, at_call: bool) -> None:
        """Say that work at a position begins."""
        self._steps += 1
        _LAYOUT.pack_into(self._map, 0, self._steps, position, at_call)

    def read(self) -> Place:
        """Return where the child is, or was."""
        steps, position, at_call = _LAYOUT.unpack_from(self._map, 0)
        return Place(steps, position, bool(at_call))

    def close(self) -> None:
        """Give the page back."""
        self._map.close()
