"""Reads world state through a cache of what was written or read last.

A record costs 2 to 8 µs from RocksDB and 0.1 µs from here, and most transfers touch accounts that
were touched before.
"""

from collections.abc import Iterable
from typing import Final

from quorate.core.state import Write
from quorate.storage.signals import Signal
from quorate.storage.store import Store

# About 150 bytes each.
RECORDS_MAX: Final = 60_000


class StateReader:
    """State records at one executed height."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._records: dict[bytes, bytes] = {}
        self.height, _ = store.load_state([])
        self._advanced = Signal()

    def load(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return records by key, b"" where there is none; only while no write is under way."""
        records, found, missing = self._records, {}, []
        for key in keys:
            value = records.get(key)
            if value is None:
                missing.append(key)
            else:
                found[key] = value
        if missing:
            _, values = self._store.load_state(missing)
            for key, value in zip(missing, values, strict=True):
                found[key] = records[key] = value
            self._trim()
        return found

    async def read(self, keys: list[bytes]) -> tuple[int, list[bytes]]:
        """Return the executed height and its records in the order asked, all of that height."""
        while True:
            known = [self._records.get(key) for key in keys]
            missing = [key for key, value in zip(keys, known, strict=True) if value is None]
            if not missing:
                return self.height, [value or b"" for value in known]
            height, values = self._store.load_state(missing)
            if height == self.height:
                found = dict(zip(missing, values, strict=True))
                self._records |= found
                self._trim()
                return height, [
                    found[key] if value is None else value
                    for key, value in zip(keys, known, strict=True)
                ]
            # A block's write is on disk, but its task has not run on yet.
            await self._advanced.wait()

    def advance(self, height: int, writes: Iterable[Write]) -> None:
        """Take over the writes of a block that is on disk now."""
        records = self._records
        for key, value in writes:
            # Newest last, so that the oldest are dropped first.
            records.pop(key, None)
            records[key] = value
        self.height = height
        self._trim()
        self._advanced.notify()

    def _trim(self) -> None:
        excess = len(self._records) - RECORDS_MAX
        if excess > 0:
            for key in list(zip(range(excess), self._records, strict=False)):
                del self._records[key[1]]
