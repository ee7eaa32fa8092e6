"""Batches that are durable here and not final yet, with the seats that hold each.

Seats are known by their keys, for a seat's number means another key in another epoch. Each key of
the sets around the running epoch has a bit in the bitmaps; only those of the running set count.
Bounded: unfinalized bytes per author by the caller's check of `get_author_bytes`, reports of
batches that are not here by STRANGE_MAX, memory of finished names by FINISHED_MAX.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from quorate.core.batches import BatchHeader
from quorate.core.gossip.entries import Entry
from quorate.core.values import compute_faults, compute_quorum

STRANGE_MAX: Final = 4_096
# What a batch counts for at least against its author: small ones cost work too.
CHARGE_BYTES_MIN: Final = 4_096
FINISHED_MAX: Final = 8_192


@dataclass(slots=True)
class Held:
    """One batch: `author` is a seat key, `holders` a bitmap, `entries` own transactions in it.

    `slots` are packed by who adds the batch (mempool.py): one key per transaction of another
    author's batch. `ids` are packed 32-byte ids, for stage frames of own batches.
    """

    name: bytes
    header: BatchHeader
    signed_header: bytes
    author: bytes
    holders: int = 0
    entries: list[Entry] = field(default_factory=list)
    slots: list[bytes] = field(default_factory=list)
    ids: bytes = b""


class HeldBatches:
    """All unfinalized batches that are durable here, in order of arrival."""

    def __init__(self) -> None:
        # Of the running set; nobody counts before it is known.
        self.quorum = self.enough = 1
        self.batches: dict[bytes, Held] = {}
        self._bits: dict[bytes, int] = {}
        self._voters = 0
        self._author_bytes: dict[bytes, int] = {}
        self._author_charges: dict[bytes, int] = {}
        self._strange: dict[bytes, int] = {}
        self._finished: dict[bytes, None] = {}

    def set_seats(self, running: Sequence[bytes], known: Iterable[bytes]) -> None:
        """Count the holders among these keys from now on; of other known ones only take note."""
        self.quorum, self.enough = compute_quorum(len(running)), compute_faults(len(running)) + 1
        keys = dict.fromkeys([*running, *known])
        kept = {key: bit for key, bit in self._bits.items() if key in keys}
        used = sum(kept.values())
        self._keep_bits(used)
        free = (1 << number for number in range(len(keys)) if not used >> number & 1)
        self._bits = kept | {key: next(free) for key in keys if key not in kept}
        self._voters = sum(self._bits[key] for key in running)

    def __contains__(self, name: bytes) -> bool:
        return name in self.batches

    def is_finished(self, name: bytes) -> bool:
        """Tell whether a batch was final, expired or found invalid not long ago."""
        return name in self._finished

    def count(self, held: Held) -> int:
        """Return how many seats of the running set hold a batch."""
        return (held.holders & self._voters).bit_count()

    def get_author_bytes(self, author: bytes) -> int:
        """Return the unfinalized bytes of an author's batches."""
        return self._author_bytes.get(author, 0)

    def get_author_charge(self, author: bytes) -> int:
        """Return what counts against an author's bound of unfinalized bytes."""
        return self._author_charges.get(author, 0)

    def add(self, held: Held) -> None:
        """Note a batch that became durable here; early reports of it count."""
        self.batches[held.name] = held
        held.holders |= self._strange.pop(held.name, 0)
        self._count(held, 1)

    def add_report(self, key: bytes, name: bytes) -> Held | None:
        """Note that a key's node holds a batch; returns the batch when it is here and that is news.

        A key that holds no seat around the running epoch counts for nothing.
        """
        held, bit = self.batches.get(name), self._bits.get(key, 0)
        if held is None:
            if bit and name not in self._finished:
                self._strange[name] = self._strange.pop(name, 0) | bit
                if len(self._strange) > STRANGE_MAX:
                    del self._strange[next(iter(self._strange))]
            return None
        if not bit or held.holders & bit:
            return None
        held.holders |= bit
        return held

    def finish(self, name: bytes) -> Held | None:
        """Forget a batch that is final, expired or invalid; returns it when it was held."""
        self._finished[name] = None
        if len(self._finished) > FINISHED_MAX:
            del self._finished[next(iter(self._finished))]
        self._strange.pop(name, None)
        held = self.batches.pop(name, None)
        if held is not None:
            self._count(held, -1)
        return held

    def expire(self, height: int, epoch: int) -> list[Held]:
        """Forget and return batches that no block above `height`, which is of `epoch`, may name."""
        names = [
            name
            for name, held in self.batches.items()
            if held.header.expiry_height <= height or held.header.epoch < epoch - 1
        ]
        return [held for name in names if (held := self.finish(name)) is not None]

    def list_holders(self) -> list[tuple[bytes, list[bytes]]]:
        """Return (key, names) of who holds what, for an engine that attaches."""
        found = []
        for key, bit in self._bits.items():
            names = [name for name, held in self.batches.items() if held.holders & bit]
            if names:
                found.append((key, names))
        return found

    def join_names(self, names: Iterable[bytes] | None = None) -> bytes:
        """Return the packed names of all held batches, to tell a new peer."""
        return b"".join(self.batches if names is None else names)

    def _count(self, held: Held, sign: int) -> None:
        sizes = (held.header.size_bytes, compute_charge(held.header))
        for table, size in zip((self._author_bytes, self._author_charges), sizes, strict=True):
            # Authors come and go with the epochs: what is nothing is not kept.
            table[held.author] = table.get(held.author, 0) + sign * size
            if not table[held.author]:
                del table[held.author]

    def _keep_bits(self, mask: int) -> None:
        """Forget the holders whose keys hold no seat any more: their bits go to others."""
        for held in self.batches.values():
            held.holders &= mask
        self._strange = {name: bits & mask for name, bits in self._strange.items() if bits & mask}


def compute_charge(header: BatchHeader) -> int:
    """Return what a batch counts for against its author's bound of unfinalized bytes."""
    return max(header.size_bytes, CHARGE_BYTES_MIN)
