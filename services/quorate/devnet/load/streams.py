"""The generator's two streams: chunks out with their answers, and executed frames in.

Both reconnect for as long as the run lasts. The submitting side never makes the clock wait: chunks
that the stream does not take any more (its peer stopped reading) count as refused for lack of room.
"""

import asyncio
from typing import Final, NamedTuple

import grpc

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.api.transaction.v1 import transaction_pb2_grpc
from quorate.devnet.load.book import ROOM_REASONS, Book, Senders
from quorate.devnet.load.presign import Signed

BAD_SENDER: Final = -1
_UNSENT_CHUNKS_MAX: Final = 512
_RECONNECT_S: Final = 0.1
_ID_BYTES: Final = 32


class Slot(NamedTuple):
    """One offered transfer: whose it is, its place among that sender's, when it was due."""

    sender: int
    place: int
    due_s: float
    signed: Signed


class Submitter:
    """Puts chunks on SubmitStream and notes the answers."""

    def __init__(self, book: Book, senders: Senders) -> None:
        self._book, self._senders = book, senders
        self._unsent: asyncio.Queue[tuple[int, list[Slot]]] = asyncio.Queue(_UNSENT_CHUNKS_MAX)
        self._unanswered: dict[int, list[Slot]] = {}
        self._number = 0
        self._now_s = asyncio.get_running_loop().time

    def enqueue(self, slots: list[Slot]) -> None:
        """Take a chunk to be sent; never blocks."""
        self._number += 1
        try:
            self._unsent.put_nowait((self._number, slots))
        except asyncio.QueueFull:
            self._refuse(slots)

    async def run(self, stub: "transaction_pb2_grpc.TransactionServiceAsyncStub") -> None:
        """Send until cancelled."""
        while True:
            call = stub.SubmitStream(wait_for_ready=True)
            parts = [asyncio.create_task(self._write(call)), asyncio.create_task(self._read(call))]
            try:
                await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            finally:
                call.cancel()
                for part in parts:
                    part.cancel()
                results = await asyncio.gather(*parts, return_exceptions=True)
            _raise_unexpected(results)
            # What this stream had not answered may be offered again, as any client would.
            while self._unanswered:
                self._refuse(self._unanswered.popitem()[1])
            await asyncio.sleep(_RECONNECT_S)

    async def _write(
        self, call: "grpc.aio.StreamStreamCall[pb.SubmitStreamRequest, pb.SubmitStreamResponse]"
    ) -> None:
        while True:
            number, slots = await self._unsent.get()
            self._unanswered[number] = slots
            raw = [slot.signed.raw for slot in slots]
            await call.write(pb.SubmitStreamRequest(chunk=number, transactions=raw))

    async def _read(
        self, call: "grpc.aio.StreamStreamCall[pb.SubmitStreamRequest, pb.SubmitStreamResponse]"
    ) -> None:
        async for answer in call:
            slots = self._unanswered.pop(answer.chunk, [])
            if answer.retry_after_ms:
                self._refuse(slots)
                continue
            for rejection in answer.rejections:
                slot = slots[rejection.index]
                if rejection.reason in ROOM_REASONS:
                    self._refuse([slot])
                else:
                    self._book.note_rejected(slot.signed.id, rejection.reason)

    def _refuse(self, slots: list[Slot]) -> None:
        now_s = self._now_s()
        for slot in slots:
            if slot.sender == BAD_SENDER:
                self._book.note_bad_unanswered(slot.signed.id)
            else:
                self._book.note_no_room(slot.signed.id, slot.due_s, now_s)
                self._senders.give_back(slot.sender, slot.place)


class Watcher:
    """Follows the senders on Watch and notes receipts and drops; resumes from its cursor."""

    def __init__(self, book: Book, senders: list[bytes], cursor: pb.Cursor) -> None:
        self._book, self._senders, self._cursor = book, senders, cursor
        self._now_s = asyncio.get_running_loop().time
        self.heard = asyncio.Event()

    async def run(self, stub: "transaction_pb2_grpc.TransactionServiceAsyncStub") -> None:
        """Follow until cancelled."""
        while True:
            request = pb.WatchRequest(
                senders=self._senders, cursor=self._cursor, executed_only=True
            )
            try:
                async for frame in stub.Watch(request, wait_for_ready=True):
                    self._note(frame)
            except grpc.aio.AioRpcError:
                await asyncio.sleep(_RECONNECT_S)

    def _note(self, frame: pb.WatchResponse) -> None:
        if frame.HasField("executed"):
            self._note_executed(frame.executed)
        elif frame.stage.stage == pb.STAGE_DROPPED:
            for id_ in split_ids(frame.stage.ids):
                self._book.note_dropped(id_, frame.stage.reason or "UNSPECIFIED")
        if frame.HasField("cursor"):
            self._cursor = frame.cursor
        self.heard.set()

    def _note_executed(self, frame: pb.ExecutedFrame) -> None:
        now_s, book = self._now_s(), self._book
        note, succeeded = book.note_executed, pb.OUTCOME_SUCCEEDED
        rows = zip(split_ids(frame.ids), frame.outcomes, frame.reasons, strict=True)
        for id_, outcome, reason in rows:
            if outcome == pb.OUTCOME_SKIPPED:
                book.skipped[reason] += 1  # not its end: its author takes it back
            else:
                note(id_, now_s, is_success=outcome == succeeded)


def split_ids(packed: bytes) -> list[bytes]:
    """Return the 32-byte ids of a packed column."""
    return [packed[at : at + _ID_BYTES] for at in range(0, len(packed), _ID_BYTES)]


def _raise_unexpected(results: "list[BaseException | None]") -> None:
    expected = grpc.aio.AioRpcError | asyncio.InvalidStateError | asyncio.CancelledError
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, expected):
            raise result
