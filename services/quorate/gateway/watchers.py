"""Watchers: who follows which ids and senders, and the bounded buffer each one reads from."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from quorate.api.storage.v1.storage_pb2 import WatchExecutedResponse
from quorate.api.transaction.v1.transaction_pb2 import (
    Cursor,
    ExecutedFrame,
    Stage,
    StageFrame,
    WatchResponse,
)
from quorate.core.errors import Overloaded
from quorate.kit import metrics

FRAMES_MAX: Final = 1_024
BUFFER_BYTES_MAX: Final = 4 * 1024 * 1024
# Hints wait this long for others to travel with; what is executed never waits.
GATHER_S: Final = 0.02
# Position that stands behind every transaction of a block.
END_OF_BLOCK: Final = 0xFFFFFFFF


class Hint(NamedTuple):
    """What a stage frame tells beside its ids."""

    stage: "Stage.ValueType"
    height: int = 0
    holders: int = 0
    reason: str = ""


class Watcher:
    """One client stream: what it follows, where it is, and what it has not read yet."""

    __slots__ = (
        "_frames", "_hints", "_room", "_timer", "_wake", "error", "executed_only", "height",
        "ids", "position", "senders", "sent_height",
    )  # fmt: skip

    def __init__(
        self, ids: frozenset[bytes], senders: frozenset[bytes], *, executed_only: bool = False
    ) -> None:
        self.ids, self.senders, self.executed_only = ids, senders, executed_only
        # Everything up to (height, position) was sent or is in the buffer.
        self.height, self.position, self.sent_height = 0, END_OF_BLOCK, 0
        self.error: Overloaded | None = None
        self._frames: list[WatchResponse] = []
        self._hints: dict[Hint, list[bytes]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._room = BUFFER_BYTES_MAX
        self._wake = asyncio.Event()

    def push(self, frame: WatchResponse, size_bytes: int) -> None:
        """Buffer a frame; a full buffer ends the watch instead (it can be resumed)."""
        if self._hints:
            self._flush_hints()
        self._room -= size_bytes
        if self.error is None and (len(self._frames) >= FRAMES_MAX or self._room < 0):
            self.error = Overloaded("the buffer of this watch")
            metrics.GATEWAY_WATCHES_CLOSED.inc()
        if self.error is None:
            self._frames.append(frame)
        self._wake.set()

    def push_hint(self, hint: Hint, ids: Sequence[bytes]) -> None:
        """Gather a hint; hints of some milliseconds travel in one frame per stage."""
        self._room -= 32 * len(ids)
        if self._room < 0:
            # Hints may be left out: what is executed may not, and needs the room.
            self._hints.clear()
            return
        self._hints.setdefault(hint, []).extend(ids)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(GATHER_S, self._flush_hints)

    def _flush_hints(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # By stage: nobody hears of a later stage of a transaction first.
        for hint in sorted(self._hints):
            if len(self._frames) < FRAMES_MAX // 2:
                self._frames.append(_build_stage_frame(hint, self._hints[hint]))
        self._hints.clear()
        self._wake.set()

    async def take(self) -> list[WatchResponse]:
        """Return all buffered frames; waits for some. Raises Overloaded once it was too slow."""
        while not self._frames:
            if self.error is not None:
                raise self.error
            self._wake.clear()
            await self._wake.wait()
        frames, self._frames = self._frames, []
        self._room = BUFFER_BYTES_MAX
        return frames

    def select(self, block: WatchExecutedResponse, hits: Sequence[int]) -> WatchResponse | None:
        """Return the frame of a block's transactions at these positions, past the cursor."""
        height = block.executed.height
        if height < self.height:
            return None
        if height == self.height:
            positions = block.executed.positions
            hits = [hit for hit in hits if positions[hit] > self.position]
        self.height, self.position = height, END_OF_BLOCK
        if not hits:
            return None
        self.sent_height = height
        return WatchResponse(executed=_cut(block.executed, hits), cursor=self.build_cursor())

    def build_cursor(self) -> Cursor:
        """Return the place up to which everything is sent."""
        return Cursor(height=self.height, position=self.position)

    def match(self, ids: Sequence[bytes], senders: Sequence[bytes]) -> list[int]:
        """Return the indexes of those transactions that this watcher follows."""
        mine, theirs = self.ids, self.senders
        return [
            index
            for index, pair in enumerate(zip(ids, senders, strict=True))
            if pair[0] in mine or pair[1] in theirs
        ]


class WatcherIndex:
    """Finds the watchers of many transactions at once, at a cost that does not grow with both."""

    def __init__(self) -> None:
        self.watchers: dict[Watcher, None] = {}
        self._by_id: dict[bytes, list[Watcher]] = {}
        self._by_sender: dict[bytes, list[Watcher]] = {}
        self._hinted = 0

    def add(self, watcher: Watcher) -> None:
        """Begin to follow."""
        self.watchers[watcher] = None
        self._hinted += not watcher.executed_only
        for index, keys in ((self._by_id, watcher.ids), (self._by_sender, watcher.senders)):
            for key in keys:
                index.setdefault(key, []).append(watcher)

    def remove(self, watcher: Watcher) -> None:
        """Follow no more; nothing happens when it did not."""
        if self.watchers.pop(watcher, self) is self:
            return
        self._hinted -= not watcher.executed_only
        for index, keys in ((self._by_id, watcher.ids), (self._by_sender, watcher.senders)):
            for key in keys:
                index[key].remove(watcher)
                if not index[key]:
                    del index[key]

    def match(self, ids: Sequence[bytes], senders: Sequence[bytes]) -> dict[Watcher, list[int]]:
        """Return, per watcher, indexes of the transactions it follows, ascending."""
        hits: dict[Watcher, list[int]] = {}
        for index, keys in ((self._by_id, ids), (self._by_sender, senders)):
            if not index:
                continue
            for at, key in enumerate(keys):
                if key in index:
                    for watcher in index[key]:
                        hits.setdefault(watcher, []).append(at)
        for watcher, found in hits.items():
            if watcher.ids and watcher.senders:
                hits[watcher] = sorted(set(found))
        return hits

    @property
    def wants_hints(self) -> bool:
        """Some watcher follows earlier stages too."""
        return self._hinted > 0


def _build_stage_frame(hint: Hint, ids: Sequence[bytes]) -> WatchResponse:
    frame = StageFrame(
        stage=hint.stage,
        ids=b"".join(ids),
        holders=hint.holders,
        height=hint.height,
        reason=hint.reason,
    )
    return WatchResponse(stage=frame)


def _cut(frame: ExecutedFrame, hits: Sequence[int]) -> ExecutedFrame:
    if len(hits) == len(frame.positions):
        return frame
    ids, positions, outcomes = frame.ids, frame.positions, frame.outcomes
    fees, reasons = frame.fees, frame.reasons
    return ExecutedFrame(
        height=frame.height,
        block=frame.block,
        ids=b"".join([ids[32 * hit : 32 * hit + 32] for hit in hits]),
        positions=[positions[hit] for hit in hits],
        outcomes=[outcomes[hit] for hit in hits],
        fees=[fees[hit] for hit in hits],
        reasons=[reasons[hit] for hit in hits],
    )
