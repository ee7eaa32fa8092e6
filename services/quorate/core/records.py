"""How execution reads world state: a mapping that finds every key, and scans of a prefix.

Callers load what a slice of transactions names in one batched read beforehand; what is found out
only while executing (who owns a proposer's seat, all candidates at an epoch's end) is looked up
when it is asked for (docs/adr/009-lazy-records.md).
"""

from bisect import bisect_right
from typing import Protocol

Record = tuple[bytes, bytes]


class Records(Protocol):
    """World state at the parent of the executing block; never changes meanwhile."""

    def __getitem__(self, key: bytes) -> bytes:
        """Return the value of a key; b"" where there is none."""
        ...

    def scan(self, prefix: bytes, after: bytes, count: int) -> list[Record]:
        """Return the first `count` records that have this prefix and a key above `after`."""
        ...


class MemoryRecords(dict[bytes, bytes]):
    """A whole state in memory."""

    def __missing__(self, key: bytes) -> bytes:
        return b""

    def scan(self, prefix: bytes, after: bytes, count: int) -> list[Record]:
        """Return the first `count` records that have this prefix and a key above `after`."""
        keys = sorted(key for key, value in self.items() if value and key.startswith(prefix))
        start = bisect_right(keys, after)
        return [(key, self[key]) for key in keys[start : start + count]]

    def take(self, writes: list[Record]) -> None:
        """Apply the writes of a block; an empty value deletes."""
        for key, value in writes:
            if value:
                self[key] = value
            else:
                self.pop(key, None)
