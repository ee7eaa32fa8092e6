"""Creates the parts of the gossip service and joins them; holds no logic."""

from dataclasses import dataclass

from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2, gossip_pb2_grpc
from quorate.core.genesis import parse_genesis
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
from quorate.gossip.fetcher import Fetcher
from quorate.gossip.frames import FrameHandler
from quorate.gossip.hub import Hub
from quorate.gossip.identity import load_node
from quorate.gossip.ingress import Describer, Ingress
from quorate.gossip.own_seat import OwnSeat
from quorate.gossip.peers import PeerTable
from quorate.gossip.receiver import Receiver
from quorate.gossip.records import build_record
from quorate.gossip.routing import Router
from quorate.gossip.servicer import GossipServicer
from quorate.gossip.stages import StageFeed
from quorate.gossip.vault import Vault
from quorate.gossip.verifier import Verifier
from quorate.kit.config import NodeConfig
from quorate.kit.rpc import Server, open_channel
from quorate.kit.tasks import Tasks


@dataclass
class Gossip:
    """A running gossip service; `router` and `verifier` are there for tests to look at."""

    tasks: Tasks
    servers: list[Server]
    peer_server: PeerServer
    channels: list[aio.Channel]
    verifier: Verifier
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


async def start(config: NodeConfig) -> Gossip:
    """Start gossip; siblings and peers may come up later."""
    genesis = parse_genesis((config.home / "genesis.json").read_text())
    identity, tasks = load_node(config.home), Tasks()
    storage, consensus = (open_channel(config.socket(role)) for role in ("storage", "consensus"))

    mempool, held = (
        Mempool(genesis.params, config.mempool_bytes_max),
        HeldBatches(len(genesis.seats)),
    )
    table, stages, pace = PeerTable(identity.node_id, config), StageFeed(held), Pace()
    seat, verifier, vault = OwnSeat(consensus, identity.node_id), Verifier(genesis), Vault(storage)
    chain, hub = ChainFollower(storage, mempool, held), Hub(held, table)
    spread = Dissemination(held, table, hub, stages, seat)
    batcher = Batcher(mempool, spread, seat, vault, table)
    receiver = Receiver(genesis, mempool, verifier, vault, spread)
    fetcher, answerer = Fetcher(table, receiver, spread), Answerer(storage, table, tasks)
    servicer = GossipServicer(table, hub, fetcher, spread, seat)
    router = Router(
        table=table, hub=hub, spread=spread, receiver=receiver, fetcher=fetcher,
        answerer=answerer, batcher=batcher, stages=stages, seat=seat, mempool=mempool, pace=pace,
        servicer=servicer,
    )  # fmt: skip
    ingress = Ingress(Admission(mempool, verifier, chain, pace), batcher, stages, held)
    ingress.seat = seat
    ingress.describer = Describer(identity.node_id, genesis, table, seat, mempool)
    table.on_change, table.on_height = router.handle_change, servicer.note_height
    seat.on_change, chain.on_block = router.handle_seat, router.handle_block
    chain.on_open = spread.handle_open
    receiver.start(table, tasks)

    peer_server = PeerServer(
        table, identity, genesis, FrameHandler(table, genesis, router), fetcher
    )
    peer_port = peer_server.bind(config.peer_listen)
    host = config.peer_listen.rpartition(":")[0]
    record = build_record(identity, config.peer_advertise or f"{host}:{peer_port}", genesis)
    names = gossip_pb2.DESCRIPTOR.services_by_name
    internal = Server([names["GossipService"].full_name])
    gossip_pb2_grpc.add_GossipServiceServicer_to_server(servicer, internal.server)
    internal.server.add_insecure_port(config.socket("gossip"))
    api = Server([names["IngressService"].full_name])
    gossip_pb2_grpc.add_IngressServiceServicer_to_server(ingress, api.server)
    api_port = api.server.add_insecure_port(config.gossip_api_listen)

    tasks.start(verifier.run(), "verifier")
    tasks.start(vault.run(), "vault")
    tasks.start(chain.run(), "chain")
    tasks.start(seat.run(), "seat")
    tasks.start(fetcher.run(), "fetcher")
    tasks.start(batcher.run(genesis.params, tasks), "batcher")
    await peer_server.start(record)
    for server in (internal, api):
        await server.start()
        await server.set_ready(True)
    Dialler(table, identity, record, genesis).start(tasks)
    return Gossip(
        tasks, [api, internal], peer_server, [storage, consensus], verifier, router, peer_port,
        api_port,
    )  # fmt: skip
