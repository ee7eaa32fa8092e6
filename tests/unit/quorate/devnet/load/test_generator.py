"""The generator against a gateway that keeps, refuses, forgets or breaks off, over real gRPC."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.api.transaction.v1 import transaction_pb2_grpc
from quorate.devnet.load.book import Book
from quorate.devnet.load.generator import Generator
from quorate.devnet.load.plan import Outcome, Plan
from quorate.devnet.load.presign import Signed

_SENDERS = 4


def _sign(sender: int, place: int) -> Signed:
    # The stand-in takes the id from the bytes: nothing here is about signatures.
    id_ = bytes([sender]) + place.to_bytes(4, "big") + bytes(27)
    return Signed(id_, id_)


class _Gateway(transaction_pb2_grpc.TransactionServiceServicer):
    """Executes what it accepts at once, in order per sender; does as told with chunks."""

    def __init__(self) -> None:
        self.executed: asyncio.Queue[bytes] = asyncio.Queue()
        self.refuse_chunks: set[int] = set()
        self.break_at_chunk = 0
        self.forget = 0
        self.order: dict[int, list[int]] = {}

    async def Submit(self, request: pb.SubmitRequest, context: Any) -> pb.SubmitResponse:
        raise NotImplementedError  # the generator sends chunks only

    async def SubmitStream(
        self, request_iterator: AsyncIterator[pb.SubmitStreamRequest], context: Any
    ) -> AsyncIterator[pb.SubmitStreamResponse]:
        async for request in request_iterator:
            if request.chunk == self.break_at_chunk:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
            if request.chunk in self.refuse_chunks:
                yield pb.SubmitStreamResponse(chunk=request.chunk, retry_after_ms=50)
                continue
            yield self._take(request)

    def _take(self, request: pb.SubmitStreamRequest) -> pb.SubmitStreamResponse:
        answer = pb.SubmitStreamResponse(chunk=request.chunk)
        for index, raw in enumerate(request.transactions):
            if raw[0] == 255:
                answer.rejections.add(index=index, reason="BAD_SIGNATURE")
                continue
            self.order.setdefault(raw[0], []).append(int.from_bytes(raw[1:5], "big"))
            if self.forget:
                self.forget -= 1
            else:
                self.executed.put_nowait(raw)
        return answer

    async def Watch(
        self, request: pb.WatchRequest, context: Any
    ) -> AsyncIterator[pb.WatchResponse]:
        while True:
            id_ = await self.executed.get()
            frame = pb.ExecutedFrame(height=7, ids=id_, positions=[0], fees=[1], reasons=[""])
            frame.outcomes.append(pb.OUTCOME_SUCCEEDED)
            yield pb.WatchResponse(executed=frame, cursor=pb.Cursor(height=7))

    async def Get(self, request: pb.GetRequest, context: Any) -> pb.GetResponse:
        return pb.GetResponse(stage=pb.STAGE_RECEIVED)


@asynccontextmanager
async def _serve(gateway: _Gateway) -> AsyncIterator[str]:
    server = grpc.aio.server()
    transaction_pb2_grpc.add_TransactionServiceServicer_to_server(gateway, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


async def _run(gateway: _Gateway, told: list[str] | None = None, **changes: Any) -> Outcome:
    async with _serve(gateway) as endpoint:
        options = {"rate_tps": 400, "duration_s": 0.4, "warmup_s": 0.1, "drain_s": 1.0, **changes}
        plan = Plan(endpoint=endpoint, **options)
        runs = [[_sign(sender, place) for place in range(100)] for sender in range(_SENDERS)]
        bad = [_sign(255, place) for place in range(20)]

        def tell(event: str, book: Book) -> None:
            if told is not None:
                told.append(event)

        return await Generator(plan, runs, bad).run([b"sender"], pb.Cursor(), tell)


async def test_every_slot_is_offered_and_executed_and_only_bad_ones_refused() -> None:
    told: list[str] = []
    outcome = await _run(_Gateway(), told)
    assert outcome.offered == 200
    assert outcome.bad_sent == 2
    assert outcome.executed == 198
    assert outcome.lost == 0
    assert outcome.are_only_bad_refused
    assert 0.0 < outcome.p50_ms <= outcome.p99_ms
    assert told[0] == "start"
    assert [each for each in told if each != "tick"] == ["start", "window", "closed", "drained"]


async def test_refused_chunk_is_offered_again_and_counted() -> None:
    gateway = _Gateway()
    gateway.refuse_chunks = {3}
    outcome = await _run(gateway, bad_per_mille=0)
    assert outcome.overloaded == 4
    assert outcome.lost == 0
    for places in gateway.order.values():
        assert sorted(places) == list(range(len(places))), "a gap was left behind"


async def test_forgotten_transfers_are_lost() -> None:
    gateway = _Gateway()
    gateway.forget = 3
    outcome = await _run(gateway, bad_per_mille=0)
    assert outcome.lost == 3


async def test_broken_stream_is_opened_again_and_its_chunks_are_offered_again() -> None:
    gateway = _Gateway()
    gateway.break_at_chunk = 5
    outcome = await _run(gateway, bad_per_mille=0, duration_s=0.8)
    assert outcome.lost == 0
    assert outcome.overloaded >= 4
    for places in gateway.order.values():
        assert sorted(set(places)) == list(range(len(set(places)))), "a gap was left behind"


async def test_gap_left_by_the_last_chunk_is_filled_after_the_schedule() -> None:
    gateway = _Gateway()
    gateway.refuse_chunks = {50}
    outcome = await _run(gateway, bad_per_mille=0)
    assert outcome.lost == 0
    assert outcome.executed == outcome.offered - outcome.overloaded == 200
