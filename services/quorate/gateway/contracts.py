"""ContractService: passed through to the validator that is furthest ahead, with failover.

What runs code (views, traces, checks) is bounded: so many at a time, each with one deadline over
all validators that are tried for it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

from google.protobuf.message import Message
from grpc import aio

from quorate.api.contract.v1 import contract_pb2 as pb
from quorate.api.contract.v1 import contract_pb2_grpc as rpc
from quorate.core.errors import InvalidInput, Overloaded, Unavailable
from quorate.gateway.backends import BACKOFF_S, BACKOFF_S_MAX, Backend
from quorate.gateway.executed import order_for_reading
from quorate.gateway.ledger import ELSEWHERE, ask_any
from quorate.gateway.limits import EXPECTED, Context, Streams, fail

RUNS_MAX: Final = 64
RUN_S: Final = 8.0
RETRY_MS: Final = 200
# Traced builds are the largest thing that is sent here.
REQUEST_BYTES_MAX: Final = 384 * 1024

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response")


class ContractServicer(rpc.ContractServiceServicer):
    """Reads contracts, and has calls run, at whichever validator can answer."""

    def __init__(self, backends: Sequence[Backend], streams: Streams) -> None:
        self._backends, self._streams, self._running = backends, streams, 0

    async def GetContract(
        self, request: pb.GetContractRequest, context: Context
    ) -> pb.GetContractResponse:
        """Read a contract and its interface."""
        return await _pass([b.GetContract for b in self._order()], request, context)

    async def GetCode(self, request: pb.GetCodeRequest, context: Context) -> pb.GetCodeResponse:
        """Read code by its hash."""
        return await _pass([b.GetCode for b in self._order()], request, context)

    async def ListContracts(
        self, request: pb.ListContractsRequest, context: Context
    ) -> pb.ListContractsResponse:
        """List contracts by address."""
        return await _pass([b.ListContracts for b in self._order()], request, context)

    async def ListState(
        self, request: pb.ListStateRequest, context: Context
    ) -> pb.ListStateResponse:
        """List records of a contract."""
        return await _pass([b.ListState for b in self._order()], request, context)

    async def ListChanges(
        self, request: pb.ListChangesRequest, context: Context
    ) -> pb.ListChangesResponse:
        """Compare a contract's state at two heights."""
        return await _pass([b.ListChanges for b in self._order()], request, context)

    async def GetDetail(
        self, request: pb.GetDetailRequest, context: Context
    ) -> pb.GetDetailResponse:
        """Read what contract payloads of a transaction did."""
        return await _pass([b.GetDetail for b in self._order()], request, context)

    async def ListEvents(
        self, request: pb.ListEventsRequest, context: Context
    ) -> pb.ListEventsResponse:
        """List events of a contract."""
        return await _pass([b.ListEvents for b in self._order()], request, context)

    async def GetRunner(
        self, request: pb.GetRunnerRequest, context: Context
    ) -> pb.GetRunnerResponse:
        """Tell how the contract-runner of that validator is doing."""
        return await _pass([b.GetRunner for b in self._order()], request, context)

    async def View(self, request: pb.ViewRequest, context: Context) -> pb.ViewResponse:
        """Call a method that changes nothing."""
        return await self._run([b.View for b in self._order()], request, context)

    async def Trace(self, request: pb.TraceRequest, context: Context) -> pb.TraceResponse:
        """Call a method and tell its steps."""
        return await self._run([b.Trace for b in self._order()], request, context)

    async def Check(self, request: pb.CheckRequest, context: Context) -> pb.CheckResponse:
        """Check a module as a deployment would."""
        return await self._run([b.Check for b in self._order()], request, context)

    async def WatchEvents(
        self, request: pb.WatchEventsRequest, context: Context
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        """Stream events; when a validator is lost, another goes on after the same place."""
        try:
            with self._streams.hold():
                wait_s, tried = BACKOFF_S, 0
                while True:
                    order = order_for_reading(self._backends)
                    if not order:
                        raise Unavailable("no validator answers")
                    source = order[tried % len(order)]
                    try:
                        call = source.contracts.WatchEvents(request)
                        async for response in call:
                            request.after.CopyFrom(response.cursor)
                            wait_s = BACKOFF_S
                            yield response
                            if source not in self._backends:
                                call.cancel()
                                break
                    except aio.AioRpcError as error:
                        if error.code() not in ELSEWHERE:
                            raise
                    tried += 1
                    await asyncio.sleep(wait_s)
                    wait_s = min(wait_s * 2, BACKOFF_S_MAX)
        except EXPECTED as error:
            await fail(context, error)

    def _order(self) -> "list[rpc.ContractServiceAsyncStub]":
        return [backend.contracts for backend in order_for_reading(self._backends)]

    async def _run(
        self,
        calls: "list[aio.UnaryUnaryMultiCallable[_Request, _Response]]",
        request: _Request,
        context: Context,
    ) -> _Response:
        try:
            with self._hold_place():
                _check_size(request)
                async with asyncio.timeout(RUN_S):
                    return await ask_any(calls, request, RUN_S)
        except TimeoutError:
            await fail(context, Unavailable(f"no validator has answered in {RUN_S:g} s"))
        except EXPECTED as error:
            await fail(context, error)

    @contextmanager
    def _hold_place(self) -> Iterator[None]:
        if self._running >= RUNS_MAX:
            raise Overloaded(
                "the gateway's set of calls that are not sent", retry_after_ms=RETRY_MS
            )
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1


async def _pass(
    calls: "list[aio.UnaryUnaryMultiCallable[_Request, _Response]]",
    request: _Request,
    context: Context,
) -> _Response:
    try:
        _check_size(request)
        return await ask_any(calls, request)
    except EXPECTED as error:
        await fail(context, error)


def _check_size(request: Message) -> None:
    if request.ByteSize() > REQUEST_BYTES_MAX:
        raise InvalidInput(f"a request has at most {REQUEST_BYTES_MAX} bytes", reason="OVERSIZED")
