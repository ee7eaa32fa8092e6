"""Creates the parts of the gossip service and joins them; holds no logic."""

from dataclasses import dataclass

from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2, gossip_pb2_grpc
from quorate.core.genesis import Genesis, parse_genesis
from quorate.core.gossip.held import HeldBatches
from quorate.core.gossip.mempool import Mempool
from quorate.core.gossip.pace import Pace
from quorate.gossip.admission import Admission
from quorate.gossip.answers import Answerer
from quorate.gossip.attaching import PeerServer
from quorate.gossip.batcher import Batcher
from quorate.gossip.chain import ChainFollower
from quorate.gossip.dialler import Dialler
from quorate.gossip.dissemination import Dissemination
from quorate.gossip.fees import FeeDesk
from quorate.gossip.fetcher import Fetcher
from quorate.gossip.frames import FrameHandler
from quorate.gossip.hub import Hub
from quorate.gossip.identity import Identity, load_node
from quorate.gossip.ingress import Describer, Ingress
from quorate.gossip.own_seat import OwnSeat
from quorate.gossip.peers import PeerTable
from quorate.gossip.receiver import Receiver
from quorate.gossip.records import build_record
from quorate.gossip.reports import ReportDesk
from quorate.gossip.routing import Router
from quorate.gossip.seat_sets import SeatSets
from quorate.gossip.servicer import GossipServicer
from quorate.gossip.stages import StageFeed
from quorate.gossip.vault import Vault
from quorate.gossip.verifier import Verifier
from quorate.kit.config import NodeConfig
from quorate.kit.rpc import Server, open_channel
from quorate.kit.tasks import Tasks


@dataclass
class Gossip:
    """A running gossip service; `router`, `chain` and `verifier` are there for tests to see."""

    tasks: Tasks
    servers: list[Server]
    peer_server: PeerServer
    channels: list[aio.Channel]
    verifier: Verifier
    chain: ChainFollower
    router: Router
    peer_port: int
    api_port: int

    async def wait_failed(self) -> None:
        """Return only by raising the error of a background task that died."""
        await self.tasks.wait_failed()

    async def stop(self) -> None:
        """Stop taking transactions, then end all streams and the verifier."""
        for server in self.servers:
            await server.set_ready(False)
        await self.tasks.stop()
        await self.peer_server.stop()
        for server in self.servers:
            await server.stop(0.2)
        for channel in self.channels:
            await channel.close()


@dataclass(frozen=True)
class _Parts:
    """What is made before it is joined."""

    genesis: Genesis
    identity: Identity
    channels: tuple[aio.Channel, aio.Channel]
    verifier: Verifier
    vault: Vault
    chain: ChainFollower
    router: Router
    frames: FrameHandler


async def start(config: NodeConfig) -> Gossip:
    """Start gossip; siblings and peers may come up later."""
    tasks = Tasks()
    parts = _create(config, tasks)
    router, genesis, identity = parts.router, parts.genesis, parts.identity
    peer_server = PeerServer(router.table, identity, genesis, parts.frames, router.fetcher)
    peer_port = peer_server.bind(config.peer_listen)
    host = config.peer_listen.rpartition(":")[0]
    record = build_record(identity, config.peer_advertise or f"{host}:{peer_port}", genesis)
    api, internal, api_port = _create_servers(config, parts)
    _start_tasks(parts, tasks)
    await peer_server.start(record)
    for server in (internal, api):
        await server.start()
        await server.set_ready(True)
    Dialler(router.table, identity, record, genesis).start(tasks)
    return Gossip(
        tasks=tasks,
        servers=[api, internal],
        peer_server=peer_server,
        channels=list(parts.channels),
        verifier=parts.verifier,
        chain=parts.chain,
        router=router,
        peer_port=peer_port,
        api_port=api_port,
    )


def _create(config: NodeConfig, tasks: Tasks) -> _Parts:
    genesis = parse_genesis((config.home / "genesis.json").read_text())
    identity = load_node(config.home)
    storage, consensus = (open_channel(config.socket(role)) for role in ("storage", "consensus"))
    mempool = Mempool(genesis.params, config.mempool_bytes_max)
    held, table, sets = HeldBatches(), PeerTable(identity.node_id, config), SeatSets()
    stages, hub = StageFeed(held), Hub(held, table)
    seat, verifier = OwnSeat(consensus, identity.node_id, sets), Verifier(genesis)
    vault, chain = Vault(storage), ChainFollower(storage, mempool, held)
    spread = Dissemination(held, table, hub, stages, seat)
    receiver = Receiver(genesis, mempool, verifier, vault, spread)
    fetcher = Fetcher(table, receiver, spread)
    batcher = Batcher(mempool, spread, seat, vault, table)
    batcher.pace = pace = Pace()
    router = Router(
        table=table,
        hub=hub,
        spread=spread,
        receiver=receiver,
        fetcher=fetcher,
        answerer=Answerer(storage, table, tasks),
        batcher=batcher,
        stages=stages,
        seat=seat,
        mempool=mempool,
        pace=pace,
        desk=FeeDesk(mempool, chain, seat, batcher, genesis.params),
        servicer=GossipServicer(table, hub, fetcher, spread, seat),
        tasks=tasks,
    )
    table.on_change, table.on_height = router.handle_change, router.servicer.note_height
    seat.on_change, chain.on_block = router.handle_seat, router.handle_block
    chain.on_open, chain.on_epochs = spread.handle_open, sets.seed
    sets.on_change, router.batcher.on_given_back = router.handle_epoch, router.hand_on
    receiver.start(table, tasks)
    frames = FrameHandler(table, genesis, router)
    channels = (storage, consensus)
    return _Parts(genesis, identity, channels, verifier, vault, chain, router, frames)


def _create_servers(config: NodeConfig, parts: _Parts) -> tuple[Server, Server, int]:
    router, verifier = parts.router, parts.verifier
    admission = Admission(router.mempool, verifier, parts.chain, router.pace, router.spread)
    ingress = Ingress(admission, router.batcher, router.stages, router.spread.held)
    ingress.seat, ingress.desk = router.seat, router.desk
    admission.on_yielded = router.stages.put_dropped
    ingress.describer = Describer(
        parts.identity.node_id, parts.genesis, router.table, router.seat, router.mempool
    )
    router.servicer.reports = ReportDesk(
        parts.genesis.domain, router.seat.sets, parts.chain, admission, router.batcher
    )
    names = gossip_pb2.DESCRIPTOR.services_by_name
    internal = Server([names["GossipService"].full_name])
    gossip_pb2_grpc.add_GossipServiceServicer_to_server(router.servicer, internal.server)
    internal.server.add_insecure_port(config.socket("gossip"))
    api = Server([names["IngressService"].full_name])
    gossip_pb2_grpc.add_IngressServiceServicer_to_server(ingress, api.server)
    return api, internal, api.server.add_insecure_port(config.gossip_api_listen)


def _start_tasks(parts: _Parts, tasks: Tasks) -> None:
    router = parts.router
    tasks.start(parts.verifier.run(), "verifier")
    tasks.start(parts.vault.run(), "vault")
    tasks.start(parts.chain.run(), "chain")
    tasks.start(router.seat.run(), "seat")
    tasks.start(router.fetcher.run(), "fetcher")
    tasks.start(router.batcher.run(parts.genesis.params, tasks), "batcher")
