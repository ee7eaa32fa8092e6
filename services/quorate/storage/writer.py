"""Writes to the database: on the loop while the disk is fast, else in one thread; disk faults.

A synced write takes about 0.2 ms on a good disk, less than two switches of threads beside a busy
loop. So small writes run on the loop until they are measured to be slow.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from rocksdict import WriteBatch

from quorate.core.errors import QuorateError, Unavailable
from quorate.kit import failpoints
from quorate.kit.logs import get_logger
from quorate.kit.metrics import STORAGE_SYNCS, measure_stage
from quorate.storage.database import META, Database, Writes
from quorate.storage.pacer import Pacer
from quorate.storage.signals import Signal

# A write of at most so many bytes and entries takes under 1.5 ms.
INLINE_BYTES_MAX: Final = 288 * 1024
INLINE_ENTRIES_MAX: Final = 1_000
INLINE_SYNC_S_MAX: Final = 0.001
# After so many writes in the thread one is tried on the loop again.
THREAD_WRITES: Final = 100
PROBE_S: Final = 0.5

log = get_logger("storage")


class Writer:
    """The only way to write; `fault` says why nothing can be written now, "" when it can."""

    def __init__(self, database: Database, changed: Signal) -> None:
        self.fault = ""
        self.changed = changed
        self._database = database
        self._reach = failpoints.open_failpoints()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="storage-write")
        self._sync_s = 0.0
        self._thread_writes = 0

    async def write(self, writes: Writes, *, synced: bool = True) -> None:
        """Write atomically; raises Unavailable (DISK_FULL …) and then wrote nothing."""
        if self.fault:
            raise Unavailable(self.fault, reason=self.fault.partition(":")[0])
        try:
            batch = await self._build(writes)
            self._database.check_room(batch.size_in_bytes())
            await self._write(batch, synced=synced)
        except QuorateError as error:
            self._set_fault(f"{error.reason}: {error.message}")
            raise

    async def write_until_done(self, writes: Writes, *, synced: bool = True) -> None:
        """Write atomically, waiting for as long as the disk is at fault."""
        while True:
            while self.fault:
                await self.changed.wait()
            try:
                return await self.write(writes, synced=synced)
            except Unavailable:
                continue

    async def run(self) -> None:
        """Probe the disk while it is at fault, until cancelled."""
        while True:
            while not self.fault:
                await self.changed.wait()
            # RocksDB tells nobody when there is room again.
            await asyncio.sleep(PROBE_S)
            probe = Writes()
            probe.put(META, b"probe", b"")
            try:
                batch = self._database.build(probe)
                self._database.check_room(batch.size_in_bytes())
                await self._write_in_thread(batch, synced=True)
            except QuorateError as error:
                log.debug("disk still at fault", reason=error.reason)
                continue
            self._set_fault("")

    def close(self) -> None:
        """Wait for a write that runs."""
        self._pool.shutdown(wait=True)

    async def _build(self, writes: Writes) -> WriteBatch:
        steps = self._database.iter_build(writes)
        batch, pacer = next(steps), Pacer()
        while True:
            await pacer.pause()
            with measure_stage("write"):
                following = next(steps, None)
            if following is None:
                return batch
            batch = following

    async def _write(self, batch: WriteBatch, *, synced: bool) -> None:
        large = batch.size_in_bytes() > INLINE_BYTES_MAX or len(batch) > INLINE_ENTRIES_MAX
        slow = self._sync_s > INLINE_SYNC_S_MAX and self._thread_writes < THREAD_WRITES
        if large or slow:
            self._thread_writes += 1
            await self._write_in_thread(batch, synced=synced)
            return
        start = time.monotonic()
        self._write_now(batch, synced)
        if synced:
            STORAGE_SYNCS.inc()
            self._sync_s += ((time.monotonic() - start) - self._sync_s) / 8
        self._thread_writes = 0

    async def _write_in_thread(self, batch: WriteBatch, *, synced: bool) -> None:
        if synced:
            STORAGE_SYNCS.inc()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, self._write_now, batch, synced)

    def _write_now(self, batch: WriteBatch, synced: bool) -> None:
        if synced:
            self._reach(failpoints.BEFORE_SYNC)
        with measure_stage("write"):
            self._database.write(batch, synced=synced)
        if synced:
            self._reach(failpoints.AFTER_SYNC)

    def _set_fault(self, fault: str) -> None:
        if bool(fault) != bool(self.fault):
            log.warning("disk at fault" if fault else "disk works again", fault=fault)
        self.fault = fault
        self.changed.notify()
