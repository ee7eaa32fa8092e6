"""What the gateway still answers for: by lane what is not durable yet, then what is not executed.

Durable is not the end: a block may skip a transaction because of a gap, or its batch may expire,
when its author, who would take it back, is gone.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from quorate.gateway.backends import Backend

# What an entry costs beside its bytes, so that tiny transactions count too.
ENTRY_BYTES: Final = 512
OVERDUE_MAX: Final = 512


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one transaction was refused; `retry_after_ms` is not 0 when only room was lacking."""

    reason: str
    message: str
    fields: Mapping[str, str] = field(default_factory=dict)
    retry_after_ms: int = 0


def refuse_for_room(what: str, retry_after_ms: int) -> Refusal:
    """Return the refusal of one transaction for lack of room."""
    message = f"{what} is full; try again in {retry_after_ms} ms"
    fields = {"retry_after_ms": str(retry_after_ms)}
    return Refusal("OVERLOADED", message, fields, retry_after_ms)


class Ticket:
    """The open answer to one client chunk: resolved when each transaction has its verdict."""

    __slots__ = ("_done", "left", "refusals", "total", "unavailable")

    def __init__(self, total: int) -> None:
        self.total = self.left = total
        self.refusals: dict[int, Refusal] = {}
        self.unavailable = False
        self._done: asyncio.Future[None] | None = None

    def accept(self) -> None:
        """Count one accepted transaction."""
        self.left -= 1
        if not self.left:
            self._resolve()

    def refuse(self, index: int, refusal: Refusal) -> None:
        """Count one refused transaction."""
        self.refusals[index] = refusal
        self.accept()

    def refuse_all(self, refusal: Refusal, *, unavailable: bool = False) -> None:
        """Refuse the whole chunk at once."""
        self.refusals = dict.fromkeys(range(self.total), refusal)
        self.left, self.unavailable = 0, unavailable
        self._resolve()

    @property
    def retry_after_ms(self) -> int:
        """Not 0 when the whole chunk was refused for lack of room."""
        if not self.total or len(self.refusals) < self.total:
            return 0
        waits = [refusal.retry_after_ms for refusal in self.refusals.values()]
        return max(waits) if min(waits) else 0

    async def wait(self) -> None:
        """Return when each transaction of the chunk has its verdict."""
        if self.left:
            self._done = asyncio.get_running_loop().create_future()
            await self._done

    def _resolve(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(None)


class Lane:
    """The pending transactions of one (sender, lane), oldest first, and who has them."""

    __slots__ = ("active_at_s", "attempts", "backend", "entries", "key")

    def __init__(self, key: bytes, backend: "Backend | None", now_s: float) -> None:
        self.key, self.backend = key, backend
        self.entries: dict[bytes, Entry] = {}
        # Last time something became of this lane, and how often it was sent elsewhere since.
        self.active_at_s, self.attempts = now_s, 0


class Entry:
    """One transaction on its way to a validator; `ticket` is set until its first verdict."""

    __slots__ = ("id", "index", "is_resent", "lane", "raw", "ticket")

    def __init__(
        self, raw: bytes, id_: bytes, lane: Lane, ticket: Ticket | None, index: int
    ) -> None:
        self.raw, self.id, self.lane, self.ticket, self.index = raw, id_, lane, ticket, index
        self.is_resent = False

    def accept(self) -> None:
        """Give the client the good answer, once."""
        ticket = self.ticket
        if ticket is not None:
            self.ticket = None
            ticket.accept()

    def refuse(self, refusal: Refusal) -> bool:
        """Give the client the refusal; False when it had its answer before."""
        ticket, self.ticket = self.ticket, None
        if ticket is None:
            return False
        ticket.refuse(self.index, refusal)
        return True


class Pending:
    """All entries by id, those not durable also by lane; within a bound of bytes."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes, self.bytes_max = 0, bytes_max
        self.entries: dict[bytes, Entry] = {}
        self.lanes: dict[bytes, Lane] = {}
        # Durable and not executed, with the time since when; the oldest first.
        self.durable: dict[bytes, tuple[Entry, float]] = {}

    def reserve(self, raw_bytes: int, count: int) -> bool:
        """Take room for a chunk before any work on it; False when there is none."""
        size = raw_bytes + count * ENTRY_BYTES
        if self.bytes + size > self.bytes_max:
            return False
        self.bytes += size
        return True

    def give_back(self, raw: bytes) -> None:
        """Give back the room of a transaction that is not kept."""
        self.bytes -= len(raw) + ENTRY_BYTES

    def add(self, entry: Entry) -> bool:
        """Keep an entry in its lane; False when its id is kept already."""
        if entry.id in self.entries or entry.id in self.durable:
            return False
        self._put(entry)
        return True

    def _put(self, entry: Entry) -> None:
        lane = entry.lane
        if not lane.entries:
            self.lanes[lane.key] = lane
        self.entries[entry.id] = lane.entries[entry.id] = entry

    def remove(self, id_: bytes, now_s: float) -> Entry | None:
        """Let go of an entry and its room; None when it is not kept."""
        entry = self._take(id_, now_s)
        if entry is None:
            entry, _ = self.durable.pop(id_, (None, 0.0))
        if entry is not None:
            self.give_back(entry.raw)
        return entry

    def settle(self, id_: bytes, now_s: float) -> Entry | None:
        """Note that an entry is durable: no lane needs it any more; None when it is not kept."""
        entry = self._take(id_, now_s)
        if entry is not None:
            self.durable[id_] = (entry, now_s)
        return entry

    def unsettle(self, id_: bytes) -> Entry | None:
        """Return an entry that was durable and is not kept any more; its room stays taken."""
        return self.durable.pop(id_, (None, 0.0))[0]

    def keep_again(self, entry: Entry) -> None:
        """Keep an entry that `unsettle` gave in its lane, as if it had just come."""
        self._put(entry)

    def list_overdue(self, before_s: float) -> list[bytes]:
        """Return the ids of what has been durable since before a time."""
        ids: list[bytes] = []
        for id_, (_, since_s) in self.durable.items():
            if since_s >= before_s or len(ids) >= OVERDUE_MAX:
                break
            ids.append(id_)
        return ids

    def _take(self, id_: bytes, now_s: float) -> Entry | None:
        entry = self.entries.pop(id_, None)
        if entry is None:
            return None
        lane = entry.lane
        del lane.entries[id_]
        lane.active_at_s, lane.attempts = now_s, 0
        if not lane.entries:
            self.lanes.pop(lane.key, None)
        return entry
