"""The one table: core error → gRPC status + ErrorInfo → CLI exit code, and the way back."""

from typing import Any, Final, NoReturn, cast

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status

from quorate.core import errors

DOMAIN: Final = "quorate"
# Names of an error's own parameters, which a stranger's metadata must not fill in.
_NOT_FIELDS: Final = frozenset({"self", "message", "reason", "retry_after_ms"})
# When an overloaded server does not say when to come back.
_RETRY_MS: Final = 200

EXIT_OK: Final = 0
EXIT_FAILURE: Final = 1
EXIT_USAGE: Final = 2
EXIT_NOT_FOUND: Final = 3
EXIT_PRECONDITION: Final = 4
EXIT_UNREACHABLE: Final = 5
EXIT_TIMEOUT: Final = 6

# Most specific first: the first class that an error is an instance of gives its row.
TABLE: Final[tuple[tuple[type[errors.QuorateError], grpc.StatusCode, int], ...]] = (
    (errors.InvalidInput, grpc.StatusCode.INVALID_ARGUMENT, EXIT_USAGE),
    (errors.NotFound, grpc.StatusCode.NOT_FOUND, EXIT_NOT_FOUND),
    (errors.Overloaded, grpc.StatusCode.RESOURCE_EXHAUSTED, EXIT_UNREACHABLE),
    (errors.Unavailable, grpc.StatusCode.UNAVAILABLE, EXIT_UNREACHABLE),
    (errors.Rejected, grpc.StatusCode.FAILED_PRECONDITION, EXIT_PRECONDITION),
    (errors.RefusedToStart, grpc.StatusCode.FAILED_PRECONDITION, EXIT_PRECONDITION),
    (errors.QuorateError, grpc.StatusCode.UNKNOWN, EXIT_FAILURE),
)


def find_exit_code(error: errors.QuorateError) -> int:
    """Return the CLI exit code of an error."""
    return next(code for kind, _, code in TABLE if isinstance(error, kind))


async def abort(
    context: "grpc.aio.ServicerContext[Any, Any]", error: errors.QuorateError
) -> NoReturn:
    """End a call with the error's status, ErrorInfo and, when it says when, RetryInfo."""
    status = next(code for kind, code, _ in TABLE if isinstance(error, kind))
    details = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.fields())
    ]
    packed = [_pack(detail) for detail in details]
    if isinstance(error, errors.Overloaded | errors.NotYet):
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(error.retry_after_ms)
        packed.append(_pack(error_details_pb2.RetryInfo(retry_delay=delay)))
    proto = status_pb2.Status(code=status.value[0], message=error.message, details=packed)
    await context.abort_with_status(rpc_status.to_status(proto))
    raise AssertionError("abort returned")


def from_rpc_error(error: grpc.aio.AioRpcError) -> errors.QuorateError:
    """Return the core error that a failed call carries; Unavailable when it carries none."""
    status, message = error.code(), error.details() or ""
    reason, fields, retry_ms = "", {}, None
    try:
        proto = rpc_status.from_call(cast("grpc.Call", error))
    except (DecodeError, ValueError):
        proto = None  # details of a stranger: the status alone counts then
    for detail in proto.details if proto is not None else ():
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason = info.reason
            fields = {k: v for k, v in info.metadata.items() if k not in _NOT_FIELDS}
        elif detail.Unpack(retry):
            retry_ms = retry.retry_delay.ToMilliseconds()
    return _rebuild(status, message, reason, fields, retry_ms)


def _rebuild(
    status: grpc.StatusCode, message: str, reason: str, fields: dict[str, str], retry_ms: int | None
) -> errors.QuorateError:
    if status is grpc.StatusCode.RESOURCE_EXHAUSTED:
        wait_ms = _RETRY_MS if retry_ms is None else retry_ms
        return errors.Overloaded(fields.get("what", "the server"), retry_after_ms=wait_ms)
    if status is grpc.StatusCode.NOT_FOUND and retry_ms is not None:
        return errors.NotYet(message, reason=reason or None, retry_after_ms=retry_ms, **fields)
    kinds: dict[grpc.StatusCode, type[errors.QuorateError]] = {
        grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidTransaction,
        grpc.StatusCode.NOT_FOUND: errors.NotFound,
        grpc.StatusCode.FAILED_PRECONDITION: errors.Rejected,
        grpc.StatusCode.UNKNOWN: errors.QuorateError,
    }
    kind = kinds.get(status, errors.Unavailable)
    return kind(message or "no answer", reason=reason or None, **fields)


def _pack(message: error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
