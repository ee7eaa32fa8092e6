"""Stage frames for gateways: what of this validator's own transactions is batched or dropped.

Each watcher has a bounded queue; one that reads too slowly is told so and attaches anew, and gets
the present stage of all unfinalized own batches then.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import Final

from quorate.api.gossip.v1 import gossip_pb2 as pb
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.core.errors import Overloaded
from quorate.core.gossip.executed import Dropped
from quorate.core.gossip.held import Held, HeldBatches

WATCHERS_MAX: Final = 64
WATCHER_BYTES_MAX: Final = 8 * 1024 * 1024
FRAME_OVERHEAD: Final = 64
GATHER_S: Final = 0.025


class _Watcher:
    def __init__(self) -> None:
        self.frames: list[tx.StageFrame] = []
        self.bytes = 0
        self.wake = asyncio.Event()


class StageFeed:
    """Tells all watchers."""

    def __init__(self, held: HeldBatches) -> None:
        self._held = held
        self._watchers: set[_Watcher] = set()

    def put_batched(self, held: Held) -> None:
        """Tell how many seats hold an own batch now."""
        if self._watchers and held.ids:
            self._put(self._build_batched(held))

    def put_dropped(self, dropped: Iterable[Dropped]) -> None:
        """Tell which own transactions will not be executed."""
        by_reason: dict[str, list[bytes]] = {}
        for id_, reason in dropped:
            by_reason.setdefault(reason, []).append(id_)
        for reason, ids in by_reason.items():
            self._put(tx.StageFrame(stage=tx.STAGE_DROPPED, ids=b"".join(ids), reason=reason))

    async def watch(self) -> AsyncGenerator[pb.WatchStagesResponse, None]:
        """Yield frames as they come; raises Overloaded when the reader is too slow."""
        if len(self._watchers) >= WATCHERS_MAX:
            raise Overloaded("the list of stage watchers", retry_after_ms=1_000)
        watcher = _Watcher()
        watcher.frames = [self._build_batched(h) for h in self._held.batches.values() if h.ids]
        if watcher.frames:
            watcher.wake.set()
        self._watchers.add(watcher)
        loop = asyncio.get_running_loop()
        told_s = 0.0
        try:
            while True:
                await watcher.wake.wait()
                # The first is told at once, those that follow it close behind come together.
                await asyncio.sleep(max(0.0, told_s + GATHER_S - loop.time()))
                told_s = loop.time()
                if watcher.bytes > WATCHER_BYTES_MAX:
                    raise Overloaded("the stage watcher's queue")
                frames, watcher.frames, watcher.bytes = watcher.frames, [], 0
                watcher.wake.clear()
                yield pb.WatchStagesResponse(frames=frames)
        finally:
            self._watchers.discard(watcher)

    def _build_batched(self, held: Held) -> tx.StageFrame:
        return tx.StageFrame(
            stage=tx.STAGE_BATCHED,
            ids=held.ids,
            holders=self._held.count(held),
            batch=held.name,
            holders_min=self._held.enough,
        )

    def _put(self, frame: tx.StageFrame) -> None:
        size = len(frame.ids) + FRAME_OVERHEAD
        for watcher in self._watchers:
            if watcher.bytes <= WATCHER_BYTES_MAX:
                watcher.bytes += size
                watcher.frames.append(frame)
                watcher.wake.set()
