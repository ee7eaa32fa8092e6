"""Every error of the core travels over real gRPC and comes back as what it was."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc import aio
from grpc_status import rpc_status

from quorate.core import errors
from quorate.kit import faults

Handler = Callable[[bytes, Any], Awaitable[bytes]]

ERRORS: list[tuple[errors.QuorateError, type[errors.QuorateError], grpc.StatusCode, int]] = [
    (
        errors.InvalidTransaction("no", reason="AMOUNT_ZERO", index=3),
        errors.InvalidTransaction,
        grpc.StatusCode.INVALID_ARGUMENT,
        faults.EXIT_USAGE,
    ),
    (
        errors.MalformedAddress("x", "is short"),
        errors.InvalidInput,
        grpc.StatusCode.INVALID_ARGUMENT,
        faults.EXIT_USAGE,
    ),
    (
        errors.Rejected("late", reason="EXPIRED", height=9),
        errors.Rejected,
        grpc.StatusCode.FAILED_PRECONDITION,
        faults.EXIT_PRECONDITION,
    ),
    (
        errors.NotFound("no block"),
        errors.NotFound,
        grpc.StatusCode.NOT_FOUND,
        faults.EXIT_NOT_FOUND,
    ),
    (
        errors.NotYet("soon", reason="NOT_CLAIMED_YET", retry_after_ms=70, height=3),
        errors.NotYet,
        grpc.StatusCode.NOT_FOUND,
        faults.EXIT_NOT_FOUND,
    ),
    (
        errors.InvalidReceipt("no", reason="BAD_SIGNATURE", seat=3),
        errors.InvalidTransaction,
        grpc.StatusCode.INVALID_ARGUMENT,
        faults.EXIT_USAGE,
    ),
    (
        errors.Unavailable("down", reason="NO_VERDICT"),
        errors.Unavailable,
        grpc.StatusCode.UNAVAILABLE,
        faults.EXIT_UNREACHABLE,
    ),
    (
        errors.QuorateError("odd"),
        errors.QuorateError,
        grpc.StatusCode.UNKNOWN,
        faults.EXIT_FAILURE,
    ),
]


class Service:
    """One gRPC method whose behaviour a test sets."""

    def __init__(self) -> None:
        self.handler: Handler
        self.server = aio.server()
        method = grpc.unary_unary_rpc_method_handler(self._handle)
        generic = grpc.method_handlers_generic_handler("test.Service", {"Call": method})
        self.server.add_generic_rpc_handlers((generic,))
        self.port = self.server.add_insecure_port("127.0.0.1:0")

    async def _handle(self, request: bytes, context: Any) -> bytes:
        return await self.handler(request, context)

    async def fail(self, error: errors.QuorateError) -> aio.AioRpcError:
        """Return what a caller catches when the method aborts with this error."""

        async def handler(_: bytes, context: Any) -> bytes:
            await faults.abort(context, error)

        self.handler = handler
        return await self.call()

    async def call(self, timeout_s: float = 60.0) -> aio.AioRpcError:
        """Return what a caller catches."""
        async with aio.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            with pytest.raises(aio.AioRpcError) as caught:
                await channel.unary_unary("/test.Service/Call")(b"", timeout=timeout_s)
        return caught.value


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """Return a running service."""
    running = Service()
    await running.server.start()
    yield running
    await running.server.stop(None)


@pytest.mark.parametrize("row", ERRORS, ids=lambda row: type(row[0]).__name__)
async def test_an_error_comes_back_as_what_it_was(service: Service, row: Any) -> None:
    error, kind, code, exit_code = row
    caught = await service.fail(error)
    back = faults.from_rpc_error(caught)
    assert caught.code() is code
    assert isinstance(back, kind)
    assert (back.message, back.reason) == (error.message, error.reason)
    assert back.fields() == error.fields()
    assert faults.find_exit_code(error) == faults.find_exit_code(back) == exit_code


@pytest.mark.parametrize("retry_after_ms", [0, 1, 200, 999, 1_000, 3_500, 90_000])
async def test_overload_keeps_its_waiting_time(service: Service, retry_after_ms: int) -> None:
    error = errors.Overloaded("the mempool", retry_after_ms=retry_after_ms)
    back = faults.from_rpc_error(await service.fail(error))
    assert isinstance(back, errors.Overloaded)
    assert back.retry_after_ms == retry_after_ms
    assert back.message == error.message


async def test_fields_of_a_stranger_cannot_break_the_caller(service: Service) -> None:
    details = error_details_pb2.ErrorInfo(
        reason="EVIL", metadata={"message": "x", "reason": "y", "self": "z", "fine": "1"}
    )
    status = status_pb2.Status(code=9, message="no")
    status.details.add().Pack(details)

    async def handler(_: bytes, context: Any) -> bytes:
        return await context.abort_with_status(rpc_status.to_status(status))

    service.handler = handler
    back = faults.from_rpc_error(await service.call())
    assert isinstance(back, errors.Rejected)
    assert (back.reason, back.message, back.fields()) == ("EVIL", "no", {"fine": "1"})


async def test_details_that_do_not_parse_are_left_out(service: Service) -> None:
    async def handler(_: bytes, context: Any) -> bytes:
        context.set_trailing_metadata((("grpc-status-details-bin", b"\xff\xff\xff"),))
        return await context.abort(grpc.StatusCode.NOT_FOUND, "gone")

    service.handler = handler
    back = faults.from_rpc_error(await service.call())
    assert isinstance(back, errors.NotFound)
    assert back.message == "gone"


async def test_a_bug_of_the_server_is_no_typed_error(service: Service) -> None:
    async def handler(_: bytes, context: Any) -> bytes:
        raise ZeroDivisionError

    service.handler = handler
    back = faults.from_rpc_error(await service.call())
    assert type(back) is errors.QuorateError


async def test_a_missed_deadline_is_unavailable(service: Service) -> None:
    async def hang(_: bytes, context: Any) -> bytes:
        await asyncio.Event().wait()
        return b""

    service.handler = hang
    back = faults.from_rpc_error(await service.call(timeout_s=0.1))
    assert isinstance(back, errors.Unavailable)


async def test_nobody_there_is_unavailable() -> None:
    async with aio.insecure_channel("127.0.0.1:1") as channel:
        with pytest.raises(aio.AioRpcError) as caught:
            await channel.unary_unary("/test.Service/Call")(b"")
    assert isinstance(faults.from_rpc_error(caught.value), errors.Unavailable)


def test_every_error_of_the_tree_has_a_row() -> None:
    found = [errors.QuorateError]
    for kind in found:
        found.extend(kind.__subclasses__())
    for kind in found:
        assert any(issubclass(kind, row[0]) for row in faults.TABLE)
