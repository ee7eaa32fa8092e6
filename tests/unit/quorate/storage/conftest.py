"""Real storage nodes over Unix sockets, and a gossip that serves them."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest

from quorate.api.gossip.v1 import gossip_pb2, gossip_pb2_grpc
from quorate.api.ledger.v1 import ledger_pb2_grpc
from quorate.api.storage.v1 import storage_pb2, storage_pb2_grpc
from quorate.core.batches import Batch
from quorate.core.blocks import (
    Block,
)
from quorate.core.epochs import EpochStart
from quorate.core.seats import SeatSet
from quorate.kit.config import NodeConfig
from quorate.kit.rpc import Server, open_channel
from quorate.storage import wiring
from tests.unit.quorate.storage.forge import Forge
from tests.unit.quorate.storage.runner import Runner
from tests.unit.quorate.storage.scene import Scene

TIMEOUT_S = 60.0


class Node:
    """One real storage service, and its stubs over its Unix socket."""

    def __init__(self, forge: Forge, home: Path, sockets: Path) -> None:
        self.forge, self.home = forge, home
        home.mkdir(parents=True, exist_ok=True)
        (home / "genesis.json").write_text(forge.text)
        self.config = NodeConfig(home=home, name="n", sockets_dir=sockets)
        self.service: wiring.Storage | None = None

    async def start(self) -> "Node":
        self.service = await wiring.start(self.config)
        self.channel = open_channel(self.config.socket("storage"))
        self.storage = storage_pb2_grpc.StorageServiceStub(self.channel)
        self.executed = storage_pb2_grpc.ExecutedServiceStub(self.channel)
        self.ledger = ledger_pb2_grpc.LedgerServiceStub(self.channel)
        async with asyncio.timeout(TIMEOUT_S):
            await self.channel.channel_ready()
        return self

    async def stop(self) -> None:
        service, self.service = self.service, None
        if service is not None:
            await self.channel.close()
            await service.stop()

    @property
    def chain(self) -> Any:
        assert self.service is not None
        return self.service.chain

    async def open_chain(self) -> tuple[storage_pb2.OpenChainResponse, EpochStart, list[SeatSet]]:
        response = await self.storage.OpenChain(storage_pb2.OpenChainRequest())
        sets = [SeatSet.decode(each) for each in response.sets]
        return response, EpochStart.decode(response.epoch_start), sets

    async def put(self, batches: Sequence[Batch]) -> None:
        await self.storage.PutBatches(
            storage_pb2.PutBatchesRequest(batches=[batch.encode() for batch in batches])
        )

    async def wait_height(self, height: int) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while self.chain.certified_height < height:
                await self.chain.changed.wait()

    def attach(self) -> "Attached":
        return Attached(self)

    async def commit(self, blocks: Sequence[tuple[Block, list[Batch]]], **how: bool) -> None:
        """Put batches and commit blocks, one run each (or together), as an engine would."""
        for _, batches in blocks:
            await self.put(batches)
        async with self.attach() as engine:
            if how.get("together"):
                await engine.send([block for block, _ in blocks])
            else:
                for block, _ in blocks:
                    await engine.send([block])
            await engine.wait_synced(blocks[-1][0].header.height)


class Attached:
    """An engine's end of the commit stream; keeps all answers."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.answers: list[storage_pb2.CommitResponse] = []
        self.call: Any = None

    async def __aenter__(self) -> "Attached":
        self.call = self.node.storage.Commit()
        await self.call.write(storage_pb2.CommitRequest())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.call.cancel()

    async def send(self, blocks: Sequence[Block], certificate: bytes | None = None) -> None:
        closing = certificate or self.node.forge.certify(blocks[-1])
        await self.call.write(
            storage_pb2.CommitRequest(blocks=[b.encode() for b in blocks], certificate=closing)
        )

    async def wait(self, until: Callable[[storage_pb2.CommitResponse], object]) -> Any:
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                answer = await self.call.read()
                assert answer is not grpc.aio.EOF, "the stream ended"
                self.answers.append(answer)
                if until(answer):
                    return answer

    async def wait_synced(self, height: int) -> Any:
        return await self.wait(lambda answer: answer.synced_height >= height)

    def results(self) -> dict[int, bytes]:
        return {r.height: r.write_digest for a in self.answers for r in a.results}


class Gossip(gossip_pb2_grpc.GossipServiceServicer):
    """A gossip with one peer: another storage node, whose answers a test may spoil."""

    def __init__(self, peer: Node | None, own: Node) -> None:
        self.peer, self.own = peer, own
        self.height = 0
        self.spoil: Callable[[Any], Any] = lambda response: response
        self.reports: list[tuple[bytes, str]] = []
        self.fetches: list[int] = []
        self.batch_fetches = 0
        self.asked: list[list[bytes]] = []
        self.reported = asyncio.Event()
        self._changed = asyncio.Event()

    async def start(self) -> None:
        self.server = Server(["quorate.api.gossip.v1.GossipService"])
        gossip_pb2_grpc.add_GossipServiceServicer_to_server(self, self.server.server)
        self.server.server.add_insecure_port(self.own.config.socket("gossip"))
        await self.server.start()

    async def stop(self) -> None:
        self._changed.set()
        await self.server.stop(0)

    def announce(self, height: int) -> None:
        self.height = height
        self._changed.set()
        self._changed = asyncio.Event()

    async def WatchBestHeight(self, request: Any, context: Any) -> AsyncIterator[Any]:
        while True:
            yield gossip_pb2.WatchBestHeightResponse(height=self.height)
            await self._changed.wait()

    async def FetchBlocks(self, request: Any, context: Any) -> Any:
        self.fetches.append(request.from_height)
        if self.peer is None:
            return gossip_pb2.FetchBlocksResponse()
        run = await self.peer.storage.ReadBlocks(
            storage_pb2.ReadBlocksRequest(
                from_height=request.from_height, size_bytes_max=request.size_bytes_max
            )
        )
        return self.spoil(
            gossip_pb2.FetchBlocksResponse(
                blocks=run.blocks,
                certificate=run.certificate,
                batches=run.batches,
                node_id=b"p" * 32,
            )
        )

    async def FetchBatches(self, request: Any, context: Any) -> Any:
        self.batch_fetches += 1
        self.asked.append(list(request.seat_keys))
        if self.peer is None:
            return gossip_pb2.FetchBatchesResponse(missing=request.names)
        found = await self.peer.storage.GetBatches(
            storage_pb2.GetBatchesRequest(names=request.names)
        )
        batches = [batch for batch in found.batches if batch]
        await self.own.storage.PutBatches(storage_pb2.PutBatchesRequest(batches=batches))
        return gossip_pb2.FetchBatchesResponse()

    async def ReportPeer(self, request: Any, context: Any) -> Any:
        self.reports.append((request.node_id, request.reason))
        self.reported.set()
        return gossip_pb2.ReportPeerResponse()


@pytest.fixture
def forge() -> Forge:
    return Forge()


@pytest.fixture
def short_forge() -> Forge:
    """A chain whose epochs end at the heights 3, 6, 9 …; other seats hold them from epoch 1 on."""
    return Forge(is_moving=True, epoch_blocks=3)


@pytest.fixture
async def short(make_node: Callable[..., Any], short_forge: Forge) -> Any:
    """A started node of the chain with short epochs."""
    return await make_node("short", of=short_forge)


@pytest.fixture
def make_forge() -> type[Forge]:
    return Forge


@pytest.fixture
def directory() -> Iterator[Path]:
    """A short path: Unix sockets allow about 100 letters."""
    path = Path(tempfile.mkdtemp(prefix="q"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def make_node(directory: Path, forge: Forge) -> AsyncIterator[Callable[..., Any]]:
    """Return a maker of storage nodes that are started; stopped at the end."""
    nodes: list[Node] = []

    async def make(name: str = "a", *, of: Forge | None = None, home: Path | None = None) -> Node:
        sockets = directory / name
        sockets.mkdir(exist_ok=True)
        node = Node(of or forge, home or directory / f"home-{name}", sockets)
        nodes.append(node)
        return await node.start()

    yield make
    for node in nodes:
        await node.stop()


@pytest.fixture
async def make_gossip() -> AsyncIterator[Callable[..., Any]]:
    """Return a maker of gossip services for a node, behind which another node stands."""
    made: list[Gossip] = []

    async def make(own: Node, peer: Node | None = None) -> Gossip:
        gossip = Gossip(peer, own)
        await gossip.start()
        made.append(gossip)
        return gossip

    yield make
    for gossip in made:
        await gossip.stop()


@pytest.fixture
async def node(make_node: Callable[..., Any]) -> Any:
    """A started node."""
    return await make_node()


@pytest.fixture
async def scene(node: Any, forge: Forge) -> AsyncIterator[Scene]:
    """A node whose chain has a contract, with its runner."""
    runner = await Runner().start(node.config.socket("contracts"))
    scene = Scene(node, forge, runner)
    scene.contract = await scene.deploy()
    yield scene
    await runner.stop()
