"""A vote log that can lose what was not synced, at any point (docs/protocol.md#L1).

Writes are in one write-ahead log, in order, and each is atomic: a sync makes all before it durable;
a power cut keeps a random number of the writes made since, oldest first.
"""

from random import Random

from quorate.core.bft.log import Record, Restored, compute_prune_ranges, restore


class Disk:
    """The log of one seat; `ever` holds every own message that was once durable."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._durable: dict[bytes, bytes] = {}
        self._written: list[list[Record]] = []
        self.ever: set[bytes] = set()

    def write(self, records: list[Record]) -> None:
        """Append records as one atomic write; it is not durable yet."""
        if records:
            self._written.append(records)

    def sync(self) -> None:
        """Make all that was written durable."""
        self._keep(len(self._written))

    def cut_power(self) -> None:
        """Lose a random rest of what was not synced."""
        self._keep(self._rng.randint(0, len(self._written)))

    def kill(self) -> None:
        """End the process only: what was written lies in the kernel's cache."""
        self._keep(len(self._written))

    def prune(self, view: int) -> None:
        """Forget what the engine says it no longer needs."""
        ranges = compute_prune_ranges(view)
        for key in [k for k in self._durable if any(a <= k < b for a, b in ranges)]:
            del self._durable[key]

    def copy(self) -> "Disk":
        """Return what a backup of the volume would hold now."""
        twin = Disk(self._rng)
        twin._durable, twin.ever = dict(self._durable), set(self.ever)
        return twin

    def read(self) -> Restored:
        """Return what a restarted engine reads back, audit records newest first."""
        records = sorted(self._durable.items())
        restored = restore(pair for pair in records if not pair[0].startswith(b"a"))
        audit = [pair for pair in reversed(records) if pair[0].startswith(b"a")]
        restored.seen = restore(audit).seen
        return restored

    def _keep(self, count: int) -> None:
        for key, value in (record for write in self._written[:count] for record in write):
            self._durable[key] = value
            if key.startswith(b"v"):
                self.ever.add(value)
        self._written.clear()
