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

from quorate.api.consensus.v1 import consensus_pb2, consensus_pb2_grpc
from quorate.api.gossip.v1 import gossip_pb2, gossip_pb2_grpc
from quorate.api.peers.v1 import peers_pb2, peers_pb2_grpc
from quorate.api.storage.v1 import storage_pb2, storage_pb2_grpc
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.core import crypto
from quorate.core.batches import (
    HEADER_BYTES,
    SIGNED_HEADER_BYTES,
    Batch,
    BatchHeader,
    compute_batch_name,
    compute_content_hash,
)
from quorate.core.codec import U64, pack_list, split_hashes
from quorate.core.errors import QuorateError, Rejected
from quorate.core.genesis import Genesis, build_genesis, build_seat_entry, parse_genesis
from quorate.core.params import Params
from quorate.core.state import Account
from quorate.core.transactions import Signature, Transfer
from quorate.core.values import format_address
from quorate.gossip import wiring
from quorate.gossip.dialler import ATTACH, fetch_certificate
from quorate.gossip.identity import TLS_NAME, init_node, load_node
from quorate.gossip.records import build_record
from quorate.kit.config import NodeConfig
from quorate.kit.convert import decode_transaction, encode_body, encode_envelope
from quorate.kit.faults import abort, from_rpc_error
from quorate.kit.rpc import open_channel

CHAIN = "gossip-test"
DEADLINE_S = 15.0
SEAT_KEYS = [crypto.SigningKey(bytes(31) + bytes((200 + i,))) for i in range(8)]
USERS = [crypto.SigningKey(bytes(30) + (300 + i).to_bytes(2, "big")) for i in range(16)]


def address_of(key: crypto.SigningKey) -> bytes:
    """Return a key's address."""
    return crypto.compute_address(crypto.SCHEME_ED25519, key.public_key)


def build_test_genesis(seats: int = 4, chain_id: str = CHAIN, **params: int) -> str:
    """Return the text of a genesis with so many seats."""
    entries = [build_seat_entry(chain_id, f"v{i}", SEAT_KEYS[i]) for i in range(seats)]
    balances = {format_address(address_of(key)): 10**12 for key in USERS}
    return build_genesis(chain_id, 1_700_000_000_000, Params(**params), entries, balances)


def sign_transfer(
    genesis: Genesis,
    sequence: int,
    *,
    user: int = 0,
    lane: int = 0,
    valid_until: int = 1_000,
    **extra: Any,
) -> bytes:
    """Return an encoded signed transfer of one user."""
    key, sender = USERS[user], address_of(USERS[user])
    transfer = Transfer(sender, bytes(32), extra.pop("amount", 1))
    fee_limit = extra.pop("fee_limit", 10_000)
    body = encode_body(
        sender, lane, sequence, [transfer], valid_until_height=valid_until, fee_limit=fee_limit,
        **extra,
    )  # fmt: skip
    signature = key.sign(crypto.TAG_TRANSACTION, genesis.domain, body)
    return encode_envelope(body, [Signature(crypto.SCHEME_ED25519, key.public_key, signature)])


class Siblings(
    storage_pb2_grpc.StorageServiceServicer,
    storage_pb2_grpc.ExecutedServiceServicer,
    consensus_pb2_grpc.ConsensusServiceServicer,
):
    """Storage and consensus of one node, reduced to what gossip sees of them."""

    def __init__(self, genesis: Genesis, seat: int | None) -> None:
        self.genesis, self.seat = genesis, seat
        self.batches: dict[bytes, bytes] = {}
        self.final: set[bytes] = set()
        self.accounts = {a: Account(b, {}) for a, b in genesis.balances}
        self.height, self.base_fee = 0, 1
        self.updates: list[storage_pb2.WatchExecutedResponse] = []
        self.refuses_to_sign = False
        self.reads = self.puts = 0
        self.blocks: list[bytes] = []
        self.changed = asyncio.Event()
        self._servers: list[aio.Server] = []

    async def start(self, config: NodeConfig) -> None:
        for role in ("storage", "consensus"):
            server = aio.server()
            if role == "storage":
                storage_pb2_grpc.add_StorageServiceServicer_to_server(self, server)
                storage_pb2_grpc.add_ExecutedServiceServicer_to_server(self, server)
            else:
                consensus_pb2_grpc.add_ConsensusServiceServicer_to_server(self, server)
            server.add_insecure_port(config.socket(role))
            await server.start()
            self._servers.append(server)

    async def stop(self) -> None:
        for server in self._servers:
            await server.stop(None)
        self._servers.clear()

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    async def wait(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await self.changed.wait()

    def execute(self, names: list[bytes], skip: dict[bytes, str] | None = None) -> None:
        """Execute batches as the next block; `skip` maps ids to reasons."""
        skip = skip or {}
        self.height += 1
        update = storage_pb2.WatchExecutedResponse(batches=b"".join(names), base_fee=self.base_fee)
        frame = update.executed
        frame.height, frame.block = self.height, bytes(32)
        senders = []
        for name in names:
            self.final.add(name)
            for raw in Batch.decode(self.batches[name]).transactions():
                t = decode_transaction(raw, self.genesis.domain)
                account = self.accounts.setdefault(t.sender, Account(0, {}))
                reason = skip.get(t.id, "")
                frame.ids += t.id
                frame.positions.append(len(frame.fees))
                frame.outcomes.append(tx.OUTCOME_SKIPPED if reason else tx.OUTCOME_SUCCEEDED)
                frame.fees.append(0 if reason else t.weight)
                frame.reasons.append(reason)
                senders.append(t.sender)
                update.lanes.append(t.lane)
                update.sequences.append(t.sequence)
                if not reason:
                    account.lanes[t.lane] = t.sequence + 1
                    account.balance -= t.weight + sum(p.amount for p in t.payloads)
        update.senders = b"".join(senders)
        self.updates.append(update)
        self.wake()

    async def PutBatches(self, request: Any, context: Any) -> Any:
        self.puts += 1
        for encoded in request.batches:
            self.batches[compute_batch_name(encoded[:HEADER_BYTES])] = encoded
        self.wake()
        return storage_pb2.PutBatchesResponse()

    async def GetBatches(self, request: Any, context: Any) -> Any:
        names = split_hashes(request.names, "names")
        return storage_pb2.GetBatchesResponse(batches=[self.batches.get(n, b"") for n in names])

    async def ReadState(self, request: Any, context: Any) -> Any:
        self.reads += 1
        found = [self.accounts.get(a) for a in split_hashes(request.addresses, "addresses")]
        return storage_pb2.ReadStateResponse(
            height=self.height,
            accounts=[b"" if a is None else a.encode() for a in found],
            idempotency=[b"" for _ in request.idempotency_keys],
            base_fee=self.base_fee,
        )

    async def OpenChain(self, request: Any, context: Any) -> Any:
        headers = [b[:SIGNED_HEADER_BYTES] for n, b in self.batches.items() if n not in self.final]
        return storage_pb2.OpenChainResponse(held_headers=headers)

    async def ReadBlocks(self, request: Any, context: Any) -> Any:
        blocks = self.blocks[request.from_height - 1 :]
        return storage_pb2.ReadBlocksResponse(blocks=blocks, certificate=b"c" if blocks else b"")

    async def Commit(self, requests: Any, context: Any) -> Any:
        raise NotImplementedError

    async def WatchExecuted(self, request: Any, context: Any) -> AsyncIterator[Any]:
        at = request.from_height or self.height + 1
        while True:
            changed = self.changed
            while at <= self.height:
                yield self.updates[at - 1]
                at += 1
            await changed.wait()

    async def SignBatch(self, request: Any, context: Any) -> Any:
        if self.refuses_to_sign or self.seat is None:
            await abort(context, Rejected("must not", reason="MUST_NOT_SIGN"))
        key = SEAT_KEYS[self.seat]
        signature = key.sign(crypto.TAG_BATCH, self.genesis.domain, request.header)
        return consensus_pb2.SignBatchResponse(signature=signature)

    async def SignNode(self, request: Any, context: Any) -> Any:
        if self.seat is None:
            return consensus_pb2.SignNodeResponse(epoch=0)
        message = U64.pack(0) + request.node_id
        signature = SEAT_KEYS[self.seat].sign(crypto.TAG_SEAT_NODE, self.genesis.domain, message)
        return consensus_pb2.SignNodeResponse(seat=self.seat, epoch=0, signature=signature)

    async def GetStatus(self, request: Any, context: Any) -> Any:
        state = "observing" if self.seat is None else "voting"
        return consensus_pb2.GetStatusResponse(view=7, seat=self.seat, state=state)


class Engine:
    """An engine attached to a node's channel: keeps all that came."""

    def __init__(self, node: "Node") -> None:
        self.channel = open_channel(node.config.socket("gossip"))
        self.stub = gossip_pb2_grpc.GossipServiceStub(self.channel)
        self.incoming: list[Any] = []
        self.held: list[bytes] = []
        self.reports: dict[bytes, set[int]] = {}
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
                    self.reports.setdefault(name, set()).add(report.seat)
            for change in frame.peer_changes:
                seat = change.seat if change.HasField("seat") else None
                self.peers[change.node_id] = (change.connected, seat)
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


def build_batch(genesis: Genesis, raws: list[bytes], seat: int, **fields: int) -> Batch:
    """Return a sealed batch; `fields` replace what its header should say."""
    content = pack_list(raws)
    values = {"epoch": 0, "author": seat, "number": 1, "count": len(raws), "expiry_height": 100}
    if "weight" not in fields:
        weights = [decode_transaction(raw, genesis.domain).weight for raw in raws]
        values["weight"] = sum(weights)
    values |= {"size_bytes": len(content)} | fields
    header = BatchHeader(**values, content_hash=compute_content_hash(content))
    encoded = header.encode()
    signature = SEAT_KEYS[seat].sign(crypto.TAG_BATCH, genesis.domain, encoded)
    return Batch(header, signature, content, compute_batch_name(encoded))


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
