"""The vote log on RocksDB: records as core/bft/log.py lays them out (docs/protocol.md#L2).

A synced write makes all unsynced ones before it durable as well: one write-ahead log, in order.
"""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from rocksdict import DBRecoveryMode, Options, Rdict, ReadOptions, WriteBatch, WriteOptions

from quorate.core.accusations import Evidence, decode_record
from quorate.core.bft.log import Record, Restored, compute_prune_ranges, encode_place, restore
from quorate.core.errors import InvalidInput, MalformedBytes, RefusedToStart
from quorate.kit import metrics

GENESIS_KEY: Final = b"m/genesis"
_KEY: Final = b"m/public_key"
# Range deletes cost at reading; so the log is pruned only every so many views.
PRUNE_EVERY_VIEWS: Final = 512
# The audit log keeps so many views of an epoch, and so many epochs.
AUDIT_VIEWS: Final = 100_000
AUDIT_EPOCHS: Final = 8
# How many audit records are searched for the newest message of each seat at start.
SEARCH_MAX: Final = 4_096


class VoteLog:
    """The log of one seat; opened for one genesis and one key."""

    def __init__(self, path: Path, genesis_hash: bytes, public_key: bytes) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path = str(path)
        self._db: Rdict | None = None
        try:
            self.reopen()
        except OSError as error:
            raise RefusedToStart(
                f"the vote log at {path} cannot be opened ({error}): if it is damaged, this seat "
                "must not vote with it; rotate the seat key",
                reason="DAMAGED_VOTE_LOG",
            ) from error
        self._synced = WriteOptions()
        self._synced.sync = True
        self._pruned = (0, 0)
        self._check(GENESIS_KEY, genesis_hash, "WRONG_GENESIS", "another chain")
        self._check(_KEY, public_key, "SEAT_KEY_CHANGED", "another seat key")

    def read(self) -> Restored:
        """Return what the log holds; raises RefusedToStart when a record does not parse."""
        try:
            restored = restore(self._scan(b"b", b"d"))
            own = restore(self._scan(b"v", b"w"))
            seen = restore(self._find_newest_seen())
        except MalformedBytes as error:
            raise RefusedToStart(
                f"the vote log holds a damaged record ({error.message}): rotate the seat key",
                reason="DAMAGED_VOTE_LOG",
            ) from error
        restored.own, restored.seen = own.own, seen.seen
        return restored

    def list_evidence(self) -> list[Evidence]:
        """Return the evidence found so far; raises RefusedToStart when a record does not parse."""
        try:
            return [decode_record(value) for _, value in self._scan(b"e", b"f")]
        except InvalidInput as error:
            raise RefusedToStart(
                f"the vote log holds damaged evidence ({error.message}): rotate the seat key",
                reason="DAMAGED_VOTE_LOG",
            ) from error

    def persist(self, records: Iterable[Record], *, synced: bool) -> None:
        """Write records as one atomic batch; when `synced`, it is on disk on return.

        Raises OSError when RocksDB refuses the write (disk full, I/O error).
        """
        batch = WriteBatch(raw_mode=True)
        for key, value in records:
            batch.put(key, value)
        if self._db is None:
            raise OSError("the vote log is not open")
        try:
            self._db.write(batch, self._synced if synced else WriteOptions())
        except Exception as error:  # rocksdict raises bare Exception for every RocksDB status
            raise OSError(str(error)) from error
        if synced:
            metrics.LOG_SYNCS.inc()

    def prune(self, epoch: int, view: int) -> None:
        """Forget what lies up to a view, once enough has gathered; raises OSError."""
        pruned_epoch, pruned_view = self._pruned
        if self._db is None or (epoch == pruned_epoch and view - pruned_view < PRUNE_EVERY_VIEWS):
            return
        ranges = list(compute_prune_ranges(epoch, view))
        ranges += compute_audit_ranges(epoch, view)
        try:
            for start, end in ranges:
                self._db.delete_range(start, end)
        except Exception as error:  # rocksdict raises bare Exception for every RocksDB status
            raise OSError(str(error)) from error
        self._pruned = (epoch, view)

    def reopen(self) -> None:
        """Open anew after a failed write; raises OSError while that cannot be done.

        RocksDB takes no write after one that failed; opening recovers what was synced.
        """
        if self._db is not None:
            with contextlib.suppress(Exception):  # what it could not write it says at closing
                self._db.close()
            self._db = None
        try:
            self._db = Rdict(self._path, _build_options())
        except Exception as error:  # rocksdict raises bare Exception for every RocksDB status
            raise OSError(str(error)) from error

    def close(self) -> None:
        """Flush and close."""
        if self._db is not None:
            self._db.close()

    def _open(self) -> Rdict:
        assert self._db is not None, "only a failed write leaves the log closed"
        return self._db

    def _check(self, key: bytes, value: bytes, reason: str, what: str) -> None:
        db = self._open()
        found = db.get(key)
        if found is None:
            db[key] = value
        elif found != value:
            raise RefusedToStart(
                f"the vote log belongs to {what}: start with the genesis and key it was made with",
                reason=reason,
            )

    def _scan(self, start: bytes, end: bytes) -> Iterator[Record]:
        cursor = self._open().iter(ReadOptions())
        cursor.seek(start)
        while cursor.valid() and cursor.key() < end:
            yield cursor.key(), cursor.value()
            cursor.next()

    def _find_newest_seen(self) -> Iterator[Record]:
        # The audit log sorts by view: the newest records are found from its end.
        cursor = self._open().iter(ReadOptions())
        cursor.seek_for_prev(b"b")
        for _ in range(SEARCH_MAX):
            if not cursor.valid() or not cursor.key().startswith(b"a"):
                return
            yield cursor.key(), cursor.value()
            cursor.prev()


def compute_audit_ranges(epoch: int, view: int) -> list[tuple[bytes, bytes]]:
    """Return the key ranges [from, to) of the audit log that may go at a view of an epoch."""
    ranges = [(b"a", b"a" + encode_place(max(epoch - AUDIT_EPOCHS, 0), 0))]
    # Views go on over epochs: what is old enough in the epoch before goes as well.
    for each in (epoch - 1, epoch):
        if each >= 0 and view > AUDIT_VIEWS:
            old = encode_place(each, view - AUDIT_VIEWS)
            ranges.append((b"a" + encode_place(each, 0), b"a" + old))
    return [(start, end) for start, end in ranges if end > b"a" + bytes(16)]


def _build_options() -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_wal_recovery_mode(DBRecoveryMode.point_in_time())
    options.set_write_buffer_size(8 * 1024 * 1024)
    options.set_max_write_buffer_number(2)
    options.set_keep_log_file_num(2)
    options.set_max_open_files(64)
    return options
