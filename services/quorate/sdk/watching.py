"""A watch that resumes by itself: after a lost stream it goes on where it was, missing nothing."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Self

from grpc import aio

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.core.errors import Overloaded, Unavailable
from quorate.kit import faults
from quorate.sdk.values import Update, to_update

if TYPE_CHECKING:
    from quorate.api.transaction.v1.transaction_pb2_grpc import TransactionServiceAsyncStub

BACKOFF_S: Final = 0.05
BACKOFF_S_MAX: Final = 2.0

Cursor = tuple[int, int]


class Watch:
    """Updates about ids and senders; `async with` opens it, `async for` reads it.

    Once opened, whatever is executed from then on will come, also across reconnections; hints of
    earlier stages may be missed. `cursor` is the place to resume from in another process.
    """

    def __init__(self, stub: "TransactionServiceAsyncStub", request: pb.WatchRequest) -> None:
        self._stub, self._request = stub, request
        self._call: aio.UnaryStreamCall[pb.WatchRequest, pb.WatchResponse] | None = None
        self.cursor: Cursor | None = None
        if request.HasField("cursor"):
            self.cursor = (request.cursor.height, request.cursor.position)

    async def __aenter__(self) -> Self:
        """Open it; returns when the gateway follows. Raises the typed error of the first try."""
        await self._open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        if self._call is not None:
            self._call.cancel()

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> Update:
        """Return the next update; waits for ever. Raises what no reconnection can heal."""
        while True:
            update = to_update(await self._read())
            if update is not None:
                return update

    async def _open(self) -> None:
        if self.cursor is not None:
            height, position = self.cursor
            self._request.cursor.CopyFrom(pb.Cursor(height=height, position=position))
        call = self._stub.Watch(self._request)
        try:
            self._note(await call.read())
        except aio.AioRpcError as error:
            raise faults.from_rpc_error(error) from error
        self._call = call

    async def _read(self) -> pb.WatchResponse:
        wait_s = BACKOFF_S
        while True:
            try:
                if self._call is None:
                    await self._open()
                assert self._call is not None
                return self._note(await self._call.read())
            except aio.AioRpcError as error:
                lost = faults.from_rpc_error(error)
            except (Overloaded, Unavailable) as error:
                lost = error
            self._call = None
            if not isinstance(lost, Overloaded | Unavailable):
                raise lost
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, BACKOFF_S_MAX)

    def _note(self, response: object) -> pb.WatchResponse:
        if not isinstance(response, pb.WatchResponse):
            raise Unavailable("the gateway ended the watch")
        if response.HasField("cursor"):
            self.cursor = (response.cursor.height, response.cursor.position)
        return response


def build_request(
    ids: Sequence[bytes],
    senders: Sequence[bytes],
    cursor: Cursor | None,
    *,
    executed_only: bool,
) -> pb.WatchRequest:
    """Return the request of a watch; the cursor is (height, position)."""
    request = pb.WatchRequest(ids=ids, senders=senders, executed_only=executed_only)
    if cursor is not None:
        request.cursor.CopyFrom(pb.Cursor(height=cursor[0], position=cursor[1]))
    return request
