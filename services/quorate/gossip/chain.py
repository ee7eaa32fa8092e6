"""Follows storage: executed blocks move the mempool and finish batches; state is read on demand.

After a break the stream goes on from the last height seen, so nothing is missed.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import grpc
from grpc import aio

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.api.storage.v1 import storage_pb2_grpc as rpc
from quorate.core.codec import split_hashes
from quorate.core.epochs import EpochStart
from quorate.core.gossip.executed import Dropped, ExecutedBlock
from quorate.core.gossip.held import Held, HeldBatches
from quorate.core.gossip.mempool import Mempool
from quorate.core.state import decode_account, decode_idempotency
from quorate.kit import metrics
from quorate.kit.faults import from_rpc_error
from quorate.kit.logs import get_logger
from quorate.kit.rpc import DEADLINE_S

RETRY_S: Final = 0.05
RETRY_S_MAX: Final = 1.0
SLICE: Final = 512

log = get_logger("gossip")


class Outcome(NamedTuple):
    """What a block did to what is kept here: batches it executed, and names that are over."""

    height: int
    dropped: list[Dropped]
    executed: list[Held]
    finished: list[bytes]


class ChainFollower:
    """Keeps the mempool at storage's executed height."""

    def __init__(self, channel: aio.Channel, mempool: Mempool, held: HeldBatches) -> None:
        self._state = rpc.StorageServiceStub(channel)
        self._executed = rpc.ExecutedServiceStub(channel)
        self._mempool, self._held = mempool, held
        self.on_block: Callable[[Outcome], None] = lambda outcome: None
        # Takes in the signed headers of batches that were durable before this start.
        self.on_open: Callable[[Sequence[bytes]], None] = lambda signed_headers: None
        # Takes what storage knows of the epochs, for as long as no engine has told.
        self.on_epochs: Callable[[int, Sequence[bytes]], None] = lambda epoch, sets: None
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled."""
        retry_s = RETRY_S
        while True:
            try:
                if not self.ready.is_set():
                    await self._start_from_head()
                async for response in self._executed.WatchExecuted(
                    pb.WatchExecutedRequest(from_height=self._mempool.height + 1),
                    wait_for_ready=True,
                ):
                    retry_s = RETRY_S
                    if response.HasField("executed"):
                        await self._apply(response)
            except aio.AioRpcError as error:
                log.info("storage went away", code=error.code().name, detail=error.details())
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    # What comes next is pruned there: go on from the head.
                    self.ready.clear()
            await asyncio.sleep(retry_s)
            retry_s = min(retry_s * 2, RETRY_S_MAX)

    async def _start_from_head(self) -> None:
        response = await self._state.ReadState(pb.ReadStateRequest(), wait_for_ready=True)
        self._mempool.forget_accounts(response.height, response.base_fee)
        chain = await self._state.OpenChain(pb.OpenChainRequest(), wait_for_ready=True)
        self.on_epochs(EpochStart.decode(chain.epoch_start).epoch, chain.sets)
        self.on_open(list(chain.held_headers))
        self.ready.set()
        log.info("following storage", height=self._mempool.height, held=len(chain.held_headers))

    async def read_state(
        self, senders: Sequence[bytes], keys: Sequence[bytes]
    ) -> dict[bytes, bytes]:
        """Read accounts into the mempool; returns payload hashes by idempotency key that is used.

        Raises a QuorateError when storage can't be reached.
        """
        mempool = self._mempool
        request = pb.ReadStateRequest(addresses=b"".join(senders), idempotency_keys=keys)
        while True:
            try:
                response = await self._state.ReadState(
                    request, timeout=DEADLINE_S, wait_for_ready=True
                )
            except aio.AioRpcError as error:
                raise from_rpc_error(error) from error
            # Blocks applied here meanwhile would be missing from an older reading.
            if response.height >= mempool.height:
                break
        for sender, record in zip(senders, response.accounts, strict=True):
            account = decode_account(record)
            mempool.put_account(sender, account.balance, account.lanes.items(), response.height)
        return {
            key: decode_idempotency(record).payload_hash
            for key, record in zip(keys, response.idempotency, strict=True)
            if record
        }

    async def read_mark(self, epoch: int, seat: int) -> tuple[int, bytes]:
        """Return the present epoch and the mark of a seat; raises AioRpcError."""
        request = pb.ReadStateRequest(accused=[pb.SeatOfEpoch(epoch=epoch, seat=seat)])
        response = await self._state.ReadState(request, timeout=DEADLINE_S)
        return response.epoch, response.marks[0]

    async def _apply(self, response: pb.WatchExecutedResponse) -> None:
        block = _decode(response)
        mempool = self._mempool
        before = mempool.height
        if block.height <= before:
            return
        mempool.begin_block(block)
        dropped: list[Dropped] = []
        for start in range(0, len(block.ids), SLICE):
            with metrics.measure_stage("admit"):
                dropped += mempool.apply_executed(block, start, start + SLICE)
            await asyncio.sleep(0)
        with metrics.measure_stage("admit"):
            dropped += mempool.expire(before)
            names = split_hashes(response.batches, "executed batches")
            executed = [held for name in names if (held := self._held.finish(name)) is not None]
            expired = self._held.expire(block.height, response.epoch)
            for held in (*executed, *expired):
                mempool.finish_batch(held)
            finished = names + [held.name for held in expired]
        metrics.MEMPOOL_BYTES.set(mempool.bytes)
        metrics.MEMPOOL_TRANSACTIONS.set(len(mempool.entries))
        self.on_block(Outcome(block.height, dropped, executed, finished))


def _decode(response: pb.WatchExecutedResponse) -> ExecutedBlock:
    executed = response.executed
    return ExecutedBlock(
        height=executed.height,
        base_fee=response.base_fee,
        ids=split_hashes(executed.ids, "executed ids"),
        senders=split_hashes(response.senders, "executed senders"),
        lanes=list(response.lanes),
        sequences=list(response.sequences),
        outcomes=list(executed.outcomes),
        fees=list(executed.fees),
        reasons=list(executed.reasons),
        batches=frozenset(split_hashes(response.batches, "executed batches")),
    )
