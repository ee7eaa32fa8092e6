"""TransactionService: submit, watch, get, what it costs and why it waits; SimulationService."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final, NamedTuple

from quorate.api.ledger.v1.ledger_pb2 import GetReceiptRequest
from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.api.transaction.v1 import transaction_pb2_grpc
from quorate.core.codec import split_hashes
from quorate.core.errors import (
    InvalidInput,
    InvalidTransaction,
    NotFound,
    Overloaded,
    QuorateError,
    Rejected,
    Unavailable,
)
from quorate.core.values import HASH_BYTES
from quorate.gateway.dispatch import Dispatcher
from quorate.gateway.explaining import Explainer
from quorate.gateway.fees import Estimator
from quorate.gateway.hub import Hub
from quorate.gateway.ledger import Reads
from quorate.gateway.limits import EXPECTED, Context, Streams, fail
from quorate.gateway.pending import Refusal, Ticket
from quorate.gateway.watchers import Watcher
from quorate.kit import metrics, rpc

CHUNKS_INFLIGHT_MAX: Final = 64
CHUNK_TRANSACTIONS_MAX: Final = 4_096
CHUNK_BYTES_MAX: Final = 1024 * 1024
FOLLOWED_MAX: Final = 65_536
SIMULATIONS_MAX: Final = 32

# Refusals that hold in whatever state: the others may pass at another time.
_STATELESS: Final = frozenset(
    {
        "MALFORMED", "NON_CANONICAL", "OVERSIZED", "UNKNOWN_PAYLOAD", "UNKNOWN_SCHEME",
        "SIGNERS_DIFFER", "BAD_SIGNATURE", "AMOUNT_ZERO", "LANE_OUT_OF_RANGE", "OUT_OF_RANGE",
        "PAYLOAD_COUNT",
    }
)  # fmt: skip

_ACCEPTED: Final = metrics.GATEWAY_SUBMITTED.labels("accepted")
_REFUSED: Final = metrics.GATEWAY_SUBMITTED.labels("refused")

_Open = tuple[int, Ticket]


class Desks(NamedTuple):
    """Who answers about fees and obstacles."""

    estimator: Estimator
    explainer: Explainer


class TransactionServicer(transaction_pb2_grpc.TransactionServiceServicer):
    """Sends transactions to validators and follows them."""

    def __init__(
        self, dispatcher: Dispatcher, hub: Hub, reads: Reads, streams: Streams, desks: Desks
    ) -> None:
        self._dispatcher, self._hub, self._reads = dispatcher, hub, reads
        self._streams, self._desks = streams, desks

    async def Submit(self, request: pb.SubmitRequest, context: Context) -> pb.SubmitResponse:
        """Take one transaction; answers when a validator has judged it."""
        try:
            ticket = self._dispatcher.submit([request.transaction])
            await _wait(ticket, context)
            if ticket.refusals:
                raise _build_error(ticket.refusals[0], ticket)
            _ACCEPTED.inc()
            return pb.SubmitResponse(id=self._dispatcher.compute_id(request.transaction))
        except EXPECTED as error:
            await fail(context, error)

    async def SubmitStream(
        self, request_iterator: AsyncIterator[pb.SubmitStreamRequest], context: Context
    ) -> AsyncIterator[pb.SubmitStreamResponse]:
        """Take chunks; answers each in order, when all its transactions are judged."""
        # The queue's bound is what makes the stream stop reading when answers are slow.
        answers: asyncio.Queue[_Open | QuorateError | None] = asyncio.Queue(CHUNKS_INFLIGHT_MAX)
        reader = asyncio.ensure_future(self._take_chunks(request_iterator, answers))
        try:
            with self._streams.hold():
                while (item := await answers.get()) is not None:
                    if isinstance(item, QuorateError):
                        raise item
                    await item[1].wait()
                    yield _build_answer(*item)
        except EXPECTED as error:
            await fail(context, error)
        finally:
            reader.cancel()

    async def _take_chunks(
        self,
        requests: AsyncIterator[pb.SubmitStreamRequest],
        answers: "asyncio.Queue[_Open | QuorateError | None]",
    ) -> None:
        async for request in requests:
            raws = list(request.transactions)
            if len(raws) > CHUNK_TRANSACTIONS_MAX or sum(map(len, raws)) > CHUNK_BYTES_MAX:
                limits = f"{CHUNK_TRANSACTIONS_MAX} transactions, {CHUNK_BYTES_MAX} bytes"
                await answers.put(
                    InvalidInput(f"a chunk may hold {limits}", reason="CHUNK_TOO_LARGE")
                )
                return
            await answers.put((request.chunk, self._dispatcher.submit(raws)))
        await answers.put(None)

    async def Watch(
        self, request: pb.WatchRequest, context: Context
    ) -> AsyncIterator[pb.WatchResponse]:
        """Stream frames about ids and senders; first what lies after the cursor."""
        try:
            watcher = _build_watcher(request)
            cursor = request.cursor if request.HasField("cursor") else None
            with self._streams.hold():
                async with aclosing(self._hub.follow(watcher, cursor)) as frames:
                    async for frame in frames:
                        yield frame
        except EXPECTED as error:
            await fail(context, error)

    async def Get(self, request: pb.GetRequest, context: Context) -> pb.GetResponse:
        """Tell the receipt, or else the stage known here."""
        try:
            if len(request.id) != HASH_BYTES:
                raise InvalidInput("an id has 32 bytes", reason="MALFORMED_ID")
            try:
                answer = await self._reads.get_receipt(GetReceiptRequest(id=request.id))
            except NotFound:
                return pb.GetResponse(stage=self._hub.stages.find(request.id))
            return pb.GetResponse(stage=pb.STAGE_EXECUTED, receipt=answer.receipt)
        except EXPECTED as error:
            await fail(context, error)

    async def EstimateFee(
        self, request: pb.EstimateFeeRequest, context: Context
    ) -> pb.EstimateFeeResponse:
        """Tell fee limit and tip for one of the next blocks, and what they come of."""
        try:
            return await self._desks.estimator.estimate(request)
        except EXPECTED as error:
            await fail(context, error)

    async def Explain(self, request: pb.ExplainRequest, context: Context) -> pb.ExplainResponse:
        """Tell where a transaction stands and what blocks it."""
        try:
            return await self._desks.explainer.explain(request.id)
        except EXPECTED as error:
            await fail(context, error)


class SimulationServicer(transaction_pb2_grpc.SimulationServiceServicer):
    """Has transactions run on the latest state of some validator."""

    def __init__(self, reads: Reads) -> None:
        self._reads, self._running = reads, 0

    async def Simulate(self, request: pb.SimulateRequest, context: Context) -> pb.SimulateResponse:
        """Run a transaction without sending it."""
        try:
            if self._running >= SIMULATIONS_MAX:
                raise Overloaded("the gateway's set of dry runs", retry_after_ms=500)
            self._running += 1
            try:
                return await self._reads.simulate(request)
            finally:
                self._running -= 1
        except EXPECTED as error:
            await fail(context, error)


def _build_watcher(request: pb.WatchRequest) -> Watcher:
    ids, senders = frozenset(request.ids), frozenset(request.senders)
    if not ids and not senders:
        raise InvalidInput("name at least one id or sender to follow", reason="NOTHING_TO_FOLLOW")
    if len(ids) + len(senders) > FOLLOWED_MAX:
        raise InvalidInput(f"at most {FOLLOWED_MAX} ids and senders", reason="TOO_MANY_TO_FOLLOW")
    split_hashes(b"".join(ids), "ids to follow")
    if any(len(key) != HASH_BYTES for key in (*ids, *senders)):
        raise InvalidInput("ids and senders have 32 bytes", reason="MALFORMED_ID")
    return Watcher(ids, senders, executed_only=request.executed_only)


async def _wait(ticket: Ticket, context: Context) -> None:
    remaining_s = context.time_remaining()
    limit_s = rpc.DEADLINE_S if remaining_s is None else min(remaining_s, rpc.DEADLINE_S)
    try:
        await asyncio.wait_for(ticket.wait(), limit_s)
    except TimeoutError as error:
        raise Unavailable("no validator has answered yet", reason="NO_VERDICT") from error


def _build_answer(chunk: int, ticket: Ticket) -> pb.SubmitStreamResponse:
    refusals = ticket.refusals
    _ACCEPTED.inc(ticket.total - len(refusals))
    if not refusals:
        return pb.SubmitStreamResponse(chunk=chunk)
    _REFUSED.inc(len(refusals))
    if ticket.retry_after_ms:
        return pb.SubmitStreamResponse(chunk=chunk, retry_after_ms=ticket.retry_after_ms)
    return pb.SubmitStreamResponse(
        chunk=chunk,
        rejections=[
            pb.Rejection(
                index=index,
                reason=refusal.reason,
                message=refusal.message,
                fields=refusal.fields,
            )
            for index, refusal in sorted(refusals.items())
        ],
    )


def _build_error(refusal: Refusal, ticket: Ticket) -> QuorateError:
    _REFUSED.inc()
    if ticket.unavailable:
        return Unavailable(refusal.message)
    if refusal.retry_after_ms:
        return Overloaded("the gateway or a validator", retry_after_ms=refusal.retry_after_ms)
    kind = InvalidTransaction if refusal.reason in _STATELESS else Rejected
    fields = {k: v for k, v in refusal.fields.items() if k not in ("message", "reason")}
    return kind(refusal.message, reason=refusal.reason, **fields)
