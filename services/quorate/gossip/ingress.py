"""The node API of gossip: transactions of gateways in, verdicts and stages out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2 as pb
from quorate.api.gossip.v1 import gossip_pb2_grpc as rpc
from quorate.core.errors import InvalidInput, Overloaded, QuorateError, Rejected, Unavailable
from quorate.core.genesis import Genesis
from quorate.core.gossip.held import HeldBatches
from quorate.core.gossip.mempool import Mempool
from quorate.core.values import HASH_BYTES
from quorate.gossip.admission import Admission, Answer, Chunk
from quorate.gossip.batcher import Batcher
from quorate.gossip.fees import FeeDesk
from quorate.gossip.own_seat import OwnSeat
from quorate.gossip.peers import PeerTable
from quorate.gossip.stages import StageFeed
from quorate.kit.faults import abort
from quorate.kit.logs import get_logger

STREAMS_MAX: Final = 64
CHUNKS_MAX: Final = 8
CHUNK_BYTES_MAX: Final = 2 * 1024 * 1024
CHUNK_COUNT_MAX: Final = 4_096
RETRY_MS: Final = 250
NO_SEAT: Final = "NO_SEAT"

log = get_logger("gossip")
Context = aio.ServicerContext[Any, Any]
_Queue = asyncio.Queue[tuple[pb.SubmitRequest, Chunk | int] | QuorateError | None]


class Ingress(rpc.IngressServiceServicer):
    """Serves gateways."""

    def __init__(
        self, admission: Admission, batcher: Batcher, stages: StageFeed, held: HeldBatches
    ) -> None:
        self._admission, self._batcher, self._stages = admission, batcher, stages
        self._held = held
        self._streams = 0
        self.describer: Describer | None = None
        self.desk: FeeDesk | None = None
        self.seat: OwnSeat | None = None

    async def Submit(
        self, request_iterator: AsyncIterator[pb.SubmitRequest], context: Context
    ) -> AsyncIterator[pb.SubmitResponse]:
        """Take chunks; one answer per chunk, in order. Verifying runs ahead of deciding."""
        if self._streams >= STREAMS_MAX:
            await abort(context, Overloaded("the list of submit streams", retry_after_ms=1_000))
        self._streams += 1
        queue: _Queue = asyncio.Queue(CHUNKS_MAX)
        reading = asyncio.create_task(self._read(request_iterator, queue))
        try:
            while (item := await queue.get()) is not None:
                if isinstance(item, QuorateError):
                    await abort(context, item)
                yield await self._answer(*item)
        finally:
            self._streams -= 1
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            while not queue.empty():
                item = queue.get_nowait()
                if isinstance(item, tuple) and isinstance(item[1], Chunk):
                    item[1].close()

    async def WatchStages(
        self, request: pb.WatchStagesRequest, context: Context
    ) -> AsyncIterator[pb.WatchStagesResponse]:
        """Stream stages until the reader goes or is too slow."""
        try:
            async with contextlib.aclosing(self._stages.watch()) as frames:
                async for response in frames:
                    yield response
        except Overloaded as error:
            await abort(context, error)

    async def Describe(self, request: pb.DescribeRequest, context: Context) -> pb.DescribeResponse:
        """Tell who this is and how it does."""
        assert self.describer is not None, "the wiring sets it"
        return await self.describer.describe()

    async def ReportQueue(
        self, request: pb.ReportQueueRequest, context: Context
    ) -> pb.ReportQueueResponse:
        """Tell what waits here, and at which prices."""
        assert self.desk is not None, "the wiring sets it"
        return pb.ReportQueueResponse(report=self.desk.report())

    async def Locate(self, request: pb.LocateRequest, context: Context) -> pb.LocateResponse:
        """Tell where a transaction stands here, and what blocks it."""
        assert self.desk is not None, "the wiring sets it"
        try:
            return pb.LocateResponse(position=await self.desk.locate(request.id))
        except QuorateError as error:
            await abort(context, error)

    async def _read(self, requests: AsyncIterator[pb.SubmitRequest], queue: _Queue) -> None:
        async for request in requests:
            raws = list(request.transactions)
            error = self._check_chunk(raws)
            if error is not None:
                await queue.put(error)
                return
            chunk: Chunk | int = RETRY_MS
            if self.seat is not None and self.seat.number is not None:
                chunk = self._admission.reserve(raws)
            try:
                await queue.put((request, chunk))
            except asyncio.CancelledError:
                if isinstance(chunk, Chunk):
                    chunk.close()
                raise
        await queue.put(None)

    def _check_chunk(self, raws: list[bytes]) -> QuorateError | None:
        seat = self.seat
        if seat is not None and seat.is_told and seat.number is None:
            if not seat.key:
                return Rejected("an observer takes no transactions", reason="OBSERVER")
            return Rejected("this validator has no seat in this epoch", reason=NO_SEAT)
        if len(raws) > CHUNK_COUNT_MAX or sum(map(len, raws)) > CHUNK_BYTES_MAX:
            return InvalidInput(
                "the chunk is too large",
                reason="OVERSIZED",
                count_max=CHUNK_COUNT_MAX,
                size_bytes_max=CHUNK_BYTES_MAX,
            )
        return None

    async def _answer(self, request: pb.SubmitRequest, chunk: Chunk | int) -> pb.SubmitResponse:
        if isinstance(chunk, int):
            return pb.SubmitResponse(chunk=request.chunk, retry_after_ms=chunk)
        try:
            answer = await self._admission.decide(chunk)
        except (Overloaded, Unavailable) as error:
            log.info("a chunk could not be decided", why=error.message)
            return pb.SubmitResponse(chunk=request.chunk, retry_after_ms=RETRY_MS)
        finally:
            chunk.close()
        self._batcher.wake()
        for name in answer.batches:
            # It came again, so its sender may have missed that it is batched.
            held = self._held.batches.get(name)
            if held is not None:
                self._stages.put_batched(held)
        if chunk.places is None:
            return pb.SubmitResponse(
                chunk=request.chunk, rejections=answer.rejections, ids=answer.ids
            )
        return _build_partial(request, chunk.places, answer)


def _build_partial(
    request: pb.SubmitRequest, places: list[int], answer: Answer
) -> pb.SubmitResponse:
    """Return the answer to a chunk of which only those at `places` found somebody to look at them.

    They paid for it; the others are to come again.
    """
    ids = [bytes(HASH_BYTES)] * len(request.transactions)
    for place, at in zip(places, range(0, len(answer.ids), HASH_BYTES), strict=True):
        ids[place] = answer.ids[at : at + HASH_BYTES]
    response = pb.SubmitResponse(chunk=request.chunk, ids=b"".join(ids))
    for rejection in answer.rejections:
        rejection.index = places[rejection.index]
        response.rejections.append(rejection)
    looked_at = set(places)
    for place in range(len(ids)):
        if place not in looked_at:
            response.rejections.add(
                index=place,
                reason=Overloaded.reason,
                message=f"no room for what pays less; try again in {RETRY_MS} ms",
                fields={"retry_after_ms": str(RETRY_MS)},
            )
    return response


class Describer:
    """Puts together what this validator says of itself."""

    def __init__(
        self, node_id: bytes, genesis: Genesis, table: PeerTable, seat: OwnSeat, mempool: Mempool
    ) -> None:
        self._node_id, self._genesis = node_id, genesis
        self._table, self._seat, self._mempool = table, seat, mempool

    async def describe(self) -> pb.DescribeResponse:
        """Ask the engine and add what gossip knows."""
        status = await self._seat.get_status()
        return pb.DescribeResponse(
            node_id=self._node_id,
            seat=self._seat.number,
            seat_key=self._seat.key,
            epoch=self._seat.sets.epoch,
            domain=self._genesis.domain,
            peers=len(self._table.list_up()),
            view=status.view,
            engine=status.state,
            detail=status.detail,
            height=self._mempool.height,
            mempool_transactions=len(self._mempool.entries),
        )
