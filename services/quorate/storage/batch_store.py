"""Sealed batches: durable before anybody hears of them, deleted when they can't become final.

Batches that come at the same time share one synced write (group commit).
"""

import asyncio
import heapq
from typing import Final

from quorate.core.batches import BatchHeader, compute_batch_name
from quorate.core.errors import MalformedBytes, Overloaded, Unavailable
from quorate.storage import database as db
from quorate.storage.database import Database, Writes
from quorate.storage.signals import Signal
from quorate.storage.store import Store, split_signed_header
from quorate.storage.writer import Writer

# Batches that wait for their write: at most so many bytes, and so many in one write.
WAITING_BYTES_MAX: Final = 32 * 1024 * 1024
GROUP_BYTES_MAX: Final = 1024 * 1024


class BatchStore:
    """Owns the batches that no final block names yet (held), and writes new ones."""

    def __init__(self, database: Database, store: Store, writer: Writer) -> None:
        self._store, self._writer = store, writer
        self._held: dict[bytes, bytes] = {}
        self._expiries: list[tuple[int, bytes]] = []
        self._waiting: list[tuple[list[bytes], asyncio.Future[None]]] = []
        self._waiting_bytes = 0
        self._changed, self._arrived = Signal(), Signal()
        for name, signed_header in database.iterate(db.HELD):
            self._note(name, signed_header)

    def list_held(self) -> list[bytes]:
        """Return the signed headers of all held batches."""
        return list(self._held.values())

    def find_missing(self, names: tuple[bytes, ...]) -> list[bytes]:
        """Return those of these batches that are not stored here."""
        unknown = [name for name in names if name not in self._held]
        named = self._store.find_named(unknown)
        return [name for name, known in zip(unknown, named, strict=True) if not known]

    async def wait_for(self, names: tuple[bytes, ...], patience_s: float) -> bool:
        """Tell whether all these batches are stored, waiting a while until they are."""
        try:
            async with asyncio.timeout(patience_s):
                while self.find_missing(names):
                    await self._arrived.wait()
        except TimeoutError:
            return False
        return True

    def load(self, name: bytes, *, header_only: bool = False) -> bytes:
        """Return an encoded batch or only its signed header; b"" when it is unknown."""
        if header_only and name in self._held:
            return self._held[name]
        data = self._store.load_batch(name) or b""
        return split_signed_header(data)[1] if header_only else data

    async def put(self, batches: list[bytes]) -> None:
        """Return once the batches are durable; raises Overloaded, Unavailable, MalformedBytes."""
        size = sum(map(len, batches))
        if self._waiting_bytes + size > WAITING_BYTES_MAX:
            raise Overloaded("the store of batches")
        for batch in batches:
            BatchHeader.decode(split_signed_header(batch)[0])
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((batches, future))
        self._waiting_bytes += size
        self._changed.notify()
        await future

    async def run(self) -> None:
        """Write what waits, one synced write at a time, until cancelled."""
        while True:
            while not self._waiting:
                await self._changed.wait()
            # Whatever else has arrived by now comes along.
            await asyncio.sleep(0)
            group, size = [], 0
            while self._waiting and size < GROUP_BYTES_MAX:
                group.append(self._waiting.pop(0))
                size += sum(map(len, group[-1][0]))
            try:
                await self._write([batch for batches, _ in group for batch in batches])
            except (Overloaded, MalformedBytes, Unavailable) as error:
                _finish(group, error)
            else:
                _finish(group, None)
            self._waiting_bytes -= size

    def add_to(self, writes: Writes, batches: list[bytes]) -> dict[bytes, bytes]:
        """Add unknown batches to a write; return their signed headers by name."""
        headers = [split_signed_header(batch) for batch in batches]
        names = [compute_batch_name(header) for header, _ in headers]
        new: dict[bytes, bytes] = {}
        missing = set(self.find_missing(tuple(names)))
        for name, (_, signed), batch in zip(names, headers, batches, strict=True):
            if name in missing and name not in new:
                new[name] = signed
                writes.put(db.BATCHES, name, batch)
                writes.put(db.HELD, name, signed)
        return new

    def note(self, added: dict[bytes, bytes]) -> None:
        """Hold batches whose write is done."""
        for name, signed_header in added.items():
            self._note(name, signed_header)
        if added:
            self._arrived.notify()

    def add_named(self, writes: Writes, names: tuple[bytes, ...], height: int) -> None:
        """Add to a write that a final block names batches."""
        for name in names:
            writes.put(db.NAMED, name, height.to_bytes(8, "big"))
            writes.delete(db.HELD, name)

    def add_expired(self, writes: Writes, names: tuple[bytes, ...], height: int) -> list[bytes]:
        """Add the deletion of held batches that expired before `height`; return their names."""
        taken, expired = set(names), []
        while self._expiries and self._expiries[0][0] < height:
            _, name = heapq.heappop(self._expiries)
            if name in self._held and name not in taken:
                expired.append(name)
                writes.delete(db.BATCHES, name)
                writes.delete(db.HELD, name)
        return expired

    def forget(self, names: "tuple[bytes, ...] | list[bytes]") -> None:
        """Stop holding batches: a final block names them, or they expired."""
        for name in names:
            self._held.pop(name, None)

    async def _write(self, batches: list[bytes]) -> None:
        writes = Writes()
        added = self.add_to(writes, batches)
        if added:
            await self._writer.write(writes)
            self.note(added)

    def _note(self, name: bytes, signed_header: bytes) -> None:
        self._held[name] = signed_header
        header = BatchHeader.decode(split_signed_header(signed_header)[0])
        heapq.heappush(self._expiries, (header.expiry_height, name))


def _finish(
    group: list[tuple[list[bytes], "asyncio.Future[None]"]], error: Exception | None
) -> None:
    for _, future in group:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
