"""A forge of valid blocks, real storage nodes over Unix sockets, and a gossip that serves them."""

import asyncio
import contextlib
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
from quorate.core import crypto
from quorate.core.batches import Batch, BatchHeader, compute_batch_name, compute_content_hash
from quorate.core.bft.messages import Certificate, Kind, encode_statement
from quorate.core.blocks import (
    Block,
    Executed,
    Header,
    build_root,
    compute_base_fee,
    compute_batches_hash,
)
from quorate.core.codec import pack_list
from quorate.core.genesis import build_genesis, build_seat_entry, parse_genesis
from quorate.core.params import Params
from quorate.core.transactions import Signature, Transfer
from quorate.core.values import ZERO_HASH, format_address
from quorate.kit.config import NodeConfig
from quorate.kit.convert import decode_certified, encode_body, encode_envelope
from quorate.kit.rpc import Server, open_channel
from quorate.storage import wiring

CHAIN = "storage-test"
USERS = 8
BALANCE = 10**12
TIMEOUT_S = 20.0
NOTHING = Executed(0, ZERO_HASH, ZERO_HASH, ZERO_HASH, ZERO_HASH)


def make_key(number: int) -> crypto.SigningKey:
    return crypto.SigningKey(number.to_bytes(32, "big"))


class Forge:
    """Makes transactions, batches, blocks and certificates of one chain."""

    def __init__(self, chain_id: str = CHAIN, **params: int) -> None:
        self.seats = [make_key(100 + i) for i in range(4)]
        self.users = [make_key(1_000 + i) for i in range(USERS)]
        self.addresses = [crypto.compute_address(1, key.public_key) for key in self.users]
        entries = [build_seat_entry(chain_id, f"v{i}", key) for i, key in enumerate(self.seats)]
        balances = {format_address(address): BALANCE for address in self.addresses}
        self.text = build_genesis(chain_id, 1_700_000_000_000, Params(**params), entries, balances)
        self.genesis = parse_genesis(self.text)
        self.root = build_root(self.genesis.hash, self.genesis.time_ms, self.genesis.params)
        self.sequences: dict[tuple[int, int], int] = {}
        self._numbers = 0

    def transfer(
        self, user: int = 0, to: bytes | None = None, amount: int = 1, **body: Any
    ) -> bytes:
        lane = body.pop("lane", 0)
        sequence = body.pop("sequence", None)
        if sequence is None:
            sequence = self.sequences.get((user, lane), 0)
            self.sequences[user, lane] = sequence + 1
        sender = self.addresses[user]
        body = {"valid_until_height": 10_000, "fee_limit": 10**6, **body}
        payload = Transfer(sender, to or self.addresses[(user + 1) % USERS], amount)
        raw = encode_body(sender, lane, sequence, [payload], **body)
        signature = self.users[user].sign(crypto.TAG_TRANSACTION, self.genesis.domain, raw)
        return encode_envelope(raw, [Signature(1, self.users[user].public_key, signature)])

    def identify(self, raw: bytes) -> bytes:
        return decode_certified(raw, self.genesis.domain).id

    def batch(self, raws: Sequence[bytes], author: int = 0, expiry_height: int = 1_000) -> Batch:
        self._numbers += 1
        content = pack_list(list(raws))
        weight = 0
        for raw in raws:
            with contextlib.suppress(Exception):
                weight += decode_certified(raw, self.genesis.domain).weight
        header = BatchHeader(
            0, author, self._numbers, len(raws), len(content), weight, expiry_height,
            compute_content_hash(content),
        )  # fmt: skip
        encoded = header.encode()
        signature = self.seats[author].sign(crypto.TAG_BATCH, self.genesis.domain, encoded)
        return Batch(header, signature, content, compute_batch_name(encoded))

    def block(self, parent: Block, batches: Sequence[Batch] = (), **changes: Any) -> Block:
        names = tuple(batch.name for batch in batches)
        above, params = parent.header, self.genesis.params
        fields: dict[str, Any] = {
            "protocol_version": 1, "contract_engine": 0, "epoch": 0, "view": above.view + 1,
            "height": above.height + 1, "parent": parent.digest, "parent_view": above.view,
            "time_ms": above.time_ms + 20, "proposer": (above.view + 1) % 4,
            "batches_hash": compute_batches_hash(names),
            "weight": sum(batch.header.weight for batch in batches),
            "base_fee": compute_base_fee(above.base_fee, above.weight, params),
            "executed": NOTHING, **changes,
        }  # fmt: skip
        return Block.build(Header(**fields), names)

    def certify(
        self, block: Block, voters: Sequence[int] = (0, 1, 2), kind: Kind = Kind.FINALIZE
    ) -> bytes:
        view, digest = block.header.view, block.digest
        statement, tags = (
            encode_statement(0, view, digest),
            {
                Kind.FINALIZE: crypto.TAG_FINALIZE,
                Kind.NOTARIZE: crypto.TAG_NOTARIZE,
            },
        )
        signatures = tuple(
            (seat, self.seats[seat].sign(tags[kind], self.genesis.domain, statement))
            for seat in voters
        )
        return Certificate(kind, 0, view, digest, len(self.seats), signatures).encode()

    def extend(self, count: int, parent: Block | None = None) -> list[tuple[Block, list[Batch]]]:
        """Return blocks on top of `parent`, each with one batch of two transfers."""
        out, parent = [], parent or self.root
        for _ in range(count):
            batch = self.batch([self.transfer(0), self.transfer(1)])
            parent = self.block(parent, [batch])
            out.append((parent, [batch]))
        return out


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
