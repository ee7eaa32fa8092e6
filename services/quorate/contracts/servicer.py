"""Serves ContractsService: streams to children, checks to the compiler."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import grpc

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.api.contracts.v1 import contracts_pb2_grpc as rpc
from quorate.contracts.compiler import Compiler
from quorate.contracts.engine import PROFILES
from quorate.contracts.streams import Desk
from quorate.core.contracts.payloads import CODE_BYTES_MAX
from quorate.core.errors import InvalidInput, QuorateError
from quorate.kit.faults import abort


class ContractsServicer(rpc.ContractsServiceServicer):
    """Execution has a child of its own; views and traces share another."""

    def __init__(self, execution: Desk, views: Desk, compiler: Compiler) -> None:
        self._execution, self._views, self._compiler = execution, views, compiler

    async def Execute(
        self,
        request_iterator: AsyncIterator[pb.ExecuteRequest],
        context: grpc.aio.ServicerContext[pb.ExecuteRequest, pb.ExecuteResponse],
    ) -> AsyncIterator[pb.ExecuteResponse]:
        """Execute slices of one block."""
        try:
            async with aclosing(self._execution.relay(request_iterator)) as answers:
                async for answer in answers:
                    yield pb.ExecuteResponse(answer=answer)
        except QuorateError as error:
            await abort(context, error)

    async def View(
        self,
        request_iterator: AsyncIterator[pb.ViewRequest],
        context: grpc.aio.ServicerContext[pb.ViewRequest, pb.ViewResponse],
    ) -> AsyncIterator[pb.ViewResponse]:
        """Run a view or a dry run."""
        try:
            async with aclosing(self._views.relay(request_iterator)) as answers:
                async for answer in answers:
                    yield pb.ViewResponse(answer=answer)
        except QuorateError as error:
            await abort(context, error)

    async def Trace(
        self,
        request_iterator: AsyncIterator[pb.TraceRequest],
        context: grpc.aio.ServicerContext[pb.TraceRequest, pb.TraceResponse],
    ) -> AsyncIterator[pb.TraceResponse]:
        """Run one call and tell its steps."""
        try:
            async with aclosing(self._views.relay(request_iterator)) as answers:
                async for answer in answers:
                    yield pb.TraceResponse(answer=answer)
        except QuorateError as error:
            await abort(context, error)

    async def Check(
        self,
        request: pb.CheckRequest,
        context: grpc.aio.ServicerContext[pb.CheckRequest, pb.CheckResponse],
    ) -> pb.CheckResponse:
        """Check a module as a deployment would, and compile it."""
        try:
            if request.profile not in PROFILES:
                raise InvalidInput(f"no profile {request.profile}", reason="OUT_OF_RANGE")
            if len(request.code) > CODE_BYTES_MAX:
                raise InvalidInput(
                    f"code of {len(request.code)} bytes, at most {CODE_BYTES_MAX}",
                    reason="OVERSIZED",
                )
            return await self._compiler.check(request.code, request.profile)
        except QuorateError as error:
            await abort(context, error)
