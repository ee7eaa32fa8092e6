"""Small real gRPC nodes for a gateway to stand in front of: they accept, die, refuse, are slow."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2, gossip_pb2_grpc
from quorate.api.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from quorate.api.network.v1 import network_pb2_grpc
from quorate.api.storage.v1 import storage_pb2, storage_pb2_grpc
from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.api.transaction.v1 import transaction_pb2_grpc
from quorate.core import crypto
from quorate.core.errors import NotFound
from quorate.core.genesis import Genesis, build_genesis, build_seat_entry, parse_genesis
from quorate.core.params import Params
from quorate.core.transactions import Signature, Transfer
from quorate.core.values import format_address
from quorate.gateway import wiring
from quorate.kit import faults, rpc
from quorate.kit.config import GatewayConfig, ValidatorAddress
from quorate.kit.convert import decode_transaction, encode_body, encode_envelope

CHAIN = "quorate-test"
USER = crypto.SigningKey(bytes(31) + b"\x07")
USER_ADDRESS = crypto.compute_address(crypto.SCHEME_ED25519, USER.public_key)


def build_test_genesis(chain_id: str = CHAIN, seats: int = 4) -> str:
    """Return the text of a genesis with so many seats."""
    keys = [crypto.SigningKey(bytes(31) + bytes((100 + i,))) for i in range(seats)]
    entries = [build_seat_entry(chain_id, f"v{i}", key) for i, key in enumerate(keys)]
    balances = {format_address(USER_ADDRESS): 10**15}
    return build_genesis(chain_id, 1_700_000_000_000, Params(), entries, balances)


def sign_transfer(
    domain: bytes, sequence: int, lane: int = 0, key: crypto.SigningKey = USER, memo: bytes = b""
) -> bytes:
    """Return an encoded signed transfer."""
    sender = crypto.compute_address(crypto.SCHEME_ED25519, key.public_key)
    transfer = Transfer(sender, bytes(32), 1)
    body = encode_body(
        sender, lane, sequence, [transfer], valid_until_height=1_000, fee_limit=10_000, memo=memo
    )
    signature = key.sign(crypto.TAG_TRANSACTION, domain, body)
    return encode_envelope(body, [Signature(crypto.SCHEME_ED25519, key.public_key, signature)])


class Chain:
    """What all nodes of a test agree on: executed blocks."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.updates: list[storage_pb2.WatchExecutedResponse] = []
        self.receipts: dict[bytes, pb.Receipt] = {}
        self.pruned_below = 0
        self._changed = asyncio.Event()

    @property
    def height(self) -> int:
        return len(self.updates)

    def execute(self, raws: list[bytes], batch: bytes = b"") -> int:
        """Append a block that executes these; returns its height."""
        height = self.height + 1
        found = [decode_transaction(raw, self.genesis.domain) for raw in raws]
        count = len(found)
        frame = pb.ExecutedFrame(
            height=height,
            block=height.to_bytes(32, "big"),
            ids=b"".join(t.id for t in found),
            positions=list(range(count)),
            outcomes=[pb.OUTCOME_SUCCEEDED] * count,
            fees=[1] * count,
            reasons=[""] * count,
        )
        self.updates.append(
            storage_pb2.WatchExecutedResponse(
                executed=frame,
                senders=b"".join(t.sender for t in found),
                lanes=[t.lane for t in found],
                sequences=[t.sequence for t in found],
                batches=batch,
                base_fee=1,
            )
        )
        for position, transaction in enumerate(found):
            self.receipts[transaction.id] = pb.Receipt(
                id=transaction.id, height=height, position=position, outcome=pb.OUTCOME_SUCCEEDED
            )
        self.wake()
        return height

    def wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_change(self) -> None:
        await self._changed.wait()


class Node(
    gossip_pb2_grpc.IngressServiceServicer,
    storage_pb2_grpc.ExecutedServiceServicer,
    ledger_pb2_grpc.LedgerServiceServicer,
):
    """One validator as a gateway sees it; its attributes say how it behaves."""

    def __init__(self, chain: Chain, seat: int | None) -> None:
        self.chain, self.seat, self.port = chain, seat, 0
        self.domain: bytes = chain.genesis.domain
        self.name = f"v{seat}" if seat is not None else "observer"
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
        self.got, self.refused = asyncio.Event(), asyncio.Event()
        self._stages: list[asyncio.Queue[list[pb.StageFrame]]] = []
        self._hints: list[asyncio.Queue[storage_pb2.BatchesHint]] = []
        self._server: aio.Server | None = None

    async def start(self) -> None:
        server = aio.server(options=[("grpc.so_reuseport", 0)])
        gossip_pb2_grpc.add_IngressServiceServicer_to_server(self, server)
        storage_pb2_grpc.add_ExecutedServiceServicer_to_server(self, server)
        ledger_pb2_grpc.add_LedgerServiceServicer_to_server(self, server)
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

    def tell_batched(self, raws: list[bytes], batch: bytes, holders: int = 4) -> None:
        ids = [decode_transaction(raw, self.domain).id for raw in raws]
        self.tell(
            pb.StageFrame(stage=pb.STAGE_BATCHED, ids=b"".join(ids), holders=holders, batch=batch)
        )

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
            seat=self.seat,
            domain=self.domain,
            peers=3,
            view=self.height + 1,
            engine="voting" if self.seat is not None else "observing",
            height=self.height,
        )

    # ExecutedService

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

    # LedgerService

    def _block(self, height: int) -> ledger_pb2.Block:
        return ledger_pb2.Block(height=height, view=height, base_fee=1, weight=0)

    async def GetAccount(
        self, request: ledger_pb2.GetAccountRequest, context: Any
    ) -> ledger_pb2.GetAccountResponse:
        account = ledger_pb2.Account(address=request.address, balance=5)
        return ledger_pb2.GetAccountResponse(account=account, height=self.height, base_fee=1)

    async def GetBlock(
        self, request: ledger_pb2.GetBlockRequest, context: Any
    ) -> ledger_pb2.GetBlockResponse:
        height = request.height if request.HasField("height") else self.height
        if height > self.height:
            await faults.abort(context, NotFound(f"no block {height}"))
        return ledger_pb2.GetBlockResponse(block=self._block(height))

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
        receipt = self.chain.receipts.get(request.id)
        if receipt is None:
            await faults.abort(context, NotFound("no receipt"))
        return ledger_pb2.GetReceiptResponse(receipt=receipt)


class Network:
    """Nodes, a gateway in front of them, and stubs of a client."""

    def __init__(self, home: Path, seats: int) -> None:
        self.home = home
        self.genesis_text = build_test_genesis(seats=seats)
        self.genesis = parse_genesis(self.genesis_text)
        self.chain = Chain(self.genesis)
        self.nodes = [Node(self.chain, seat) for seat in range(seats)]
        self.gateway: wiring.Gateway | None = None
        self._channels: list[aio.Channel] = []

    @property
    def domain(self) -> bytes:
        return self.genesis.domain

    @property
    def target(self) -> str:
        assert self.gateway is not None
        return f"127.0.0.1:{self.gateway.port}"

    @property
    def sender(self) -> bytes:
        return USER_ADDRESS

    def transfer(self, sequence: int, lane: int = 0, **options: Any) -> bytes:
        return sign_transfer(self.domain, sequence, lane, **options)

    def id_of(self, raw: bytes) -> bytes:
        return decode_transaction(raw, self.domain).id

    async def start_nodes(self) -> None:
        for node in self.nodes:
            await node.start()

    async def start_gateway(self, **options: Any) -> None:
        path = self.home / "genesis.json"
        path.write_text(self.genesis_text)
        validators = [node.address for node in self.nodes]
        config = GatewayConfig(genesis=path, validators=validators, **options)
        self.gateway = await wiring.start(config)
        await self.gateway.wait_ready()

    async def restart_gateway(self) -> None:
        """Stop the gateway and start another one at the same address."""
        assert self.gateway is not None
        port = self.gateway.port
        await self.gateway.stop()
        await self.start_gateway(listen=f"127.0.0.1:{port}")

    def open(self, credentials: grpc.ChannelCredentials | None = None) -> Any:
        """Return stubs of all public services over a new channel."""
        channel = rpc.open_channel(self.target, credentials)
        self._channels.append(channel)
        return SimpleNamespace(
            channel=channel,
            transactions=transaction_pb2_grpc.TransactionServiceStub(channel),
            ledger=ledger_pb2_grpc.LedgerServiceStub(channel),
            network=network_pb2_grpc.NetworkServiceStub(channel),
        )

    async def stop(self) -> None:
        for channel in self._channels:
            await channel.close()
        if self.gateway is not None:
            await self.gateway.stop()
        for node in self.nodes:
            await node.kill()

    def node_of(self, raw: bytes) -> Node:
        """Return the one node that received a transaction."""
        return next(node for node in self.nodes if raw in node.received)


Build = Callable[..., Awaitable[Network]]


@pytest.fixture
async def build_network(tmp_path: Path) -> AsyncIterator[Build]:
    """Return a builder of running networks; all are stopped after the test."""
    built: list[Network] = []

    async def build(
        seats: int = 4, prepare: Callable[[Network], None] = lambda _: None, **options: Any
    ) -> Network:
        network = Network(tmp_path, seats)
        built.append(network)
        prepare(network)
        await network.start_nodes()
        await network.start_gateway(**options)
        return network

    yield build
    for network in built:
        await network.stop()
