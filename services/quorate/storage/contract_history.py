"""What contracts did, block by block: details for ever, an index of events, changes for a while.

Families, written in the block's own atomic write (numbers big-endian):

details   height u64 ‖ position u32 → encoded detail (core/contracts/details.py)
events    contract 32 ‖ height u64 → positions u32 of transactions in which it told something
changes   height u64 ‖ contract 32 → its records that changed: each key u16-blob, before u32-blob,
          after u32-blob; empty: too much changed to be kept

A block costs one put per transaction with contract payloads, and two per contract that it changed;
blocks without any cost nothing. Changes serve to compare state at two heights and to read it as it
was: those of the last CHANGES_KEPT blocks are kept, older ones go every PRUNE_EVERY blocks.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from quorate.core.codec import U16, U32, U64, Reader
from quorate.core.contracts.details import list_tellers
from quorate.core.contracts.records import VARIABLE_HEAD_BYTES, VARIABLE_PREFIX
from quorate.core.errors import Rejected, Unavailable
from quorate.core.records import Records
from quorate.core.state import Write
from quorate.core.values import HASH_BYTES
from quorate.storage import database as db
from quorate.storage.database import Database, Writes

CHANGES_KEPT: Final = 4_096
PRUNE_EVERY: Final = 64
# Of one block: a call that costs little may rewrite much.
CHANGES_BYTES_MAX: Final = 4 * 1024 * 1024
_KEY_BYTES_MAX: Final = 256
_VALUE_BYTES_MAX: Final = 16_384
# So few heights are cheaper to look up one by one than to scan.
_FEW: Final = 4


class Change(NamedTuple):
    """A record of a contract that a block changed; `key` as the contract has it, b"" is none."""

    key: bytes
    before: bytes
    after: bytes


class HistoryDraft:
    """Collects, in slices, what a block's contracts did; `put` adds it to the block's write."""

    def __init__(self, height: int) -> None:
        self._height = U64.pack(height)
        self._is_pruning = height % PRUNE_EVERY == 0 and height > CHANGES_KEPT + PRUNE_EVERY
        self._end = U64.pack(max(height - CHANGES_KEPT - PRUNE_EVERY, 0))
        self._details: list[tuple[bytes, bytes]] = []
        self._told: dict[bytes, list[bytes]] = {}
        # None: too much of this contract changed.
        self._changes: dict[bytes, list[bytes] | None] = {}
        self._changes_bytes = 0

    def add_details(self, details: Iterable[tuple[int, bytes]]) -> None:
        """Take (position in the block, encoded detail) of transactions."""
        for position, encoded in details:
            place = U32.pack(position)
            self._details.append((self._height + place, encoded))
            for contract in list_tellers(encoded):
                self._told.setdefault(contract, []).append(place)

    def add_writes(self, writes: Iterable[Write], before: Records) -> None:
        """Take writes of the block, of which those of contracts count."""
        for key, after in writes:
            if key[:1] == VARIABLE_PREFIX and before[key] != after:
                change = Change(key[VARIABLE_HEAD_BYTES:], before[key], after)
                self._add_change(key[1:VARIABLE_HEAD_BYTES], _encode_change(change))

    def put(self, writes: Writes) -> None:
        """Add all of it to the block's write, and what goes because it is too old."""
        if self._details:
            writes.put_all(db.DETAILS, self._details)
        for contract, places in self._told.items():
            writes.put(db.EVENTS, contract + self._height, b"".join(places))
        for contract, changes in self._changes.items():
            writes.put(db.CHANGES, self._height + contract, b"".join(changes or ()))
        if self._is_pruning:
            writes.delete_range(db.CHANGES, U64.pack(0), self._end)

    def _add_change(self, contract: bytes, encoded: bytes) -> None:
        changes = self._changes.setdefault(contract, [])
        if changes is None:
            return
        changes.append(encoded)
        self._changes_bytes += len(encoded)
        if self._changes_bytes > CHANGES_BYTES_MAX:
            self._changes[contract] = None
            self._changes_bytes -= sum(map(len, changes))


class History:
    """Reads what contracts did; `root_height` is that of the chain's first block."""

    def __init__(self, database: Database, root_height: int) -> None:
        self._database, self._root_height = database, root_height

    def load_detail(self, height: int, position: int) -> bytes | None:
        """Return the encoded detail of a transaction; None when it called no contract."""
        return self._database.get(db.DETAILS, U64.pack(height) + U32.pack(position))

    def get_detail(self, height: int, position: int) -> bytes:
        """Return a detail that must be there; raises Unavailable (DAMAGED_DATABASE)."""
        encoded = self.load_detail(height, position)
        if encoded is None:
            raise Unavailable(
                f"what transaction {position} of block {height} did is missing; {db.NEXT_STEP}",
                reason=db.DAMAGED,
            )
        return encoded

    def list_told(
        self, contract: bytes, first: int, last: int, count: int
    ) -> list[tuple[int, tuple[int, ...]]]:
        """Return up to `count` heights of first … last with positions at which events were told."""
        if last - first < _FEW:
            heights = range(first, last + 1)
            keys = [contract + U64.pack(height) for height in heights]
            values = self._database.get_many(db.EVENTS, keys)
            found = [(height, value) for height, value in zip(heights, values, strict=True)]
            return [(height, _split(value)) for height, value in found if value][:count]
        start = contract + U64.pack(first)
        records = self._database.scan(db.EVENTS, start, contract, count)
        places = [(int(U64.unpack(key[HASH_BYTES:])[0]), _split(value)) for key, value in records]
        return [place for place in places if place[0] <= last]

    def list_told_back(
        self, contract: bytes, last: int, count: int
    ) -> list[tuple[int, tuple[int, ...]]]:
        """Return up to `count` heights from `last` down with positions at which it told events."""
        view = self._database.open_view(db.EVENTS)
        records = view.scan_back(contract + U64.pack(last), contract, count)
        return [(int(U64.unpack(key[HASH_BYTES:])[0]), _split(value)) for key, value in records]

    def compute_lowest(self, height: int) -> int:
        """Return the lowest height whose state can be told once `height` is executed."""
        return max(height - CHANGES_KEPT, self._root_height)

    def iter_changes(self, contract: bytes, first: int, last: int) -> Iterator[list[Change]]:
        """Yield what the blocks first … last changed of a contract, block by block, ascending.

        A block in which it changed nothing yields an empty list, or is left out. Raises Rejected
        (CHANGES_NOT_KEPT) where too much changed in one block.
        """
        view, height = self._database.open_view(db.CHANGES), first
        while height <= last:
            found = view.scan(U64.pack(height) + contract, b"", 1)
            if not found:
                return
            key, value = found[0]
            at = int(U64.unpack(key[:8])[0])
            if at > last:
                return
            if key[8:] == contract:
                if not value:
                    raise Rejected(
                        f"too much changed in block {at} to be kept: ask from {at} on, or up to "
                        f"{at - 1}", reason="CHANGES_NOT_KEPT", height=at,
                    )  # fmt: skip
                yield decode_changes(value)
                height = at + 1
            else:
                # Its own key at that height, had it one, would be below a greater contract's.
                yield []
                height = at + (key[8:] > contract)


def decode_changes(packed: bytes) -> list[Change]:
    """Return the changes of one contract in one block; raises MalformedBytes."""
    reader, changes, size = Reader(packed, "changes"), [], 0
    while size < len(packed):
        key = reader.take(reader.u16())
        before, after = reader.blob(_VALUE_BYTES_MAX), reader.blob(_VALUE_BYTES_MAX)
        size += U16.size + 2 * U32.size + len(key) + len(before) + len(after)
        changes.append(Change(key, before, after))
    return changes


def merge_changes(blocks: Iterable[list[Change]]) -> dict[bytes, Change]:
    """Return by key what several blocks changed, one after the other, taken together."""
    merged: dict[bytes, Change] = {}
    for changes in blocks:
        for change in changes:
            first = merged.get(change.key, change)
            merged[change.key] = Change(change.key, first.before, change.after)
    return {key: change for key, change in merged.items() if change.before != change.after}


def _encode_change(change: Change) -> bytes:
    key, before, after = change
    sizes = U16.pack(len(key)), U32.pack(len(before)), U32.pack(len(after))
    return b"".join((sizes[0], key, sizes[1], before, sizes[2], after))


def _split(places: bytes) -> tuple[int, ...]:
    return tuple([each for (each,) in U32.iter_unpack(places)])
