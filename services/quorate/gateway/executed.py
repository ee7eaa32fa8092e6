"""Executed blocks in order from whichever validator can give them: no loss, no duplicates."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

import grpc
from grpc import aio

from quorate.api.ledger.v1.ledger_pb2 import GetBlockRequest
from quorate.api.storage.v1.storage_pb2 import WatchExecutedRequest, WatchExecutedResponse
from quorate.core.errors import Unavailable
from quorate.gateway.backends import SILENCE_S, Backend
from quorate.kit import faults
from quorate.kit.logs import get_logger

BACKOFF_S: Final = 0.05
BACKOFF_S_MAX: Final = 1.0
_GUARD_S: Final = 0.5

# What says something about the request rather than about the validator.
_LASTING: Final = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
)

_log = get_logger("gateway")


def order_for_reading(backends: Sequence[Backend]) -> list[Backend]:
    """Return the validators of this chain, furthest ahead first, unreachable ones last."""
    known = [backend for backend in backends if backend.is_known and not backend.is_foreign]
    return sorted(known, key=lambda backend: (backend.is_up, backend.height), reverse=True)


class ExecutedReader:
    """Reads executed blocks from `next_height` on, one validator at a time, with failover."""

    def __init__(
        self, backends: Sequence[Backend], next_height: int, *, gives_up: bool = False
    ) -> None:
        self._backends, self._gives_up = backends, gives_up
        self.next_height = next_height
        self._tries: dict[str, int] = {}
        self._heard_at_s = 0.0
        self._is_stalled = False
        self._refusals: dict[str, aio.AioRpcError] = {}

    async def read(self) -> AsyncGenerator[WatchExecutedResponse, None]:
        """Yield blocks with consecutive heights, and hints as they come.

        Raises the typed error of the validators when all of them refuse and `gives_up`;
        otherwise goes on for ever.
        """
        wait_s = BACKOFF_S
        while True:
            source = self._choose()
            if source is not None:
                before = self.next_height
                self._tries[source.name] = self._tries.get(source.name, 0) + 1
                try:
                    async with aclosing(self._read_from(source)) as updates:
                        async for update in updates:
                            yield update
                except aio.AioRpcError as error:
                    self._note_failure(source, error)
                if self.next_height > before:
                    wait_s = BACKOFF_S
                    self._refusals.clear()
                    self._tries = {source.name: 1}
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, BACKOFF_S_MAX)

    def _choose(self) -> Backend | None:
        # Whoever failed least since the last block; among those, whoever is furthest ahead.
        ready = order_for_reading(self._backends)
        return min(ready, key=lambda backend: self._tries.get(backend.name, 0), default=None)

    def _note_failure(self, source: Backend, error: aio.AioRpcError) -> None:
        _log.info("executed feed lost", validator=source.name, code=error.code().name)
        if error.code() in _LASTING:
            self._refusals[source.name] = error
        if self._gives_up and len(self._refusals) >= len(order_for_reading(self._backends)):
            raise faults.from_rpc_error(error) from error

    async def _read_from(self, source: Backend) -> AsyncGenerator[WatchExecutedResponse, None]:
        call = source.executed.WatchExecuted(WatchExecutedRequest(from_height=self.next_height))
        loop = asyncio.get_running_loop()
        self._is_stalled, self._heard_at_s = False, loop.time()
        guard = asyncio.ensure_future(self._guard(source, call))
        try:
            async for update in call:
                self._heard_at_s = loop.time()
                if not update.HasField("executed"):
                    yield update
                    continue
                height = update.executed.height
                if height > self.next_height:
                    _log.warning("executed feed has a gap", validator=source.name, height=height)
                    return
                if height == self.next_height:
                    self.next_height += 1
                    source.executed_height = max(source.executed_height, height)
                    yield update
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._is_stalled or (task is not None and task.cancelling()):
                raise
        finally:
            guard.cancel()
            call.cancel()

    async def _guard(
        self,
        source: Backend,
        call: "aio.UnaryStreamCall[WatchExecutedRequest, WatchExecutedResponse]",
    ) -> None:
        # A validator that hangs, lags while others go on, or is no longer behind this gateway is
        # left for another.
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_GUARD_S)
            best = max([b.height for b in order_for_reading(self._backends)], default=0)
            is_silent = loop.time() - self._heard_at_s > SILENCE_S and best >= self.next_height
            if is_silent or source not in self._backends:
                _log.warning("executed feed left", validator=source.name, is_silent=is_silent)
                self._is_stalled = True
                call.cancel()
                return


async def find_head(backends: Sequence[Backend], *, timeout_s: float) -> int:
    """Return the highest executed height that a validator answers with; raises Unavailable."""
    for backend in order_for_reading(backends):
        try:
            answer = await backend.ledger.GetBlock(GetBlockRequest(), timeout=timeout_s)
        except aio.AioRpcError:
            continue
        return answer.block.height
    raise Unavailable("no validator answers")
