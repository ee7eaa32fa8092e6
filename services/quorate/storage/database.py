"""RocksDB as storage uses it: its column families, limits and errors. No other file touches it.

Families: `meta` (genesis hash, end of the last run), `batches` (name → sealed batch), `held` (name
→ signed header of a batch that no final block names yet), `named` (name → height of the block that
names it), `blocks` (height → block), `certificates` (height → finality), `digests` (digest →
height), `state` (core/state.py, and the executed height), `receipts` (height → packed receipts),
`txindex` (id → place), `results` (height → write digest ‖ receipts root ‖ count ‖ set), `subtrees`
(level ‖ index → hash, of the tree that the receipts root is of: core/merkle.py), and of contracts
`details`, `events` and `changes` (storage/contract_history.py).

All families flush together (atomic flush), so whatever a crash or a cut-off log leaves is a prefix
of the writes across all of them. Memory: 16 MiB of blocks and indexes, 24 MiB of memtables.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NoReturn, cast

from rocksdict import (
    AccessType,
    BlockBasedOptions,
    Cache,
    DBCompressionType,
    DBRecoveryMode,
    Options,
    Rdict,
    RdictIter,
    WriteBatch,
    WriteOptions,
)

from quorate.core.errors import QuorateError, RefusedToStart, Unavailable

META: Final = "meta"
BATCHES: Final = "batches"
HELD: Final = "held"
NAMED: Final = "named"
BLOCKS: Final = "blocks"
CERTIFICATES: Final = "certificates"
DIGESTS: Final = "digests"
STATE: Final = "state"
RECEIPTS: Final = "receipts"
TXINDEX: Final = "txindex"
RESULTS: Final = "results"
SUBTREES: Final = "subtrees"
DETAILS: Final = "details"
EVENTS: Final = "events"
CHANGES: Final = "changes"
FAMILIES: Final = (
    META, BATCHES, HELD, NAMED, BLOCKS, CERTIFICATES, DIGESTS, STATE, RECEIPTS, TXINDEX, RESULTS,
    SUBTREES, DETAILS, EVENTS, CHANGES,
)  # fmt: skip

MIB: Final = 1024 * 1024
CACHE_BYTES: Final = 16 * MIB
MEMTABLES_BYTES: Final = 24 * MIB
# Below so much free room no write is begun: memtables must still be able to flush.
RESERVE_BYTES: Final = 32 * MIB

# Entries that are put into a batch in one step.
_STEP: Final = 1_000

DISK_FULL: Final = "DISK_FULL"
DISK_ERROR: Final = "DISK_ERROR"
DAMAGED: Final = "DAMAGED_DATABASE"

NEXT_STEP: Final = (
    "move this directory aside and start again: the chain is fetched anew from other nodes"
)


# What rocksdict takes as a key; here it is always bytes.
Key = str | int | float | bytes | bool


class Writes:
    """Puts and deletions that become one atomic write; kept until done, for it may be retried."""

    def __init__(self) -> None:
        self.puts: dict[str, list[tuple[bytes, bytes]]] = {}
        self.deletions: dict[str, list[bytes]] = {}
        self.ranges: list[tuple[str, bytes, bytes]] = []

    def put(self, family: str, key: bytes, value: bytes) -> None:
        """Set one value."""
        self.puts.setdefault(family, []).append((key, value))

    def put_all(self, family: str, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Set many values."""
        self.puts.setdefault(family, []).extend(items)

    def delete(self, family: str, key: bytes) -> None:
        """Delete one value; deletions come after puts."""
        self.deletions.setdefault(family, []).append(key)

    def delete_range(self, family: str, start: bytes, end: bytes) -> None:
        """Delete all keys from `start` up to but without `end`, at the cost of one.

        To be used rarely: each range is looked at by later reads until it is compacted away.
        """
        self.ranges.append((family, start, end))


class Database:
    """An open database. Reads run on the event loop; `write` may run in a thread."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open or create the database; raises RefusedToStart when it can't be run with.

        One that is opened `read_only` must be there, and belong to no running process.
        """
        self.path, self._reserve = path, RESERVE_BYTES
        access = AccessType.read_only() if read_only else AccessType.read_write()
        try:
            if read_only:
                check_idle(path)
            else:
                path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            _refuse(path, str(error))
        # Freed by RocksDB itself when the last family is closed.
        self._cache = Cache(CACHE_BYTES)
        families = {name: _build_options(name, self._cache) for name in FAMILIES}
        try:
            self._db = Rdict(str(path), _build_database_options(self._cache), families, access)
        except Exception as error:  # rocksdict raises nothing more specific
            _refuse(path, str(error))
        self._families = {name: self._db.get_column_family(name) for name in FAMILIES}
        self._handles = {name: self._db.get_column_family_handle(name) for name in FAMILIES}
        self._synced, self._unsynced = WriteOptions(), WriteOptions()
        self._synced.sync = True

    def close(self) -> None:
        """Flush and close; RocksDB gives its lock back when the last handle is gone."""
        self._handles.clear()
        for family in self._families.values():
            family.close()
        self._families.clear()
        self._db.close()

    def get(self, family: str, key: bytes) -> bytes | None:
        """Return a value; raises Unavailable (DAMAGED_DATABASE) when it can't be read."""
        try:
            return cast("bytes | None", self._families[family].get(key))
        except Exception as error:  # rocksdict raises nothing more specific
            raise _translate(error) from error

    def get_many(self, family: str, keys: list[bytes]) -> list[bytes | None]:
        """Return values in the order of keys, all of one moment."""
        if not keys:
            return []
        try:
            return cast("list[bytes | None]", self._families[family].get(cast("list[Key]", keys)))
        except Exception as error:  # rocksdict raises nothing more specific
            raise _translate(error) from error

    def iterate(self, family: str, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) ascending from a key on."""
        try:
            iterator = self._families[family].iter()
            iterator.seek(start)
            while iterator.valid():
                yield iterator.key(), iterator.value()
                iterator.next()
            iterator.status()
        except Exception as error:  # rocksdict raises nothing more specific
            raise _translate(error) from error

    def scan(
        self, family: str, start: bytes, prefix: bytes, count: int
    ) -> list[tuple[bytes, bytes]]:
        """Return up to `count` (key, value) with a prefix, ascending from a key on."""
        return self.open_view(family).scan(start, prefix, count)

    def open_view(self, family: str) -> "View":
        """Return a family as it is now, whatever is written later."""
        try:
            return View(self._families[family].iter())
        except Exception as error:  # rocksdict raises nothing more specific
            raise _translate(error) from error

    def build(self, writes: Writes) -> WriteBatch:
        """Return the batch of these writes; RocksDB uses it up even when it fails."""
        *_, batch = self.iter_build(writes)
        return batch

    def iter_build(self, writes: Writes) -> Iterator[WriteBatch]:
        """Yield the batch of these writes as it fills up, in steps of under 1 ms."""
        batch = WriteBatch(raw_mode=True)
        for family, items in writes.puts.items():
            batch.set_default_column_family(self._handles[family])
            for start in range(0, len(items), _STEP):
                for key, value in items[start : start + _STEP]:
                    batch[key] = value
                if len(items) > _STEP:
                    yield batch
        for family, keys in writes.deletions.items():
            batch.set_default_column_family(self._handles[family])
            for start in range(0, len(keys), _STEP):
                for key in keys[start : start + _STEP]:
                    del batch[key]
                if len(keys) > _STEP:
                    yield batch
        for family, start_key, end_key in writes.ranges:
            batch.delete_range(start_key, end_key, self._handles[family])
        yield batch

    def write(self, batch: WriteBatch, *, synced: bool) -> None:
        """Write atomically. Raises Unavailable: DISK_FULL, DISK_ERROR or DAMAGED_DATABASE."""
        try:
            self._db.write(batch, self._synced if synced else self._unsynced)
        except Exception as error:  # rocksdict raises nothing more specific
            raise _translate(error) from error

    def check_room(self, size_bytes: int) -> None:
        """Raise Unavailable (DISK_FULL) when a write would eat into the reserve."""
        room = os.statvfs(self.path)
        free = room.f_bavail * room.f_frsize
        if free < self._reserve + size_bytes:
            raise Unavailable(
                f"{free // MIB} MiB free, {self._reserve // MIB} MiB are kept in reserve",
                reason=DISK_FULL, free_bytes=free,
            )  # fmt: skip

    def measure_memory(self) -> int:
        """Return the bytes that memtables and cache take now."""
        tables = 0
        for family in self._families.values():
            with contextlib.suppress(TypeError):
                tables += family.property_int_value("rocksdb.cur-size-all-mem-tables") or 0
        return tables + self._cache.get_usage()


class View:
    """One family at one moment: an iterator sees what was there when it was opened.

    Not to be kept for long, because nothing that it sees is freed meanwhile; gone before `close`.
    """

    def __init__(self, iterator: RdictIter) -> None:
        self._iterator = iterator

    def get(self, key: bytes) -> bytes | None:
        """Return a value; raises Unavailable (DAMAGED_DATABASE) when it can't be read."""
        found = self.scan(key, key, 1)
        return found[0][1] if found and found[0][0] == key else None

    def scan(self, start: bytes, prefix: bytes, count: int) -> list[tuple[bytes, bytes]]:
        """Return up to `count` (key, value) with a prefix, ascending from a key on."""
        return self._walk(prefix, count, lambda it: it.seek(start), RdictIter.next)

    def scan_back(self, start: bytes, prefix: bytes, count: int) -> list[tuple[bytes, bytes]]:
        """Return up to `count` (key, value) with a prefix, descending from a key on."""
        return self._walk(prefix, count, lambda it: it.seek_for_prev(start), RdictIter.prev)

    def _walk(
        self,
        prefix: bytes,
        count: int,
        seek: Callable[[RdictIter], None],
        step: Callable[[RdictIter], None],
    ) -> list[tuple[bytes, bytes]]:
        found, iterator = list[tuple[bytes, bytes]](), self._iterator
        try:
            seek(iterator)
            while len(found) < count and iterator.valid():
                key = iterator.key()
                if not key.startswith(prefix):
                    break
                found.append((key, iterator.value()))
                step(iterator)
            iterator.status()
        except Exception as error:  # rocksdict raises nothing more specific
            raise _translate(error) from error
        return found


def check_idle(path: Path) -> None:
    """Raise RefusedToStart when a process has this database open; reading takes no lock."""
    with (path / "LOCK").open("r+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _refuse(path, f"/LOCK of {path}")


def _build_database_options(cache: Cache) -> Options:
    options = _build_options("default", cache)
    options.create_if_missing(True)
    options.create_missing_column_families(True)
    options.set_wal_recovery_mode(DBRecoveryMode.point_in_time())
    options.set_atomic_flush(True)
    options.set_db_write_buffer_size(MEMTABLES_BYTES)
    options.set_max_total_wal_size(4 * MEMTABLES_BYTES)
    options.set_max_background_jobs(2)
    options.set_max_open_files(256)
    options.set_keep_log_file_num(2)
    options.set_max_log_file_size(MIB)
    options.set_manifest_preallocation_size(64 * 1024)
    options.set_stats_dump_period_sec(0)
    options.set_bytes_per_sync(MIB)
    return options


def _build_options(family: str, cache: Cache) -> Options:
    options, table = Options(raw_mode=True), BlockBasedOptions()
    table.set_block_cache(cache)
    table.set_cache_index_and_filter_blocks(True)
    table.set_pin_l0_filter_and_index_blocks_in_cache(True)
    if family in (STATE, TXINDEX, NAMED, DIGESTS, BATCHES):
        table.set_bloom_filter(10, False)
    options.set_block_based_table_factory(table)
    options.set_write_buffer_size(MEMTABLES_BYTES // 2)
    options.set_arena_block_size(128 * 1024)
    options.set_max_write_buffer_number(3)
    options.set_compression_type(DBCompressionType.none())
    if family == BATCHES:
        # Large values, written once: kept out of compaction.
        options.set_enable_blob_files(True)
        options.set_min_blob_size(4_096)
        options.set_blob_file_size(64 * MIB)
        options.set_enable_blob_gc(True)
    return options


def _translate(error: Exception) -> QuorateError:
    text = str(error)
    if "No space left on device" in text or "quota exceeded" in text:
        return Unavailable(f"no room left on the disk ({text})", reason=DISK_FULL)
    if text.startswith("Corruption") or "Corruption:" in text:
        return Unavailable(f"the database is damaged ({text}); {NEXT_STEP}", reason=DAMAGED)
    return Unavailable(f"the database can't be used ({text})", reason=DISK_ERROR)


def _refuse(path: Path, text: str) -> NoReturn:
    if "No space left on device" in text:
        raise RefusedToStart(f"no room to open {path}: free some and start again", reason=DISK_FULL)
    if "/LOCK" in text:
        raise RefusedToStart(
            f"{path} is in use by another process: stop that one first", reason="DATABASE_IN_USE"
        )
    raise RefusedToStart(f"{path} is damaged ({text}); {NEXT_STEP}", reason=DAMAGED)
