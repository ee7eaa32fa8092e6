"""What waits for one validator, and what it has not answered: bounded, coalesced, in order."""

import asyncio
from collections import deque
from typing import Final

from quorate.gateway.pending import Entry

# What waits for a validator and its verdicts, in all: about a second of what it batches when the
# network is full. More would only be refused later; so overload is answered at once.
WAITING_BYTES_MAX: Final = 256 * 1024
INFLIGHT_MAX: Final = 16
CHUNK_BYTES_MAX: Final = 256 * 1024
CHUNK_ENTRIES_MAX: Final = 1_000
# What arrives within this time of the message before travels in one message: a gRPC message costs
# the same whatever its size, on both sides.
GATHER_S: Final = 0.02
GATHER_BYTES: Final = 64 * 1024


class OutChunk:
    """One message to a validator: its number, its transactions, and when it was sent."""

    __slots__ = ("entries", "number", "sent_at_s", "size_bytes")

    def __init__(self, number: int, entries: list[Entry], sent_at_s: float) -> None:
        self.number, self.entries, self.sent_at_s = number, entries, sent_at_s
        self.size_bytes = sum([len(entry.raw) for entry in entries])


class Outbox:
    """The queue of one validator's submit stream."""

    def __init__(self) -> None:
        self.queued_bytes = self._inflight_bytes = 0
        self._queue: deque[Entry] = deque()
        self._inflight: deque[OutChunk] = deque()
        self._numbers = 0
        self._taken_at_s = 0.0
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Nothing more should be put in until the validator takes some."""
        return self.queued_bytes + self._inflight_bytes > WAITING_BYTES_MAX

    def put(self, entry: Entry) -> None:
        """Queue one transaction behind all others."""
        self._queue.append(entry)
        self.queued_bytes += len(entry.raw)
        self._wake.set()

    async def take(self) -> OutChunk:
        """Return the next chunk to write; waits for content, and for room in flight."""
        loop = asyncio.get_running_loop()
        while True:
            self._answered.clear()
            if len(self._inflight) >= INFLIGHT_MAX:
                await self._answered.wait()
            elif not self._queue:
                self._wake.clear()
                await self._wake.wait()
                # Whoever submits in the same turn of the loop comes along.
                await asyncio.sleep(0)
            else:
                break
        early_s = self._taken_at_s + GATHER_S - loop.time()
        if early_s > 0 and self.queued_bytes < GATHER_BYTES:
            await asyncio.sleep(early_s)
        self._taken_at_s = loop.time()
        chunk = OutChunk(self._numbers, self._cut(), loop.time())
        self._numbers += 1
        self._inflight.append(chunk)
        self._inflight_bytes += chunk.size_bytes
        return chunk

    def match(self, number: int) -> OutChunk | None:
        """Return the chunk that is answered; None when answers come out of order."""
        if not self._inflight or self._inflight[0].number != number:
            return None
        self._answered.set()
        chunk = self._inflight.popleft()
        self._inflight_bytes -= chunk.size_bytes
        return chunk

    def is_silent(self, now_s: float, limit_s: float) -> bool:
        """Tell whether the oldest chunk has waited longer than the limit for its answer."""
        return bool(self._inflight) and now_s - self._inflight[0].sent_at_s > limit_s

    def clear(self) -> list[Entry]:
        """Empty it; returns all that was not answered, oldest first."""
        left = [entry for chunk in self._inflight for entry in chunk.entries]
        left.extend(self._queue)
        self._inflight.clear()
        self._queue.clear()
        self.queued_bytes = self._inflight_bytes = 0
        return left

    def _cut(self) -> list[Entry]:
        queue, size = self._queue, 0
        entries: list[Entry] = []
        while queue and len(entries) < CHUNK_ENTRIES_MAX and size < CHUNK_BYTES_MAX:
            entry = queue.popleft()
            size += len(entry.raw)
            entries.append(entry)
        self.queued_bytes -= size
        return entries
