"""Executed blocks for those who follow them: read by height at each one's own pace.

A subscriber pulls the next height whenever it has taken the one before: from the frames kept in
memory while it keeps up, from disk when it does not. Nothing is buffered per subscriber but a few
hints, of which a slow one loses the oldest.
"""

from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from typing import Final

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.core.blocks import compute_base_fee
from quorate.core.errors import Overloaded
from quorate.core.outcomes import OUTCOMES
from quorate.core.params import Params
from quorate.storage.chain import Chain

FRAMES_MAX: Final = 32
HINTS_MAX: Final = 256
SUBSCRIBERS_MAX: Final = 256

_OUTCOMES: Final = {code: tx.Outcome.ValueType(outcome) for code, (outcome, _) in OUTCOMES.items()}
_REASONS: Final = {code: reason for code, (_, reason) in OUTCOMES.items()}


class Feed:
    """Builds frames of executed blocks once, and passes hints on."""

    def __init__(self, chain: Chain, params: Params) -> None:
        self.chain, self._params = chain, params
        self._frames: OrderedDict[int, pb.WatchExecutedResponse] = OrderedDict()
        self._hints: list[deque[pb.WatchExecutedResponse]] = []
        self.subscribers = 0

    def hint(self, stage: tx.Stage.ValueType, height: int, names: bytes) -> None:
        """Tell all subscribers that a block at `height` names batches (packed names)."""
        if not names or not self._hints:
            return
        hint = pb.BatchesHint(stage=stage, height=height, names=names)
        for each in self._hints:
            each.append(pb.WatchExecutedResponse(hint=hint))
        self.chain.changed.notify()

    async def watch(self, from_height: int) -> AsyncIterator[pb.WatchExecutedResponse]:
        """Yield executed blocks from a height on (0: new ones) and hints; raises Overloaded."""
        hints: deque[pb.WatchExecutedResponse] = deque(maxlen=HINTS_MAX)
        self._hints.append(hints)
        try:
            async for height in self.iter_heights(from_height, hints):
                while hints:
                    yield hints.popleft()
                if height:
                    yield self.get_frame(height)
        finally:
            self._hints = [each for each in self._hints if each is not hints]

    async def iter_heights(
        self, from_height: int, hints: "deque[pb.WatchExecutedResponse] | tuple[()]" = ()
    ) -> AsyncIterator[int]:
        """Yield each executed height from `from_height` on, or 0 when only hints came."""
        if self.subscribers >= SUBSCRIBERS_MAX:
            raise Overloaded("the number of followers of blocks")
        self._count(1)
        try:
            first = self.chain.store.root.header.height + 1
            following = max(from_height, first) if from_height else self.chain.height + 1
            while not self.chain.closing:
                if following <= self.chain.height:
                    yield following
                    following += 1
                elif hints:
                    yield 0
                else:
                    await self.chain.changed.wait()
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        self.subscribers += change
        self.chain.changed.notify()

    def get_frame(self, height: int) -> pb.WatchExecutedResponse:
        """Return the frame of an executed block."""
        frame = self._frames.get(height)
        if frame is None:
            frame = self._build_frame(height)
            if height > self.chain.height - FRAMES_MAX:
                self._frames[height] = frame
                while len(self._frames) > FRAMES_MAX:
                    self._frames.popitem(last=False)
        return frame

    def _build_frame(self, height: int) -> pb.WatchExecutedResponse:
        block, receipts = (
            self.chain.store.get_block(height),
            self.chain.store.load_receipts(height),
        )
        executed = tx.ExecutedFrame(
            height=height,
            block=block.digest,
            ids=receipts.ids,
            positions=range(receipts.count),
            outcomes=[_OUTCOMES[code] for code in receipts.codes],
            fees=receipts.fees,
            reasons=[_REASONS[code] for code in receipts.codes],
        )
        return pb.WatchExecutedResponse(
            executed=executed,
            senders=receipts.senders,
            lanes=receipts.lanes,
            sequences=receipts.sequences,
            batches=b"".join(block.batches),
            base_fee=compute_base_fee(block.header.base_fee, block.header.weight, self._params),
            epoch=block.header.epoch,
        )
