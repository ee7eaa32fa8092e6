"""A vote log that can lose what was not synced, at any point (docs/protocol.md#L1).

Writes are in one write-ahead log, in order, and each is atomic, as in RocksDB: a sync makes all
before it durable; a power cut keeps a random number of the writes made since, oldest first. A write
that is torn in its middle fails its checksum, so it is lost whole, with all after it.
"""

from random import Random

from quorate.core.bft.log import Record, Restored, compute_prune_ranges, restore
from quorate.core.codec import U64

# Kind of record, epoch and view: how every key begins (core/bft/log.py).
PLACE_BYTES = 1 + 2 * U64.size
# How many audit records are searched at start (services/quorate/consensus/vote_log.py).
SEARCH_MAX = 4_096
VOTE, BLOCK, CERTIFICATE, AUDIT = b"vbca"


class Disk:
    """The log of one seat; `ever` and `blocks` hold own messages and blocks once durable."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        # By kind of record, because pruning goes by these.
        self._durable: dict[int, dict[bytes, bytes]] = {}
        self._written: list[list[Record]] = []
        self.ever: set[bytes] = set()
        self.blocks: dict[bytes, bytes] = {}

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

    def prune(self, epoch: int, view: int) -> None:
        """Forget what the engine says it no longer needs."""
        for start, end in compute_prune_ranges(epoch, view):
            records = self._durable.get(start[0], {})
            for key in [each for each in records if start <= each < end]:
                del records[key]

    def copy(self) -> "Disk":
        """Return what a backup of the volume would hold now."""
        twin = Disk(self._rng)
        twin._durable = {kind: dict(records) for kind, records in self._durable.items()}
        twin.ever, twin.blocks = set(self.ever), dict(self.blocks)
        return twin

    def read(self) -> Restored:
        """Return what a restarted engine reads back, audit records newest first."""
        restored = restore(self._list(VOTE) + self._list(BLOCK) + self._list(CERTIFICATE))
        newest = self._list(AUDIT)[: -SEARCH_MAX - 1 : -1]
        restored.seen = restore(newest).seen
        return restored

    def read_killed(self) -> Restored:
        """Return what would be read back if the process ended now; nothing changes here."""
        twin = self.copy()
        twin._written = list(self._written)
        twin.kill()
        return twin.read()

    def _list(self, kind: int) -> list[Record]:
        return sorted(self._durable.get(kind, {}).items())

    def _keep(self, count: int) -> None:
        durable = self._durable
        for write in self._written[:count]:
            for key, value in write:
                kind = key[0]
                if kind not in durable:
                    durable[kind] = {}
                durable[kind][key] = value
                if kind == VOTE:
                    self.ever.add(value)
                elif kind == BLOCK:
                    self.blocks[key[PLACE_BYTES:]] = value
        self._written.clear()
