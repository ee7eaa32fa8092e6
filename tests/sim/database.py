"""Storage's database as a crash sees it: atomic writes in one log, durable up to the last sync.

Families and keys are those of services/quorate/storage; a power cut keeps a prefix of the writes
made since the last synced one, a kill keeps all.
"""

from collections.abc import Iterator
from random import Random

Put = tuple[str, bytes, bytes | None]


class Database:
    """Families of keys and values; None deletes."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._durable: dict[tuple[str, bytes], bytes] = {}
        self._view: dict[tuple[str, bytes], bytes] = {}
        self._pending: list[list[Put]] = []

    def get(self, family: str, key: bytes) -> bytes | None:
        """Return a value as it was last written."""
        return self._view.get((family, key))

    def scan(self, family: str) -> Iterator[tuple[bytes, bytes]]:
        """Yield a family's keys and values, oldest first."""
        return ((key, value) for (name, key), value in self._view.items() if name == family)

    def write(self, puts: list[Put], *, synced: bool) -> None:
        """Write all or nothing; `synced` makes this and all before it durable."""
        _apply(puts, self._view)
        self._pending.append(puts)
        if synced:
            self._keep(len(self._pending))

    def cut_power(self) -> None:
        """Lose a random rest of what was not synced."""
        self._keep(self._rng.randint(0, len(self._pending)))
        self._view = dict(self._durable)

    def kill(self) -> None:
        """End the process only: what was written lies in the kernel's cache."""
        self._keep(len(self._pending))

    def _keep(self, count: int) -> None:
        for puts in self._pending[:count]:
            _apply(puts, self._durable)
        self._pending.clear()


def _apply(puts: list[Put], values: dict[tuple[str, bytes], bytes]) -> None:
    for family, key, value in puts:
        if value is None:
            values.pop((family, key), None)
        else:
            values[family, key] = value
