"""Reads world state through a cache of what was written or read last.

A record costs 2 to 8 µs from RocksDB and 0.1 µs from here, and most transfers touch accounts that
were touched before.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from quorate.core.records import Record
from quorate.core.state import Write
from quorate.storage.pacer import Pacer
from quorate.storage.signals import Signal
from quorate.storage.store import Store

# Records in a generation, about 150 bytes each; there are two.
RECORDS_MAX: Final = 30_000
# Code and interfaces of contracts are read once, and would push everything else out.
VALUE_BYTES_MAX: Final = 4_096
# Records taken over in one step.
_STEP: Final = 500


class LoadedRecords(dict[bytes, bytes]):
    """The state at one height for one block's execution; only while no write is under way.

    What `load` was not told is read when it is asked for.
    """

    def __init__(self, reader: "StateReader") -> None:
        super().__init__()
        self._reader = reader

    def __missing__(self, key: bytes) -> bytes:
        self.load([key])
        return self[key]

    def load(self, keys: Iterable[bytes]) -> None:
        """Read what is not here yet, in one go."""
        self.update(self._reader.load([key for key in keys if key not in self]))

    def scan(self, prefix: bytes, after: bytes, count: int) -> list[Record]:
        """Return the first `count` records that have this prefix and a key above `after`."""
        return self._reader.scan(prefix, after, count)


class StateReader:
    """State records at one executed height.

    The cache has two generations: what is used stays in or moves to the young one, and the old
    one goes when the young one is full.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}
        self.height, _ = store.load_state([])
        self._moving = False
        self._advanced = Signal()

    def load(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return records by key, b"" where there is none; only while no write is under way."""
        found, missing = self._find(keys)
        if missing:
            _, values = self._store.load_state(missing)
            fresh = dict(zip(missing, values, strict=True))
            found |= fresh
            self._keep(fresh)
        return found

    def open(self, keys: Iterable[bytes]) -> LoadedRecords:
        """Return the state as it is now for one block's execution, with these keys loaded."""
        records = LoadedRecords(self)
        records.load(keys)
        return records

    def scan(self, prefix: bytes, after: bytes, count: int) -> list[Record]:
        """Return the first `count` records that have this prefix and a key above `after`."""
        return self._store.scan_state(prefix, after, count)

    async def read(self, keys: list[bytes]) -> tuple[int, list[bytes]]:
        """Return the executed height and its records in the order asked, all of that height."""
        while True:
            while self._moving:
                await self._advanced.wait()
            found, missing = self._find(keys)
            if missing:
                height, values = self._store.load_state(missing)
                if height != self.height:
                    # A block's write is on disk, but its task has not run on yet.
                    await self._advanced.wait()
                    continue
                fresh = dict(zip(missing, values, strict=True))
                found |= fresh
                self._keep(fresh)
            return self.height, [found[key] for key in keys]

    async def advance(self, height: int, writes: Sequence[Write]) -> None:
        """Take over the writes of a block that is on disk now; `read` waits meanwhile."""
        self._moving, pacer = True, Pacer()
        for start in range(0, len(writes), _STEP):
            self._keep(dict(writes[start : start + _STEP]))
            await pacer.pause()
        self.height, self._moving = height, False
        self._advanced.notify()

    def _find(self, keys: Iterable[bytes]) -> tuple[dict[bytes, bytes], list[bytes]]:
        young, old = self._young, self._old
        found: dict[bytes, bytes] = {}
        missing: list[bytes] = []
        for key in keys:
            value = young.get(key)
            if value is None:
                value = old.get(key)
                if value is None:
                    missing.append(key)
                    continue
                young[key] = value
            found[key] = value
        return found, missing

    def _keep(self, records: dict[bytes, bytes]) -> None:
        self._young |= records
        for key in [key for key, value in records.items() if len(value) > VALUE_BYTES_MAX]:
            # A smaller value of before must not be found in its place.
            del self._young[key]
            self._old.pop(key, None)
        if len(self._young) > RECORDS_MAX:
            self._old, self._young = self._young, {}
