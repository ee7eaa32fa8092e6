"""How many client streams there may be, and how an error leaves a handler."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from grpc import aio

from quorate.core.errors import Overloaded, QuorateError
from quorate.kit import faults, metrics

# What a handler turns into a typed status; anything else is a bug and surfaces as one.
EXPECTED = (QuorateError, aio.AioRpcError)

Context = aio.ServicerContext[Any, Any]


class Streams:
    """Counts open client streams and refuses one too many."""

    def __init__(self, streams_max: int) -> None:
        self._open, self._max = 0, streams_max

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Take a place for as long as the stream lasts; raises Overloaded when there is none."""
        if self._open >= self._max:
            raise Overloaded("the gateway's set of streams", retry_after_ms=1_000)
        self._open += 1
        metrics.GATEWAY_STREAMS.set(self._open)
        try:
            yield
        finally:
            self._open -= 1
            metrics.GATEWAY_STREAMS.set(self._open)


async def fail(context: Context, error: Exception) -> NoReturn:
    """End a call with the typed status of an expected error."""
    if isinstance(error, aio.AioRpcError):
        error = faults.from_rpc_error(error)
    assert isinstance(error, QuorateError)
    await faults.abort(context, error)
