"""Batches that are durable here and not final yet, with the seats that hold each.

Bounded: unfinalized bytes per author by the caller's check of `get_author_bytes`, reports of
batches that are not here by STRANGE_MAX, memory of finished names by FINISHED_MAX.
"""

from collections.abc import Iterable
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
    """One batch: `holders` is a bitmap of seats; `entries` are own transactions in it.

    `slots` are packed by who adds the batch (mempool.py): one key per transaction of another
    author's batch. `ids` are packed 32-byte ids, for stage frames of own batches.
    """

    name: bytes
    header: BatchHeader
    signed_header: bytes
    holders: int = 0
    entries: list[Entry] = field(default_factory=list)
    slots: list[bytes] = field(default_factory=list)
    ids: bytes = b""


class HeldBatches:
    """All unfinalized batches that are durable here, in order of arrival."""

    def __init__(self, seats: int) -> None:
        self.quorum, self.enough = compute_quorum(seats), compute_faults(seats) + 1
        self.batches: dict[bytes, Held] = {}
        self._seats = seats
        self._author_bytes: dict[int, int] = {}
        self._author_charges: dict[int, int] = {}
        self._strange: dict[bytes, int] = {}
        self._finished: dict[bytes, None] = {}

    def __contains__(self, name: bytes) -> bool:
        return name in self.batches

    def is_finished(self, name: bytes) -> bool:
        """Tell whether a batch was final, expired or found invalid not long ago."""
        return name in self._finished

    def get_author_bytes(self, author: int) -> int:
        """Return the unfinalized bytes of an author's batches."""
        return self._author_bytes.get(author, 0)

    def get_author_charge(self, author: int) -> int:
        """Return what counts against an author's bound of unfinalized bytes."""
        return self._author_charges.get(author, 0)

    def add(self, held: Held) -> None:
        """Note a batch that became durable here; early reports of it count."""
        self.batches[held.name] = held
        held.holders |= self._strange.pop(held.name, 0)
        self._count(held.header, 1)

    def add_report(self, seat: int, name: bytes) -> Held | None:
        """Note that a seat holds a batch; returns the batch when it is here and that is news."""
        held = self.batches.get(name)
        bit = 1 << seat
        if held is None:
            if name not in self._finished:
                self._strange[name] = self._strange.pop(name, 0) | bit
                if len(self._strange) > STRANGE_MAX:
                    del self._strange[next(iter(self._strange))]
            return None
        if held.holders & bit:
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
            self._count(held.header, -1)
        return held

    def expire(self, height: int) -> list[Held]:
        """Forget and return batches that no block above `height` may name."""
        names = [name for name, h in self.batches.items() if h.header.expiry_height <= height]
        return [held for name in names if (held := self.finish(name)) is not None]

    def list_holders(self) -> list[tuple[int, bytes]]:
        """Return (seat, packed names) of who holds what, for an engine that attaches."""
        names: dict[int, list[bytes]] = {}
        for name, held in self.batches.items():
            for seat in range(self._seats):
                if held.holders >> seat & 1:
                    names.setdefault(seat, []).append(name)
        return [(seat, b"".join(each)) for seat, each in sorted(names.items())]

    def join_names(self, names: Iterable[bytes] | None = None) -> bytes:
        """Return the packed names of all held batches, to tell a new peer."""
        return b"".join(self.batches if names is None else names)

    def _count(self, header: BatchHeader, sign: int) -> None:
        author, size = header.author, header.size_bytes
        self._author_bytes[author] = self._author_bytes.get(author, 0) + sign * size
        charge = sign * compute_charge(header)
        self._author_charges[author] = self._author_charges.get(author, 0) + charge


def compute_charge(header: BatchHeader) -> int:
    """Return what a batch counts for against its author's bound of unfinalized bytes."""
    return max(header.size_bytes, CHARGE_BYTES_MIN)
