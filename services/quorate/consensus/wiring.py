"""Creates the parts of the consensus service and joins them; holds no logic."""

from dataclasses import dataclass, replace

import grpc

from quorate.api.consensus.v1 import consensus_pb2, consensus_pb2_grpc
from quorate.consensus.candidacy import Candidacy
from quorate.consensus.driver import Driver
from quorate.consensus.gossip_link import GossipLink
from quorate.consensus.reporting import Reporter
from quorate.consensus.seat_key import get_log_path, open_seat_key
from quorate.consensus.servicer import ConsensusServicer
from quorate.consensus.storage_link import StorageLink
from quorate.consensus.vote_log import VoteLog
from quorate.core.bft import events as on
from quorate.core.bft.engine import Engine, EngineSetup
from quorate.core.bft.log import Restored
from quorate.core.genesis import Genesis, parse_genesis
from quorate.core.values import parse_address
from quorate.kit.config import NodeConfig
from quorate.kit.rpc import Server, open_channel
from quorate.kit.tasks import Tasks


@dataclass
class Consensus:
    """A running consensus service."""

    tasks: Tasks
    server: Server
    gossip: GossipLink
    channels: list[grpc.aio.Channel]
    vote_log: VoteLog | None

    async def wait_failed(self) -> None:
        """Return only by raising the error of a background task that died."""
        await self.tasks.wait_failed()

    async def stop(self) -> None:
        """Stop voting first, then serving; close the vote log last."""
        await self.tasks.stop()
        await self.gossip.stop()
        await self.server.stop()
        for channel in self.channels:
            await channel.close()
        if self.vote_log is not None:
            self.vote_log.close()


async def start(config: NodeConfig) -> Consensus:
    """Start consensus; returns once the chain is open and the engine runs."""
    genesis = parse_genesis((config.home / "genesis.json").read_text())
    setup, vote_log = _open_seat(config, genesis)
    try:
        return await _start(config, genesis, setup, vote_log)
    except BaseException:
        if vote_log is not None:
            vote_log.close()
        raise


async def _start(
    config: NodeConfig, genesis: Genesis, setup: EngineSetup, vote_log: VoteLog | None
) -> Consensus:
    restored = Restored() if vote_log is None else vote_log.read()
    channels = [open_channel(config.socket("storage")), open_channel(config.socket("gossip"))]
    storage = StorageLink(channels[0], genesis, lambda make: driver.put(make))
    opening, epochs, held = await storage.open_chain(restored)
    engine = Engine(setup, opening, epochs)
    gossip = GossipLink(channels[1], engine, lambda make: driver.put(make))
    driver = Driver(engine, vote_log)
    driver.connect(gossip, storage)
    await driver.put(on.Started)
    await driver.put(lambda now, clock: on.BatchesHeld(now, clock, held))
    name = consensus_pb2.DESCRIPTOR.services_by_name["ConsensusService"].full_name
    server = Server([name])
    candidate = parse_address(config.candidate) if config.candidate else b""
    candidacy = Candidacy(candidate, driver, (gossip, storage), channels[0])
    servicer = ConsensusServicer(driver, storage, candidacy)
    consensus_pb2_grpc.add_ConsensusServiceServicer_to_server(servicer, server.server)
    server.server.add_insecure_port(config.socket("consensus"))
    await server.start()
    await server.set_ready(True)
    tasks = Tasks()
    tasks.start(driver.run(), "engine")
    tasks.start(storage.run(), "storage link")
    tasks.start(gossip.run(), "gossip link")
    if setup.key is not None and vote_log is not None:
        reporter = Reporter(
            setup.key, genesis.domain, engine.get_seat_key,
            genesis.params.validity_max_blocks, (channels[0], channels[1]),
        )  # fmt: skip
        reporter.resume(vote_log.list_evidence())
        driver.on_evidence = reporter.note
        tasks.start(reporter.run(), "reporter")
    return Consensus(tasks, server, gossip, channels, vote_log)


def _open_seat(config: NodeConfig, genesis: Genesis) -> tuple[EngineSetup, VoteLog | None]:
    setup = EngineSetup(domain=genesis.domain, params=genesis.params)
    if config.observer:
        return setup, None
    key = open_seat_key(config.home)
    vote_log = VoteLog(get_log_path(config.home), genesis.hash, key.public_key)
    return replace(setup, key=key), vote_log
