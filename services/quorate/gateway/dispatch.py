"""Takes transactions in, gives each lane to one validator, and re-sends until it is executed.

A lane stays with its validator while anything of it is pending, so its order holds; when that
validator breaks or falls silent, the whole lane moves, oldest first. What is durable is sent again
only if a block skips it because of a gap, or nothing comes of it for long: its author may be gone.
Re-sending is safe: who holds an id accepts it again, and one effect is all an id can have.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from quorate.api.gossip.v1 import gossip_pb2
from quorate.api.transaction.v1.transaction_pb2 import (
    STAGE_BATCHED,
    STAGE_DROPPED,
    StageFrame,
)
from quorate.core.codec import split_hashes
from quorate.core.errors import InvalidTransaction, Overloaded
from quorate.core.genesis import Genesis
from quorate.gateway.backends import Backend
from quorate.gateway.outbox import OutChunk
from quorate.gateway.peek import Peeker
from quorate.gateway.pending import Entry, Lane, Pending, Refusal, Ticket, refuse_for_room
from quorate.gateway.rendezvous import compute_ranking
from quorate.gateway.spread import Spread
from quorate.kit import metrics

RETRY_MS: Final = 200
RETRY_UNAVAILABLE_MS: Final = 1_000
# A lane of which nothing was heard moves on: soon from a validator that makes no progress at all,
# late from a busy one, and each time later, so that overload is not multiplied.
QUIET_S: Final = 2.0
QUIET_BUSY_S: Final = 10.0
ATTEMPTS_MAX: Final = 5
DURABLE_S: Final = 20.0
OWNERS_MAX: Final = 100_000
SWEEP_S: Final = 0.5
SWEEP_SLICE: Final = 500

# Refusals of a re-sent transaction that time may heal, and those that mean it got through before.
_PASSING: Final = frozenset(
    {"MEMPOOL_FULL", "SENDER_FLOODS", "OVERLOADED", "SEQUENCE_FAR", "INSUFFICIENT_BALANCE"}
)
# A validator says so of what it had when it lost its seat: another one can batch it.
NO_SEAT: Final = "NO_SEAT"
_EVERYONE: Final = b"everyone"
_OVERTAKEN: Final = frozenset({"SEQUENCE_PAST", "SEQUENCE_TAKEN"})


class Sink(Protocol):
    """Who follows what becomes of transactions: the stage table and the watchers."""

    def note_sender(self, id_: bytes, sender: bytes) -> None:
        """A transaction of this sender came in."""

    def forget(self, id_: bytes) -> None:
        """A transaction that came in was refused."""

    def note_received(self, entries: Sequence[Entry]) -> None:
        """Transactions are in one validator's memory."""

    def note_refused(self, backend: Backend, id_: bytes, reason: str, *, must_check: bool) -> None:
        """A transaction that was accepted before was refused when sent again."""

    def note_batched(self, frame: StageFrame, ids: Sequence[bytes]) -> None:
        """A batch is durable at so many validators that it can't be lost."""

    def note_dropped(self, ids: Sequence[bytes], reason: str) -> None:
        """Transactions will not be executed."""


class Dispatcher:
    """Owns the pending transactions and where each lane goes."""

    def __init__(
        self, backends: Sequence[Backend], genesis: Genesis, pending: Pending, sink: Sink
    ) -> None:
        self._backends, self._pending, self._sink = backends, pending, sink
        self._peeker = Peeker(genesis)
        self._owners: dict[bytes, Backend] = {}
        self._owners_of: tuple[str, ...] = ()
        self._spread = Spread()

    @property
    def pending(self) -> Pending:
        """What is kept, for whoever explains it."""
        return self._pending

    def submit(self, raws: Sequence[bytes]) -> Ticket:
        """Take a chunk of encoded transactions in; the ticket resolves with the verdicts."""
        ticket = Ticket(len(raws))
        candidates = self._find_candidates()
        if not candidates:
            ticket.refuse_all(
                Refusal(
                    "UNAVAILABLE", "no validator with a seat answers", {}, RETRY_UNAVAILABLE_MS
                ),
                unavailable=True,
            )
        elif not self._pending.reserve(sum(map(len, raws)), len(raws)):
            ticket.refuse_all(refuse_for_room("the gateway", RETRY_MS))
        else:
            now_s = asyncio.get_running_loop().time()
            if self._spread.note(len(raws), now_s):
                self._owners.clear()
            for index, raw in enumerate(raws):
                self._take_in(Entry(raw, b"", _NOWHERE, ticket, index), candidates, now_s)
        return ticket

    def compute_id(self, raw: bytes) -> bytes:
        """Return the id of a transaction; raises InvalidTransaction when it has none."""
        return self._peeker.peek(raw)[0]

    def _take_in(self, entry: Entry, candidates: list[Backend], now_s: float) -> None:
        pending, raw = self._pending, entry.raw
        try:
            entry.id, key = self._peeker.peek(raw)
        except InvalidTransaction as error:
            pending.give_back(raw)
            entry.refuse(Refusal(error.reason, error.message, error.fields()))
            return
        lane = pending.lanes.get(key)
        if lane is None:
            lane = Lane(key, self._find_owner(key, candidates), now_s)
        entry.lane, backend = lane, lane.backend
        if backend is None or backend.outbox.is_full:
            pending.give_back(raw)
            entry.refuse(refuse_for_room("the queue of this lane's validator", RETRY_MS))
            return
        if pending.add(entry):
            self._sink.note_sender(entry.id, key[:-1])
        else:
            # The same id again: its validator answers this copy too, but nothing is kept twice.
            pending.give_back(raw)
        backend.outbox.put(entry)

    # Routing

    def _find_candidates(self) -> list[Backend]:
        now_s = asyncio.get_running_loop().time()
        ready = [backend for backend in self._backends if backend.is_candidate(now_s)]
        ready = [b for b in ready if b.is_voting()] or ready
        # Shunned ones are better than none.
        found = ready or [b for b in self._backends if b.is_candidate(float("inf"))]
        names = tuple([backend.name for backend in found])
        if names != self._owners_of or len(self._owners) > OWNERS_MAX:
            self._owners_of = names
            self._owners.clear()
        return found

    def _find_owner(self, key: bytes, candidates: list[Backend]) -> Backend:
        owner = self._owners.get(key)
        if owner is None:
            # The same few at every gateway, as long as they see the same validators and load.
            few = compute_ranking(_EVERYONE, self._owners_of)[: self._spread.active]
            names = [self._owners_of[index] for index in few]
            owner = candidates[few[compute_ranking(key, names)[0]]]
            self._owners[key] = owner
        return owner

    def _move(self, lane: Lane, now_s: float) -> None:
        """Send a whole lane to its next best validator, oldest first."""
        candidates = self._find_candidates()
        others = [backend for backend in candidates if backend is not lane.backend] or candidates
        if not others:
            # No attempt: the sweep gives it a place as soon as there is one.
            lane.backend = None
            return
        lane.active_at_s = now_s
        lane.attempts = min(lane.attempts + 1, ATTEMPTS_MAX)
        ranking = compute_ranking(lane.key, [backend.name for backend in others])
        # Attempts go round the ranking, so that a lane does not swing between two validators.
        lane.backend = others[ranking[(lane.attempts - 1) % len(ranking)]]
        metrics.GATEWAY_RESENT.inc(len(lane.entries))
        for entry in lane.entries.values():
            entry.is_resent = True
            lane.backend.outbox.put(entry)

    # What validators say

    def handle_up(self, backend: Backend) -> None:
        """Give the lanes that no validator had a place again."""
        now_s = asyncio.get_running_loop().time()
        for lane in list(self._pending.lanes.values()):
            if lane.backend is None:
                self._move(lane, now_s)

    def handle_down(self, backend: Backend) -> None:
        """Move every lane of a validator that was lost."""
        now_s = asyncio.get_running_loop().time()
        left = backend.outbox.clear()
        # Another one may come by its name.
        self._owners.clear()
        for lane in list(self._pending.lanes.values()):
            if lane.backend is backend:
                self._move(lane, now_s)
        for entry in left:
            # Copies of a kept id are not kept themselves: whoever sent one sends it again.
            if self._pending.entries.get(entry.id) is not entry:
                entry.refuse(refuse_for_room("this lane's validator", RETRY_MS))

    def handle_verdict(
        self, backend: Backend, chunk: OutChunk, answer: gossip_pb2.SubmitResponse
    ) -> None:
        """Pass the verdict on one chunk to those who sent its transactions."""
        entries: Sequence[Entry] = chunk.entries
        if answer.retry_after_ms:
            refusal = refuse_for_room(f"validator {backend.name}", answer.retry_after_ms)
            for entry in entries:
                self._handle_refusal(backend, entry, refusal)
            return
        if answer.rejections:
            refused = {rejection.index for rejection in answer.rejections}
            for rejection in answer.rejections:
                if rejection.index < len(entries):
                    fields = dict(rejection.fields)
                    wait_ms = RETRY_MS if rejection.reason == Overloaded.reason else 0
                    refusal = Refusal(rejection.reason, rejection.message, fields, wait_ms)
                    self._handle_refusal(backend, entries[rejection.index], refusal)
            entries = [entry for index, entry in enumerate(entries) if index not in refused]
        for entry in entries:
            entry.accept()
        self._sink.note_received(entries)

    def _handle_refusal(self, backend: Backend, entry: Entry, refusal: Refusal) -> None:
        is_kept = self._pending.entries.get(entry.id) is entry
        if is_kept and entry.lane.backend is not backend:
            # The lane moved meanwhile: the verdict of its present validator counts.
            return
        now_s = asyncio.get_running_loop().time()
        if refusal.reason == "ALREADY_EXECUTED" and entry.is_resent:
            # It got through before the validator that had it was lost.
            self._pending.remove(entry.id, now_s)
            entry.accept()
            return
        had_answer = not entry.refuse(refusal)
        if not is_kept or (had_answer and refusal.reason in _PASSING):
            return
        self._pending.remove(entry.id, now_s)
        if not had_answer:
            self._sink.forget(entry.id)
        else:
            # Accepted once and refused when sent again: its follower must hear of it.
            overtaken = refusal.reason in _OVERTAKEN
            self._sink.note_refused(backend, entry.id, refusal.reason, must_check=overtaken)

    def handle_stages(self, backend: Backend, frames: list[StageFrame]) -> None:
        """Let go of what is durable or dropped, and pass the news on."""
        for frame in frames:
            ids = split_hashes(frame.ids, "stage ids")
            if frame.stage == STAGE_BATCHED and 0 < frame.holders_min <= frame.holders:
                # At f+1 validators: at one honest validator at least.
                backend.progress_at_s = asyncio.get_running_loop().time()
                self._sink.note_batched(frame, ids)
                self._settle(ids)
            elif frame.stage == STAGE_DROPPED:
                ids = [id_ for id_ in ids if not self._is_elsewhere(id_, backend)]
                if frame.reason == NO_SEAT:
                    ids = self._hand_on(ids)
                self._sink.note_dropped(ids, frame.reason)
                self.release(ids)

    def _hand_on(self, ids: Sequence[bytes]) -> list[bytes]:
        """Move what a validator can't batch any more; return what is not kept here to be moved."""
        now_s = asyncio.get_running_loop().time()
        entries = [entry for id_ in ids if (entry := self._pending.entries.get(id_)) is not None]
        for lane in {entry.lane.key: entry.lane for entry in entries}.values():
            self._move(lane, now_s)
        kept = {entry.id for entry in entries}
        return [id_ for id_ in ids if id_ not in kept]

    def _is_elsewhere(self, id_: bytes, backend: Backend) -> bool:
        entry = self._pending.entries.get(id_)
        return entry is not None and entry.lane.backend is not backend

    # What becomes of them

    def handle_executed(self, ids: Sequence[bytes], gaps: Sequence[bytes]) -> None:
        """Let go of what a block executed; send what it skipped because of a gap again."""
        if gaps:
            skipped = set(gaps)
            ids = [id_ for id_ in ids if id_ not in skipped]
        self.release(ids)
        for id_ in gaps:
            self._send_again(id_)

    def release(self, ids: Sequence[bytes]) -> None:
        """Let go of transactions that are executed or dropped."""
        now_s = asyncio.get_running_loop().time()
        for id_ in ids:
            entry = self._pending.remove(id_, now_s)
            if entry is not None:
                entry.accept()

    def _settle(self, ids: Sequence[bytes]) -> None:
        now_s = asyncio.get_running_loop().time()
        for id_ in ids:
            entry = self._pending.settle(id_, now_s)
            if entry is not None:
                entry.accept()

    def _send_again(self, id_: bytes) -> None:
        """Send what was durable, or is under way, as if it had just come."""
        now_s = asyncio.get_running_loop().time()
        entry = self._pending.entries.get(id_) or self._settle_anew(id_, now_s)
        if entry is None:
            return
        lane, entry.is_resent = entry.lane, True
        # Who knows it as another's takes it without keeping it: soon the sweep asks once more.
        lane.active_at_s, lane.attempts = now_s, 0
        metrics.GATEWAY_RESENT.inc()
        if lane.backend is not None:
            lane.backend.outbox.put(entry)

    def _settle_anew(self, id_: bytes, now_s: float) -> Entry | None:
        entry = self._pending.unsettle(id_)
        if entry is not None:
            key, candidates = entry.lane.key, self._find_candidates()
            owner = self._find_owner(key, candidates) if candidates else None
            entry.lane = self._pending.lanes.get(key) or Lane(key, owner, now_s)
            self._pending.keep_again(entry)
        return entry

    async def sweep(self) -> None:
        """Move lanes of which nothing was heard for a while, until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SWEEP_S)
            for id_ in self._pending.list_overdue(clock() - DURABLE_S):
                self._send_again(id_)
            for number, lane in enumerate(list(self._pending.lanes.values())):
                if number % SWEEP_SLICE == SWEEP_SLICE - 1:
                    await asyncio.sleep(0)
                # A validator may be reachable before it knows its seat: then no lane got a place.
                is_homeless = lane.backend is None
                if lane.entries and (is_homeless or _is_quiet(lane, clock())):
                    self._move(lane, clock())


def _is_quiet(lane: Lane, now_s: float) -> bool:
    quiet_s = now_s - lane.active_at_s
    factor = 1 << lane.attempts
    if quiet_s < QUIET_S * factor:
        return False
    backend = lane.backend
    is_busy = backend is not None and now_s - backend.progress_at_s < QUIET_S
    return not is_busy or quiet_s >= QUIET_BUSY_S * factor


_NOWHERE: Final = Lane(b"", None, 0.0)
