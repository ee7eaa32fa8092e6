"""Real gossip nodes over TLS on loopback, each beside a tiny storage and consensus (real gRPC)."""

import asyncio
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2, gossip_pb2_grpc
from quorate.api.peers.v1 import peers_pb2, peers_pb2_grpc
from quorate.core import crypto
from quorate.core.codec import split_hashes
from quorate.core.errors import QuorateError
from quorate.core.genesis import Genesis, parse_genesis
from quorate.core.seats import SeatSet
from quorate.gossip import wiring
from quorate.gossip.dialler import ATTACH, fetch_certificate
from quorate.gossip.identity import TLS_NAME, init_node, load_node
from quorate.gossip.records import build_record
from quorate.kit.config import NodeConfig
from quorate.kit.faults import from_rpc_error
from quorate.kit.rpc import open_channel
from tests.unit.quorate.gossip.siblings import (
    CHAIN,
    DEADLINE_S,
    SEAT_KEYS,
    USERS,
    Siblings,
    address_of,
    build_batch,
    build_set,
    build_test_genesis,
    find_number,
    sign_transfer,
)

__all__ = [
    "CHAIN",
    "DEADLINE_S",
    "SEAT_KEYS",
    "USERS",
    "Siblings",
    "address_of",
    "build_batch",
    "build_set",
    "build_test_genesis",
    "find_number",
    "sign_transfer",
]


class Engine:
    """An engine attached to a node's channel: keeps all that came."""

    def __init__(self, node: "Node") -> None:
        self.node = node
        self.channel = open_channel(node.config.socket("gossip"))
        self.stub = gossip_pb2_grpc.GossipServiceStub(self.channel)
        self.incoming: list[Any] = []
        self.held: list[bytes] = []
        self.reports: dict[bytes, set[int | None]] = {}
        self.peers: dict[bytes, tuple[bool, int | None]] = {}
        self.frames = 0
        self.changed = asyncio.Event()
        self.call: Any = None
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.call = self.stub.Channel(wait_for_ready=True)
        await self.call.write(gossip_pb2.ChannelRequest())
        self.task = asyncio.create_task(self._read())

    async def send(self, *outgoing: gossip_pb2.Outgoing) -> None:
        await self.call.write(gossip_pb2.ChannelRequest(outgoing=outgoing))

    async def start_epoch(self, *sets: SeatSet, epoch: int) -> None:
        """Tell which epoch runs; returns when the node runs it with these sets."""
        told = gossip_pb2.StartEpoch(epoch=epoch, sets=[each.encode() for each in sets])
        await self.call.write(gossip_pb2.ChannelRequest(start_epoch=told))
        # Other streams than this one are not ordered after it.
        known = self.node.running.router.seat.sets
        async with asyncio.timeout(DEADLINE_S):
            while known.epoch != epoch or any(known.get(each.epoch) != each for each in sets):
                await self.send()

    async def wait(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await self.changed.wait()

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        self.call.cancel()
        await self.channel.close()

    async def _read(self) -> None:
        async for frame in self.call:
            self.frames += 1
            self.incoming += frame.incoming
            self.held += frame.held_headers
            for report in frame.reports:
                for name in split_hashes(report.names, "names"):
                    self.reports.setdefault(name, set()).add(find_number(report.seat_key))
            for change in frame.peer_changes:
                self.peers[change.node_id] = (change.connected, find_number(change.seat_key))
            self.changed.set()
            self.changed = asyncio.Event()


class Node:
    """One gossip service with its siblings and the means to use it as a gateway does."""

    def __init__(self, genesis_text: str, seat: int | None, **settings: Any) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="qg"))
        (self.home / "genesis.json").write_text(genesis_text)
        self.genesis = parse_genesis(genesis_text)
        self.node_id = init_node(self.home)
        self.config = NodeConfig(
            home=self.home, name="n", sockets_dir=self.home, observer=seat is None, **settings
        )
        self.siblings = Siblings(self.genesis, seat)
        self.gossip: wiring.Gossip | None = None
        self._engines: list[Engine] = []
        self._channels: list[aio.Channel] = []

    @property
    def running(self) -> wiring.Gossip:
        assert self.gossip is not None
        return self.gossip

    @property
    def peer(self) -> str:
        """How others are configured to dial it."""
        return f"{self.node_id.hex()}@{self.config.peer_listen}"

    async def start(self, *peers: str, siblings: bool = True) -> None:
        if siblings:
            await self.siblings.start(self.config)
        self.config.peers = [*self.config.peers, *peers]
        self.gossip = await wiring.start(self.config)
        # The next start has the same ports.
        self.config.peer_listen = f"127.0.0.1:{self.gossip.peer_port}"
        self.config.gossip_api_listen = f"127.0.0.1:{self.gossip.api_port}"

    async def stop_gossip(self) -> None:
        gossip, self.gossip = self.gossip, None
        if gossip is not None:
            await gossip.stop()

    async def close(self) -> None:
        for engine in self._engines:
            await engine.stop()
        for channel in self._channels:
            await channel.close()
        await self.stop_gossip()
        await self.siblings.stop()
        shutil.rmtree(self.home)

    async def attach(self) -> Engine:
        engine = Engine(self)
        self._engines.append(engine)
        await engine.start()
        return engine

    async def wait_ready(self) -> None:
        """Return when the node knows its seat and follows its storage."""
        await self.running.router.seat.known.wait()
        await self.running.chain.ready.wait()

    def ingress(self) -> Any:
        channel = aio.insecure_channel(self.config.gossip_api_listen)
        self._channels.append(channel)
        return gossip_pb2_grpc.IngressServiceStub(channel)

    async def watch_stages(self) -> Any:
        """Return a stream of stages; it misses nothing that happens from now on."""
        watchers = self.running.router.stages._watchers
        before, ingress = len(watchers), self.ingress()
        call = ingress.WatchStages(gossip_pb2.WatchStagesRequest())
        async with asyncio.timeout(DEADLINE_S):
            while len(watchers) == before:
                await ingress.Describe(gossip_pb2.DescribeRequest())
        return call

    async def submit(self, *raws: bytes) -> gossip_pb2.SubmitResponse:
        """Send one chunk on a stream of its own; returns its answer."""
        call = self.ingress().Submit(wait_for_ready=True)
        async with asyncio.timeout(DEADLINE_S):
            await self.wait_ready()
            await call.write(gossip_pb2.SubmitRequest(chunk=5, transactions=raws))
            answer: gossip_pb2.SubmitResponse = await call.read()
        await call.done_writing()
        assert await call.read() is aio.EOF
        return answer


class Stranger:
    """A node that is made by hand: it attaches properly, then sends what the test likes."""

    def __init__(self, genesis: Genesis, directory: Path) -> None:
        self.genesis = genesis
        init_node(directory)
        self.identity = load_node(directory)
        self.record = build_record(self.identity, "127.0.0.1:9", genesis)
        self.call: Any = None
        self._channel: aio.Channel | None = None

    async def connect(self, node: Node) -> Any:
        """Open a channel to a node's peer port; returns its certificate's hash."""
        address = node.config.peer_listen
        certificate = await fetch_certificate(address)
        credentials = grpc.ssl_channel_credentials(ssl.DER_cert_to_PEM_cert(certificate).encode())
        self._channel = open_channel(address, credentials, override=TLS_NAME)
        self.stub = peers_pb2_grpc.PeerServiceStub(self._channel)
        return sha256(certificate).digest()

    async def attach(self, node: Node, *, signs: bytes | None = None) -> Any:
        """Attach; returns the server's answer to the hello. `signs` replaces what is signed."""
        certificate_hash = await self.connect(node)
        assert self._channel is not None
        self.call = self._channel.stream_stream(
            ATTACH, response_deserializer=peers_pb2.AttachResponse.FromString
        )(wait_for_ready=True)
        nonce = (await self.call.read()).nonce
        signed = certificate_hash + nonce if signs is None else signs
        tag, domain = crypto.TAG_NODE_STREAM, self.genesis.domain
        signature = self.identity.key.sign(tag, domain, signed)
        hello = peers_pb2.Hello(record=self.record, signature=signature)
        await self.call.write(peers_pb2.AttachRequest(hello=hello).SerializeToString())
        return await self.call.read()

    async def send(self, **parts: Any) -> None:
        """Send a frame."""
        frame = peers_pb2.Frame(**parts)
        await self.call.write(peers_pb2.AttachRequest(frame=frame).SerializeToString())

    async def read_end(self) -> QuorateError:
        """Return the error that the stream ends with."""
        async with asyncio.timeout(DEADLINE_S):
            try:
                while await self.call.read() is not aio.EOF:
                    continue
                code = await self.call.code()
            except aio.AioRpcError as error:
                return from_rpc_error(error)
        assert code is not grpc.StatusCode.OK
        error = aio.AioRpcError(
            code,
            await self.call.initial_metadata(),
            await self.call.trailing_metadata(),
            await self.call.details(),
        )
        return from_rpc_error(error)

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()


Cluster = Callable[..., Awaitable[list[Node]]]


@pytest.fixture
async def nodes() -> AsyncIterator[list[Node]]:
    """Collects nodes that are closed at the end."""
    started: list[Node] = []
    yield started
    await asyncio.gather(*(node.close() for node in started))


@pytest.fixture
async def strangers(tmp_path: Path) -> AsyncIterator[Callable[[Genesis], Stranger]]:
    """Makes strangers that are closed at the end."""
    made: list[Stranger] = []

    def make(genesis: Genesis) -> Stranger:
        made.append(Stranger(genesis, tmp_path / str(len(made))))
        return made[-1]

    yield make
    for stranger in made:
        await stranger.close()


@pytest.fixture
async def start_cluster(nodes: list[Node]) -> Cluster:
    """Starts validators that know each other; `observers` of them come on top."""

    async def start(seats: int = 4, observers: int = 0, **params: int) -> list[Node]:
        text = build_test_genesis(seats, **params)
        group = [Node(text, i if i < seats else None) for i in range(seats + observers)]
        nodes.extend(group)
        for node in group:
            await node.start(*(other.peer for other in group if other.gossip is not None))
        return group

    return start
