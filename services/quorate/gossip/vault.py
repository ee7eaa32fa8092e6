"""Makes batches durable in storage: what waits goes in one call, so one sync serves many."""

import asyncio
from typing import Final

from grpc import aio

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.api.storage.v1 import storage_pb2_grpc as rpc
from quorate.core.errors import QuorateError
from quorate.kit.faults import from_rpc_error
from quorate.kit.rpc import DEADLINE_S

GATHER_S: Final = 0.003
CALL_BYTES_MAX: Final = 4 * 1024 * 1024


class Vault:
    """Writes sealed batches; who puts one waits until it is synced."""

    def __init__(self, channel: aio.Channel) -> None:
        self._stub = rpc.StorageServiceStub(channel)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()

    async def put(self, encoded: bytes) -> None:
        """Return when the batch is durable; raises a QuorateError when storage does not take it."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((encoded, done))
        self._wake.set()
        await done

    async def run(self) -> None:
        """Write what waits until cancelled."""
        while True:
            await self._wake.wait()
            # A call costs four messages and a sync, however many batches it carries.
            await asyncio.sleep(GATHER_S)
            group = self._take_group()
            try:
                await self._stub.PutBatches(
                    pb.PutBatchesRequest(batches=[encoded for encoded, _ in group]),
                    timeout=DEADLINE_S,
                    wait_for_ready=True,
                )
            except aio.AioRpcError as error:
                _resolve(group, from_rpc_error(error))
            else:
                _resolve(group, None)

    def _take_group(self) -> list[tuple[bytes, asyncio.Future[None]]]:
        size = count = 0
        for encoded, _ in self._waiting:
            if count and size + len(encoded) > CALL_BYTES_MAX:
                break
            size += len(encoded)
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        if not self._waiting:
            self._wake.clear()
        return group


def _resolve(group: list[tuple[bytes, asyncio.Future[None]]], error: QuorateError | None) -> None:
    for _, done in group:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
