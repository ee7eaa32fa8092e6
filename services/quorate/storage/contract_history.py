"""What contracts did, block by block: details for ever, an index of events, changes for a while.

Families, written in the block's own atomic write (numbers big-endian):

details   height u64 ‖ position u32 → encoded detail (core/contracts/details.py)
events    contract 32 ‖ height u64 → positions u32 of transactions in which it told something
changes   height u64 ‖ contract 32 → its records that changed: each key u16-blob, before u32-blob,
          after u32-blob

A block costs one put per transaction with contract payloads, and two per contract that it changed;
blocks without any cost nothing. Changes serve to compare state at two heights and to read it as it
was: those of the last CHANGES_KEPT blocks are kept, older ones go every PRUNE_EVERY blocks.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from quorate.core.codec import U16, U32, U64, Reader
from quorate.core.contracts.details import Detail, decode_detail
from quorate.core.contracts.records import VARIABLE_HEAD_BYTES, VARIABLE_PREFIX
from quorate.core.values import HASH_BYTES
from quorate.storage import database as db
from quorate.storage.database import Database, Writes

CHANGES_KEPT: Final = 4_096
PRUNE_EVERY: Final = 64
_KEY_BYTES_MAX: Final = 256
_VALUE_BYTES_MAX: Final = 16_384
# So few heights are cheaper to look up one by one than to scan.
_FEW: Final = 4


class Change(NamedTuple):
    """A record of a contract that a block changed; `key` as the contract has it, b"" is none."""

    key: bytes
    before: bytes
    after: bytes


def list_changes(
    writes: Iterable[tuple[bytes, bytes, bytes]],
) -> dict[bytes, list[Change]]:
    """Return what (key, before, after) of state records changed of contracts, by contract."""
    found: dict[bytes, list[Change]] = {}
    for key, before, after in writes:
        if key[:1] == VARIABLE_PREFIX and before != after:
            change = Change(key[VARIABLE_HEAD_BYTES:], before, after)
            found.setdefault(key[1:VARIABLE_HEAD_BYTES], []).append(change)
    return found


def put_history(
    writes: Writes,
    height: int,
    details: Sequence[tuple[int, bytes]],
    changes: Iterable[tuple[bytes, bytes, bytes]],
) -> None:
    """Add to a block's write what its contracts did.

    `details` are (position in the block, encoded); `changes` are (key, before, after) of state
    records, of which those of contracts count.
    """
    told: dict[bytes, list[bytes]] = {}
    for position, encoded in details:
        place = U32.pack(position)
        writes.put(db.DETAILS, U64.pack(height) + place, encoded)
        for contract in list_tellers(decode_detail(encoded)):
            told.setdefault(contract, []).append(place)
    for contract, places in told.items():
        writes.put(db.EVENTS, contract + U64.pack(height), b"".join(places))
    for contract, changed in list_changes(changes).items():
        packed = b"".join(map(_encode_change, changed))
        writes.put(db.CHANGES, U64.pack(height) + contract, packed)
    if height % PRUNE_EVERY == 0 and height > CHANGES_KEPT + PRUNE_EVERY:
        end = height - CHANGES_KEPT - PRUNE_EVERY
        writes.delete_range(db.CHANGES, U64.pack(0), U64.pack(end))


def list_tellers(detail: Detail) -> list[bytes]:
    """Return the contracts that told something in a transaction, each once."""
    return list(dict.fromkeys([event.contract for call in detail.calls for event in call.events]))


class History:
    """Reads what contracts did; `root_height` is that of the chain's first block."""

    def __init__(self, database: Database, root_height: int) -> None:
        self._database, self._root_height = database, root_height

    def load_detail(self, height: int, position: int) -> bytes | None:
        """Return the encoded detail of a transaction; None when it called no contract."""
        return self._database.get(db.DETAILS, U64.pack(height) + U32.pack(position))

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

    def compute_lowest(self, height: int) -> int:
        """Return the lowest height whose state can be told once `height` is executed."""
        return max(height - CHANGES_KEPT, self._root_height)

    def iter_changes(self, contract: bytes, first: int, last: int) -> Iterator[list[Change]]:
        """Yield what the blocks first … last changed of a contract, block by block, ascending.

        A block in which it changed nothing yields an empty list, or is left out.
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
