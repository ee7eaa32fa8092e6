"""A one-seat home, and siblings that speak the real gRPC interfaces."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import aio as health_aio

from quorate.api.gossip.v1 import gossip_pb2, gossip_pb2_grpc
from quorate.api.storage.v1 import storage_pb2, storage_pb2_grpc
from quorate.consensus.seat_key import init_seat
from quorate.core.blocks import Block
from quorate.core.genesis import Genesis, build_genesis, build_seat_entry, parse_genesis
from quorate.core.params import Params
from quorate.kit.config import NodeConfig


class StorageDouble(storage_pb2_grpc.StorageServiceServicer):
    """Takes final blocks like storage does; the test decides what it answers."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.blocks: asyncio.Queue[Block] = asyncio.Queue()
        self.answers: asyncio.Queue[storage_pb2.CommitResponse] = asyncio.Queue()
        self.released: asyncio.Queue[int] = asyncio.Queue()
        self.attached = 0

    async def OpenChain(self, request, context):  # type: ignore[no-untyped-def]
        """Open at block 0."""
        return storage_pb2.OpenChainResponse(
            head=self.genesis.root.encode(),
            epoch_start=self.genesis.start.encode(),
            sets=[each.encode() for each in self.genesis.sets],
        )

    async def Commit(self, requests, context):  # type: ignore[no-untyped-def]
        """Queue what comes in; send what the test queued."""
        self.attached += 1
        reader = asyncio.create_task(self._read(requests))
        try:
            while True:
                yield await self.answers.get()
        finally:
            reader.cancel()

    async def _read(self, requests: AsyncIterator[storage_pb2.CommitRequest]) -> None:
        async for request in requests:
            for encoded in request.blocks:
                self.blocks.put_nowait(Block.decode(encoded))
            if request.released_ticket:
                self.released.put_nowait(request.released_ticket)


class GossipDouble(gossip_pb2_grpc.GossipServiceServicer):
    """Takes the engine's messages; the test decides what comes back."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[gossip_pb2.Outgoing] = asyncio.Queue()
        self.frames: asyncio.Queue[gossip_pb2.ChannelResponse] = asyncio.Queue()

    async def Channel(self, requests, context):  # type: ignore[no-untyped-def]
        """Queue what comes in; send what the test queued."""
        reader = asyncio.create_task(self._read(requests))
        try:
            while True:
                yield await self.frames.get()
        finally:
            reader.cancel()

    async def _read(self, requests: AsyncIterator[gossip_pb2.ChannelRequest]) -> None:
        async for request in requests:
            for outgoing in request.outgoing:
                self.sent.put_nowait(outgoing)


class Siblings:
    """Storage and gossip on their sockets; either may be stopped and started again."""

    def __init__(self, config: NodeConfig, genesis: Genesis) -> None:
        self.config = config
        self.storage, self.gossip = StorageDouble(genesis), GossipDouble()
        self.health = health_aio.HealthServicer()
        self._servers: dict[str, grpc.aio.Server] = {}

    async def start(self, role: str) -> None:
        """Serve one role on its socket."""
        server = grpc.aio.server()
        if role == "storage":
            storage_pb2_grpc.add_StorageServiceServicer_to_server(self.storage, server)
            health_pb2_grpc.add_HealthServicer_to_server(self.health, server)
        else:
            gossip_pb2_grpc.add_GossipServiceServicer_to_server(self.gossip, server)
        server.add_insecure_port(self.config.socket(role))
        await server.start()
        self._servers[role] = server

    async def stop(self, role: str) -> None:
        """Cut a role off at once."""
        await self._servers.pop(role).stop(None)

    async def stop_all(self) -> None:
        """Stop what still runs."""
        for role in list(self._servers):
            await self.stop(role)


@pytest.fixture
def config(tmp_path: Path) -> NodeConfig:
    """A home with a seat key and a one-seat genesis that makes blocks often."""
    key = init_seat(tmp_path)
    params = Params(heartbeat_ms=50, epoch_ms=10**15)
    text = build_genesis("unit", 1, params, [build_seat_entry("unit", "v0", key)], {})
    (tmp_path / "genesis.json").write_text(text)
    return NodeConfig(home=tmp_path, name="v0", sockets_dir=tmp_path)


@pytest.fixture
async def siblings(config: NodeConfig) -> AsyncIterator[Siblings]:
    """Both siblings, running."""
    genesis = parse_genesis((config.home / "genesis.json").read_text())
    both = Siblings(config, genesis)
    await both.start("storage")
    await both.start("gossip")
    yield both
    await both.stop_all()
