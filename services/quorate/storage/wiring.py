"""Creates the parts of the storage service and joins them; holds no logic."""

import asyncio
from dataclasses import dataclass
from typing import Final

import grpc

from quorate.api.contract.v1 import contract_pb2, contract_pb2_grpc
from quorate.api.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from quorate.api.storage.v1 import storage_pb2, storage_pb2_grpc
from quorate.api.transaction.v1 import transaction_pb2, transaction_pb2_grpc
from quorate.core.genesis import Genesis, parse_genesis
from quorate.kit.config import NodeConfig
from quorate.kit.rpc import Server, open_channel
from quorate.kit.tasks import Tasks
from quorate.storage.batch_store import BatchStore
from quorate.storage.catchup import CatchUp
from quorate.storage.chain import Chain, load_head
from quorate.storage.committer import Committer
from quorate.storage.contract_calls import Booth
from quorate.storage.contract_link import ContractLink
from quorate.storage.contract_servicer import ContractServicer
from quorate.storage.contract_slices import Runner
from quorate.storage.database import Database
from quorate.storage.executor import Executor
from quorate.storage.feed import Feed
from quorate.storage.gossip_link import GossipLink
from quorate.storage.ledger_servicer import ExecutedServicer, LedgerServicer
from quorate.storage.poison import Poisons
from quorate.storage.readiness import Readiness
from quorate.storage.roots import prepare
from quorate.storage.runner_state import RunnerState
from quorate.storage.servicer import StorageServicer
from quorate.storage.signals import Signal
from quorate.storage.simulation import SimulationServicer, Simulator
from quorate.storage.standings import Board
from quorate.storage.state_reader import StateReader
from quorate.storage.store import Store
from quorate.storage.writer import Writer

# A cut-off run whose calls wait for the contract-runner, or for the others, must not keep storage
# from serving: consensus needs it in order to decide about such calls.
OPEN_S: Final = 2.0


@dataclass
class Storage:
    """A running storage service; `api_port` is the port of its node API."""

    chain: Chain
    feed: Feed
    catch_up: CatchUp
    database: Database
    writer: Writer
    tasks: Tasks
    servers: tuple[Server, Server]
    booth: Booth
    channels: tuple[grpc.aio.Channel, ...]
    api_port: int

    async def wait_failed(self) -> None:
        """Return only by raising the error of a background task that died."""
        await self.tasks.wait_failed()

    async def stop(self) -> None:
        """Stop serving, end the tasks, close the database last."""
        self.chain.close_streams()
        await asyncio.gather(*[server.stop() for server in self.servers])
        await self.tasks.stop()
        await self.booth.close()
        await asyncio.gather(*[channel.close() for channel in self.channels])
        self.writer.close()
        self.database.close()


async def start(config: NodeConfig) -> Storage:
    """Start storage; returns once it serves. Raises RefusedToStart for what is on disk."""
    genesis = parse_genesis((config.home / "genesis.json").read_text())
    database = Database(config.home / "storage" / "db")
    try:
        prepare(database, genesis, config.home)
        return await _start(config, genesis, database)
    except BaseException:
        database.close()
        raise


async def _start(config: NodeConfig, genesis: Genesis, database: Database) -> Storage:
    store, writer = Store(database, genesis), Writer(database, Signal())
    reader = StateReader(store)
    contracts = open_channel(config.socket("contracts"))
    poisons = Poisons(store, writer)
    link = ContractLink(contracts)
    runner = Runner(link, poisons)
    executor = Executor(store, reader, genesis, runner)
    chain = Chain(store, BatchStore(database, store, writer), poisons, executor)
    load_head(chain, reader.height)
    channel = open_channel(config.socket("gossip"))
    gossip = GossipLink(channel)
    catch_up = CatchUp(chain, gossip, genesis)
    committer = Committer(chain, catch_up, gossip)
    feed = Feed(chain, genesis.params)
    tasks = Tasks()
    tasks.start(writer.run(), "disk probe")
    opening = tasks.start(chain.open(), "a run that was cut off")
    await asyncio.wait([opening], timeout=OPEN_S)
    if opening.done():
        await opening
    booth = Booth(link, store, genesis)
    state = RunnerState(runner, contracts, sandboxed=config.contracts_sandbox)
    executed = ExecutedServicer(feed, state)
    internal, public = _build_servers(committer, catch_up, executed, booth)
    internal.server.add_insecure_port(config.socket("storage"))
    port = public.server.add_insecure_port(config.storage_api_listen)
    for server in (internal, public):
        await server.start()
    tasks.start(chain.batches.run(), "batches")
    tasks.start(committer.run(), "commits")
    tasks.start(catch_up.watch(), "best height")
    tasks.start(catch_up.run(), "catch-up")
    tasks.start(catch_up.look_ahead(), "look-ahead")
    tasks.start(Readiness(chain, catch_up, (internal, public)).run(), "readiness")
    return Storage(
        chain,
        feed,
        catch_up,
        database,
        writer,
        tasks,
        (internal, public),
        booth,
        (channel, contracts),
        port,
    )


def _build_servers(
    committer: Committer, catch_up: CatchUp, executed: ExecutedServicer, booth: Booth
) -> tuple[Server, Server]:
    feed = executed.feed
    genesis = feed.chain.store.genesis
    own = storage_pb2.DESCRIPTOR.services_by_name
    ledger = ledger_pb2.DESCRIPTOR.services_by_name["LedgerService"].full_name
    trials = transaction_pb2.DESCRIPTOR.services_by_name["SimulationService"].full_name
    contracts = contract_pb2.DESCRIPTOR.services_by_name["ContractService"].full_name
    reads = [ledger, own["ExecutedService"].full_name, trials, contracts]
    simulator = Simulator(feed.chain, genesis, booth)
    board, reader = Board(feed.chain), ContractServicer(feed.chain, booth)
    internal, public = Server([own["StorageService"].full_name, *reads]), Server(reads)
    for server in (internal.server, public.server):
        ledger_pb2_grpc.add_LedgerServiceServicer_to_server(LedgerServicer(feed, board), server)
        storage_pb2_grpc.add_ExecutedServiceServicer_to_server(executed, server)
        transaction_pb2_grpc.add_SimulationServiceServicer_to_server(
            SimulationServicer(simulator), server
        )
        contract_pb2_grpc.add_ContractServiceServicer_to_server(reader, server)
    storage_pb2_grpc.add_StorageServiceServicer_to_server(
        StorageServicer(committer, catch_up, feed, genesis.params), internal.server
    )
    return internal, public
