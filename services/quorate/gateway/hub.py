"""Fans what happens to transactions out to those who follow them: one feed in, many watches out.

The executed feed is read once. A watch with a cursor first replays executed blocks from storage; it
joins the live feed, in one turn of the loop, when it has caught up: nothing is lost or comes twice.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Final

from grpc import aio

from quorate.api.ledger.v1.ledger_pb2 import GetReceiptRequest
from quorate.api.storage.v1.storage_pb2 import BatchesHint, WatchExecutedResponse
from quorate.api.transaction.v1.transaction_pb2 import (
    STAGE_BATCHED,
    STAGE_DROPPED,
    STAGE_RECEIVED,
    Cursor,
    Stage,
    StageFrame,
    WatchResponse,
)
from quorate.core.codec import split_hashes
from quorate.core.errors import Unavailable
from quorate.gateway.backends import Backend
from quorate.gateway.executed import ExecutedReader, find_head
from quorate.gateway.pending import Entry
from quorate.gateway.stages import StageTable
from quorate.gateway.watchers import END_OF_BLOCK, Hint, Watcher, WatcherIndex
from quorate.kit.tasks import Tasks

START_S: Final = 10.0
READ_S: Final = 2.0
CHECKS_MAX: Final = 1_000
Release = Callable[[Sequence[bytes], Sequence[bytes]], None]
"""Hears the ids of an executed block, and those that it skipped because of a gap."""
_GAP: Final = "SEQUENCE_GAP"
# A watch that nothing matches still hears, every so many blocks, where it may resume.
IDLE_BLOCKS: Final = 256


class Hub:
    """Knows stages and executed height; every watch hangs here."""

    def __init__(self, backends: Sequence[Backend], tasks: Tasks, first_height: int = 1) -> None:
        """`first_height` is that of the chain's first block after its root."""
        self.stages = StageTable()
        self._first_height = first_height
        self.height = 0
        self.base_fee = 0
        self._backends, self.tasks = backends, tasks
        self._index = WatcherIndex()
        self._started = asyncio.Event()
        self._checks = 0

    # The live feed

    async def run(self, release: Release) -> None:
        """Read the executed feed until cancelled; `release` hears of each block."""
        reader = ExecutedReader(self._backends, await self._find_start())
        self.height = reader.next_height - 1
        self._started.set()
        async with aclosing(reader.read()) as updates:
            async for update in updates:
                if update.HasField("executed"):
                    self._handle_executed(update, release)
                else:
                    self._handle_hint(update.hint)

    async def _find_start(self) -> int:
        while True:
            try:
                return await find_head(self._backends, timeout_s=READ_S) + 1
            except Unavailable:
                await asyncio.sleep(0.05)

    def _handle_executed(self, block: WatchExecutedResponse, release: Release) -> None:
        frame = block.executed
        ids = split_hashes(frame.ids, "executed ids")
        self.height, self.base_fee = frame.height, block.base_fee
        if self._index.watchers:
            senders = split_hashes(block.senders, "executed senders")
            for watcher, hits in self._index.match(ids, senders).items():
                response = watcher.select(block, hits)
                if response is not None:
                    watcher.push(response, 64 * len(hits))
            if frame.height % IDLE_BLOCKS == 0:
                self._move_idle_on()
        reasons = frame.reasons
        gaps = (
            [id_ for id_, why in zip(ids, reasons, strict=True) if why == _GAP]
            if _GAP in reasons
            else ()
        )
        release(ids, gaps)
        self.stages.set_executed(ids, split_hashes(block.batches, "executed batches"))

    def _move_idle_on(self) -> None:
        for watcher in self._index.watchers:
            if watcher.height < self.height:
                watcher.height, watcher.position = self.height, END_OF_BLOCK
            if watcher.sent_height + IDLE_BLOCKS <= self.height:
                watcher.sent_height = self.height
                watcher.push(WatchResponse(cursor=watcher.build_cursor()), 0)

    def _handle_hint(self, hint: BatchesHint) -> None:
        names = split_hashes(hint.names, "hint")
        ids = self.stages.raise_stage(names, hint.stage, hint.height)
        self.tell(Hint(hint.stage, hint.height), ids)

    # Earlier stages

    def tell(self, hint: Hint, ids: Sequence[bytes]) -> None:
        """Tell those who follow these transactions that they reached the hint's stage."""
        if not ids or not self._index.wants_hints:
            return
        senders = [self.stages.senders.get(id_, b"") for id_ in ids]
        for watcher, hits in self._index.match(ids, senders).items():
            if not watcher.executed_only:
                mine = ids if len(hits) == len(ids) else [ids[hit] for hit in hits]
                watcher.push_hint(hint, mine)

    def note_sender(self, id_: bytes, sender: bytes) -> None:
        """A transaction of this sender came in."""
        self.stages.add(id_, sender)

    def forget(self, id_: bytes) -> None:
        """A transaction that came in was refused."""
        self.stages.forget((id_,))

    def note_received(self, entries: Sequence[Entry]) -> None:
        """Transactions are in one validator's memory."""
        if self._index.wants_hints:
            self.tell(Hint(STAGE_RECEIVED), [entry.id for entry in entries])

    def note_batched(self, frame: StageFrame, ids: Sequence[bytes]) -> None:
        """A batch is durable at so many validators that it can't be lost."""
        if not self.stages.set_batched(frame.batch, ids):
            return
        self.tell(Hint(STAGE_BATCHED, holders=frame.holders), ids)
        # The feed may have told of the batch before its author did.
        for stage, height in self.stages.take_early(frame.batch):
            self.tell(Hint(stage, height), self.stages.raise_stage([frame.batch], stage, height))

    def note_dropped(self, ids: Sequence[bytes], reason: str) -> None:
        """Transactions will not be executed."""
        self.tell(Hint(STAGE_DROPPED, reason=reason), ids)
        self.stages.set_dropped(ids, reason)

    def note_refused(self, backend: Backend, id_: bytes, reason: str, *, must_check: bool) -> None:
        """A transaction that was accepted before was refused when sent again.

        Where its sequence was taken meanwhile, most likely it took it itself: only the receipt
        tells, and who sees neither receipt nor hint sends it again.
        """
        if not must_check:
            self.note_dropped((id_,), reason)
        elif self._checks < CHECKS_MAX:
            self._checks += 1
            self.tasks.start(self._check(backend, id_, reason), "check-receipt")

    async def _check(self, backend: Backend, id_: bytes, reason: str) -> None:
        try:
            await backend.ledger.GetReceipt(GetReceiptRequest(id=id_), timeout=READ_S)
        except aio.AioRpcError as error:
            if error.code().name == "NOT_FOUND":
                self.note_dropped((id_,), reason)
        finally:
            self._checks -= 1

    # Watches

    async def follow(
        self, watcher: Watcher, cursor: Cursor | None
    ) -> AsyncGenerator[WatchResponse, None]:
        """Yield a watch's frames: what lies after the cursor, then what happens, for ever.

        Raises Overloaded when the client reads too slowly, Unavailable when no validator answers.
        """
        await self.wait_started()
        try:
            if cursor is None:
                watcher.height, watcher.position = self.height, END_OF_BLOCK
                self._join(watcher)
            else:
                watcher.height, watcher.position = cursor.height, cursor.position
                async with aclosing(self._replay(watcher)) as frames:
                    async for frame in frames:
                        yield frame
            while True:
                for frame in await watcher.take():
                    yield frame
        finally:
            self._index.remove(watcher)

    async def wait_started(self) -> None:
        """Wait until the head is known; raises Unavailable when that takes too long."""
        try:
            await asyncio.wait_for(self._started.wait(), START_S)
        except TimeoutError as error:
            raise Unavailable("no validator answers") from error

    async def _replay(self, watcher: Watcher) -> AsyncGenerator[WatchResponse, None]:
        yield WatchResponse(cursor=watcher.build_cursor())
        at = watcher.height + (watcher.position == END_OF_BLOCK)
        reader = ExecutedReader(self._backends, max(at, self._first_height), gives_up=True)
        async with aclosing(reader.read()) as updates:
            while reader.next_height <= self.height:
                update = await anext(updates)
                if update.HasField("executed"):
                    ids = split_hashes(update.executed.ids, "executed ids")
                    senders = split_hashes(update.senders, "executed senders")
                    frame = watcher.select(update, watcher.match(ids, senders))
                    if frame is not None:
                        yield frame
            # No await between this comparison and joining: the next live block follows on.
            self._join(watcher)

    def _join(self, watcher: Watcher) -> None:
        self._index.add(watcher)
        watcher.sent_height = self.height
        watcher.push(WatchResponse(cursor=watcher.build_cursor()), 0)
        self._tell_present(watcher)

    def _tell_present(self, watcher: Watcher) -> None:
        if watcher.executed_only:
            return
        by_stage: dict[Stage.ValueType, list[bytes]] = {}
        for id_ in watcher.ids:
            stage = self.stages.find(id_)
            if stage:
                by_stage.setdefault(stage, []).append(id_)
        for stage, ids in sorted(by_stage.items()):
            watcher.push_hint(Hint(stage), ids)
