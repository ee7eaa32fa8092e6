"""Small real gRPC nodes for a gateway to stand in front of: they accept, die, refuse, are slow."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
from grpc import aio

from quorate.api.contract.v1 import contract_pb2_grpc
from quorate.api.gossip.v1 import gossip_pb2, gossip_pb2_grpc
from quorate.api.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from quorate.api.storage.v1 import storage_pb2, storage_pb2_grpc
from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.api.transaction.v1 import transaction_pb2_grpc
from quorate.core import crypto
from quorate.core.errors import InvalidTransaction, NotFound, NotYet
from quorate.core.seats import SeatSet
from quorate.kit import faults
from quorate.kit.config import ValidatorAddress
from quorate.kit.convert import decode_transaction
from tests.unit.quorate.gateway.chains import Chain
from tests.unit.quorate.gateway.contract_nodes import ContractNode

_SAME = -1

MARK = ledger_pb2.Mark(view=7, height=3, evidence=b"h" * 32)


class Node(
    gossip_pb2_grpc.IngressServiceServicer,
    storage_pb2_grpc.ExecutedServiceServicer,
    ledger_pb2_grpc.LedgerServiceServicer,
    transaction_pb2_grpc.SimulationServiceServicer,
    ContractNode,
):
    """One validator as a gateway sees it; its attributes say how it behaves."""

    def __init__(self, chain: Chain, seat: int | None) -> None:
        self.chain, self.seat, self.port = chain, seat, 0
        self.domain: bytes = chain.genesis.domain
        self.name = f"v{seat}" if seat is not None else "observer"
        self.seats = chain.genesis.seats
        self._seat_now: int | None = _SAME
        self.received: list[bytes] = []
        self.chunks: list[int] = []
        self.reject: Callable[[bytes], str] = lambda raw: ""
        self.retry_after_ms = 0
        self.is_hanging = False
        self.seals_at_once = False
        self.dies_after: int | None = None
        self.height_max = 2**60
        self.feed_is_hanging = False
        self.duplicates_blocks = False
        self.feeds = 0
        # Up to which height it reads receipts when it is behind, and whether one was asked for.
        self.reads_at: int | None = None
        # What it says of its queue, and where it has which transaction.
        self.queue = pb.QueueReport(lag_blocks=4, block_weight=1_000, ready_bytes_max=10**6)
        self.base_fee, self.weight, self.queues_told = 1, 0, 0
        self.positions: dict[bytes, pb.Position] = {}
        self.runner_state = "ready"
        self.got, self.refused = asyncio.Event(), asyncio.Event()
        self.was_asked = asyncio.Event()
        self._stages: list[asyncio.Queue[list[pb.StageFrame]]] = []
        self._hints: list[asyncio.Queue[storage_pb2.BatchesHint]] = []
        self._server: aio.Server | None = None

    async def start(self) -> None:
        server = aio.server(options=[("grpc.so_reuseport", 0)])
        gossip_pb2_grpc.add_IngressServiceServicer_to_server(self, server)
        storage_pb2_grpc.add_ExecutedServiceServicer_to_server(self, server)
        ledger_pb2_grpc.add_LedgerServiceServicer_to_server(self, server)
        transaction_pb2_grpc.add_SimulationServiceServicer_to_server(self, server)
        contract_pb2_grpc.add_ContractServiceServicer_to_server(self, server)
        self.port = server.add_insecure_port(f"127.0.0.1:{self.port}")
        await server.start()
        self._server = server

    async def kill(self) -> None:
        """Drop every stream at once, as a killed process does."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop(None)

    @property
    def address(self) -> ValidatorAddress:
        where = f"127.0.0.1:{self.port}"
        return ValidatorAddress(name=self.name, gossip=where, storage=where)

    @property
    def height(self) -> int:
        return min(self.chain.height, self.height_max)

    async def wait_received(self, count: int) -> None:
        while len(self.received) < count:
            self.got.clear()
            await self.got.wait()

    async def wait_refused(self) -> None:
        await self.refused.wait()

    def tell(self, *frames: pb.StageFrame) -> None:
        """Report stages."""
        for queue in self._stages:
            queue.put_nowait(list(frames))

    def tell_batched(
        self, raws: list[bytes], batch: bytes, holders: int = 4, holders_min: int = 2
    ) -> None:
        ids = [decode_transaction(raw, self.domain).id for raw in raws]
        self.tell(
            pb.StageFrame(
                stage=pb.STAGE_BATCHED, ids=b"".join(ids), holders=holders, batch=batch,
                holders_min=holders_min,
            )
        )  # fmt: skip

    def hint(self, stage: "pb.Stage.ValueType", batch: bytes, height: int) -> None:
        for queue in self._hints:
            queue.put_nowait(storage_pb2.BatchesHint(stage=stage, height=height, names=batch))

    # IngressService

    async def Submit(
        self, request_iterator: AsyncIterator[gossip_pb2.SubmitRequest], context: Any
    ) -> AsyncIterator[gossip_pb2.SubmitResponse]:
        async for request in request_iterator:
            raws = list(request.transactions)
            self.chunks.append(len(raws))
            if self.is_hanging:
                await asyncio.Event().wait()
            if self.retry_after_ms:
                self.refused.set()
                yield gossip_pb2.SubmitResponse(
                    chunk=request.chunk, retry_after_ms=self.retry_after_ms
                )
                continue
            self.received.extend(raws)
            self.got.set()
            if self.dies_after is not None and len(self.received) >= self.dies_after:
                self.dies_after = None
                await context.abort(grpc.StatusCode.UNAVAILABLE, "killed")
            rejections = [
                pb.Rejection(index=i, reason=self.reject(raw), message="no")
                for i, raw in enumerate(raws)
                if self.reject(raw)
            ]
            yield gossip_pb2.SubmitResponse(chunk=request.chunk, rejections=rejections)
            if self.seals_at_once:
                self.tell_batched(raws, crypto.compute_hash(b"batch", *raws))

    async def WatchStages(
        self, request: gossip_pb2.WatchStagesRequest, context: Any
    ) -> AsyncIterator[gossip_pb2.WatchStagesResponse]:
        queue: asyncio.Queue[list[pb.StageFrame]] = asyncio.Queue()
        self._stages.append(queue)
        try:
            while True:
                yield gossip_pb2.WatchStagesResponse(frames=await queue.get())
        finally:
            self._stages.remove(queue)

    async def Describe(
        self, request: gossip_pb2.DescribeRequest, context: Any
    ) -> gossip_pb2.DescribeResponse:
        return gossip_pb2.DescribeResponse(
            node_id=self.name.encode().ljust(32, b"\0"),
            seat=self.seat_now,
            domain=self.domain,
            peers=3,
            view=self.height + 1,
            engine="voting" if self.seat_now is not None else "observing",
            height=self.height,
            seat_key=b"" if self.seat is None else self.seats[self.seat].public_key,
        )

    async def ReportQueue(
        self, request: gossip_pb2.ReportQueueRequest, context: Any
    ) -> gossip_pb2.ReportQueueResponse:
        self.queues_told += 1
        return gossip_pb2.ReportQueueResponse(report=self.queue)

    async def Locate(
        self, request: gossip_pb2.LocateRequest, context: Any
    ) -> gossip_pb2.LocateResponse:
        return gossip_pb2.LocateResponse(position=self.positions.get(request.id))

    # SimulationService

    async def Simulate(self, request: pb.SimulateRequest, context: Any) -> pb.SimulateResponse:
        try:
            transaction = decode_transaction(request.transaction, self.domain)
        except InvalidTransaction as error:
            await faults.abort(context, error)
        receipt = pb.Receipt(id=transaction.id, outcome=pb.OUTCOME_SUCCEEDED, fee=7)
        return pb.SimulateResponse(
            receipt=receipt, height=self.height, base_fee=self.base_fee,
            weight=transaction.weight, signers=[transaction.sender], changes=2,
            balances=[pb.BalanceChange(address=transaction.sender, before=9, after=1)],
        )  # fmt: skip

    # ExecutedService

    async def DescribeRunner(
        self, request: storage_pb2.DescribeRunnerRequest, context: Any
    ) -> storage_pb2.DescribeRunnerResponse:
        return storage_pb2.DescribeRunnerResponse(state=self.runner_state, sandboxed=True)

    async def WatchExecuted(
        self, request: storage_pb2.WatchExecutedRequest, context: Any
    ) -> AsyncIterator[storage_pb2.WatchExecutedResponse]:
        if request.from_height and request.from_height <= self.chain.pruned_below:
            await faults.abort(context, NotFound("pruned", reason="PRUNED"))
        hints: asyncio.Queue[storage_pb2.BatchesHint] = asyncio.Queue()
        self._hints.append(hints)
        self.feeds += 1
        next_height = request.from_height or self.height + 1
        if self.duplicates_blocks:
            next_height = max(1, next_height - 2)
        wake = hint = None
        try:
            while True:
                while next_height <= self.height and not self.feed_is_hanging:
                    yield self.chain.updates[next_height - 1]
                    next_height += 1
                wake = asyncio.ensure_future(self.chain.wait_change())
                hint = asyncio.ensure_future(hints.get())
                await asyncio.wait((wake, hint), return_when=asyncio.FIRST_COMPLETED)
                if hint.done():
                    yield storage_pb2.WatchExecutedResponse(hint=hint.result())
                wake.cancel(), hint.cancel()
        finally:
            for task in (wake, hint):
                if task is not None:
                    task.cancel()
            self._hints.remove(hints)

    @property
    def seat_now(self) -> int | None:
        """Its seat in the running epoch; that of epoch 0 unless it was set."""
        return self.seat if self._seat_now is _SAME else self._seat_now

    @seat_now.setter
    def seat_now(self, seat: int | None) -> None:
        self._seat_now = seat

    # LedgerService

    def _block(self, height: int) -> ledger_pb2.Block:
        return ledger_pb2.Block(
            height=height, view=height, base_fee=self.base_fee, weight=self.weight
        )

    async def GetAccount(
        self, request: ledger_pb2.GetAccountRequest, context: Any
    ) -> ledger_pb2.GetAccountResponse:
        lanes = [
            ledger_pb2.Lane(lane=lane, next_sequence=following)
            for lane, following in self.chain.find_lanes(request.address).items()
        ]
        account = ledger_pb2.Account(address=request.address, balance=5, lanes=lanes)
        return ledger_pb2.GetAccountResponse(account=account, height=self.height, base_fee=1)

    async def GetBlock(
        self, request: ledger_pb2.GetBlockRequest, context: Any
    ) -> ledger_pb2.GetBlockResponse:
        height = request.height if request.HasField("height") else self.height
        if height > self.height:
            await faults.abort(context, NotFound(f"no block {height}"))
        return ledger_pb2.GetBlockResponse(block=self._block(height))

    async def ListSeats(
        self, request: ledger_pb2.ListSeatsRequest, context: Any
    ) -> ledger_pb2.ListSeatsResponse:
        if request.epoch > self.chain.epoch + 1:
            await faults.abort(context, NotFound(f"no set of epoch {request.epoch}"))
        epoch = request.epoch if request.HasField("epoch") else self.chain.epoch
        found = self.chain.sets.get(epoch, self.chain.genesis.seats)
        return ledger_pb2.ListSeatsResponse(
            epoch=epoch,
            running_epoch=self.chain.epoch,
            height=self.height,
            hash=SeatSet(epoch, found).hash,
            seats=[
                ledger_pb2.Seat(
                    seat=seat.index,
                    name=seat.name,
                    public_key=seat.public_key,
                    mark=MARK if seat.index == 1 else None,
                )
                for seat in found
            ],
        )

    async def ListBlocks(
        self, request: ledger_pb2.ListBlocksRequest, context: Any
    ) -> ledger_pb2.ListBlocksResponse:
        blocks = [self._block(h) for h in range(self.height, 0, -1)]
        return ledger_pb2.ListBlocksResponse(blocks=blocks)

    async def WatchBlocks(
        self, request: ledger_pb2.WatchBlocksRequest, context: Any
    ) -> AsyncIterator[ledger_pb2.WatchBlocksResponse]:
        next_height = request.from_height or self.height + 1
        while True:
            while next_height <= self.height:
                yield ledger_pb2.WatchBlocksResponse(block=self._block(next_height))
                next_height += 1
            await self.chain.wait_change()

    async def GetReceipt(
        self, request: ledger_pb2.GetReceiptRequest, context: Any
    ) -> ledger_pb2.GetReceiptResponse:
        height = self.height if self.reads_at is None else self.reads_at
        self.was_asked.set()
        receipt = self.chain.receipts.get(request.id)
        if receipt is None or receipt.height > height:
            await faults.abort(context, NotFound("no receipt", height=height))
        return ledger_pb2.GetReceiptResponse(receipt=receipt, height=height)

    async def GetFinalityReceipt(
        self, request: ledger_pb2.GetFinalityReceiptRequest, context: Any
    ) -> ledger_pb2.GetFinalityReceiptResponse:
        proof = self.chain.proofs.get(request.id)
        if proof is None:
            await faults.abort(context, NotFound("no receipt"))
        if self.chain.unclaimed:
            self.chain.unclaimed -= 1
            error = NotYet("soon", reason="NOT_CLAIMED_YET", retry_after_ms=20)
            await faults.abort(context, error)
        return ledger_pb2.GetFinalityReceiptResponse(finality_receipt=proof)

    async def GetToken(
        self, request: ledger_pb2.GetTokenRequest, context: Any
    ) -> ledger_pb2.GetTokenResponse:
        if request.token == bytes(32):
            await faults.abort(context, NotFound("no token", reason="NO_TOKEN"))
        return ledger_pb2.GetTokenResponse(token=ledger_pb2.Token(token=request.token))

    async def ListTokenBalances(
        self, request: ledger_pb2.ListTokenBalancesRequest, context: Any
    ) -> ledger_pb2.ListTokenBalancesResponse:
        balance = ledger_pb2.TokenBalance(token=request.holder, balance=request.page_size)
        return ledger_pb2.ListTokenBalancesResponse(
            balances=[balance], next_page_token=request.page_token
        )

    async def GetLock(
        self, request: ledger_pb2.GetLockRequest, context: Any
    ) -> ledger_pb2.GetLockResponse:
        return ledger_pb2.GetLockResponse(lock=ledger_pb2.Lock(lock=request.lock))

    async def ListProposals(
        self, request: ledger_pb2.ListProposalsRequest, context: Any
    ) -> ledger_pb2.ListProposalsResponse:
        return ledger_pb2.ListProposalsResponse(quorum=3, seats=4)

    async def GetParams(
        self, request: ledger_pb2.GetParamsRequest, context: Any
    ) -> ledger_pb2.GetParamsResponse:
        return ledger_pb2.GetParamsResponse(version="v1")
