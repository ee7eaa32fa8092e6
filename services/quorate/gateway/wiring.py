"""Creates the parts of a gateway and joins them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import grpc
from prometheus_client import start_http_server

from quorate.api.contract.v1 import contract_pb2, contract_pb2_grpc
from quorate.api.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from quorate.api.network.v1 import network_pb2, network_pb2_grpc
from quorate.api.transaction.v1 import transaction_pb2, transaction_pb2_grpc
from quorate.core.errors import RefusedToStart
from quorate.core.genesis import Genesis, parse_genesis
from quorate.gateway.backends import Backend
from quorate.gateway.contracts import ContractServicer
from quorate.gateway.dispatch import Dispatcher
from quorate.gateway.explaining import Explainer
from quorate.gateway.fees import Estimator
from quorate.gateway.hub import Hub
from quorate.gateway.ledger import LedgerServicer, Reads
from quorate.gateway.limits import Streams
from quorate.gateway.membership import Membership, check_addresses
from quorate.gateway.network import NetworkServicer
from quorate.gateway.pending import Pending
from quorate.gateway.transactions import Desks, SimulationServicer, TransactionServicer
from quorate.kit import metrics, rpc
from quorate.kit.config import GatewayConfig
from quorate.kit.tasks import Tasks

SERVICES = (
    transaction_pb2.DESCRIPTOR.services_by_name["TransactionService"].full_name,
    ledger_pb2.DESCRIPTOR.services_by_name["LedgerService"].full_name,
    network_pb2.DESCRIPTOR.services_by_name["NetworkService"].full_name,
    transaction_pb2.DESCRIPTOR.services_by_name["SimulationService"].full_name,
    contract_pb2.DESCRIPTOR.services_by_name["ContractService"].full_name,
)
HEALTH_S = 0.25


class Gateway:
    """A running gateway; `port` is where it listens."""

    def __init__(self, members: Membership, server: rpc.Server, hub: Hub) -> None:
        self.members, self._server, self._hub = members, server, hub
        self._tasks = hub.tasks
        self.port = 0

    async def wait_ready(self) -> None:
        """Return when the chain's head is known and every validator was tried once."""
        await self._hub.wait_started()
        await asyncio.gather(*[each.wait_tried() for each in self.members.backends])

    async def stop(self) -> None:
        """Say NOT_SERVING, let calls end for a while, then close."""
        await self._server.stop()
        await self._tasks.stop()
        await self.members.close()

    async def wait_failed(self) -> None:
        """Return only by raising the error of a background task that died."""
        await self._tasks.wait_failed()


async def start(config: GatewayConfig) -> Gateway:
    """Start a gateway; it serves at once, and is healthy when a validator answers."""
    genesis = parse_genesis(_read(config.genesis))
    check_addresses(config.validators)
    tasks = Tasks()
    members = Membership(genesis.domain, tasks)
    backends = members.backends
    hub = Hub(backends, tasks, genesis.root.header.height + 1)
    pending = Pending(config.pending_bytes_max)
    dispatcher = Dispatcher(backends, genesis, pending, hub)
    server = _build_server(config, genesis, backends, dispatcher, hub)
    gateway = Gateway(members, server, hub)
    gateway.port = _listen(server, config)
    await server.start()
    if config.metrics_listen:
        host, _, port = config.metrics_listen.rpartition(":")
        start_http_server(int(port), host)
    members.start(config, dispatcher)
    tasks.start(hub.run(dispatcher.handle_executed), "executed-feed")
    tasks.start(dispatcher.sweep(), "sweep")
    tasks.start(_report(server, backends, pending), "health")
    return gateway


def _build_server(
    config: GatewayConfig,
    genesis: Genesis,
    backends: Sequence[Backend],
    dispatcher: Dispatcher,
    hub: Hub,
) -> rpc.Server:
    server, reads, streams = rpc.Server(SERVICES), Reads(backends), Streams(config.streams_max)
    explainer = Explainer(backends, hub, reads, dispatcher.pending)
    desks = Desks(Estimator(backends, genesis, reads), explainer)
    transaction_pb2_grpc.add_TransactionServiceServicer_to_server(
        TransactionServicer(dispatcher, hub, reads, streams, desks), server.server
    )
    transaction_pb2_grpc.add_SimulationServiceServicer_to_server(
        SimulationServicer(reads), server.server
    )
    ledger_pb2_grpc.add_LedgerServiceServicer_to_server(
        LedgerServicer(backends, reads, streams), server.server
    )
    contract_pb2_grpc.add_ContractServiceServicer_to_server(
        ContractServicer(backends, streams), server.server
    )
    network_pb2_grpc.add_NetworkServiceServicer_to_server(
        NetworkServicer(backends, genesis, reads), server.server
    )
    return server


def _listen(server: rpc.Server, config: GatewayConfig) -> int:
    if (config.tls_certificate is None) != (config.tls_key is None):
        raise RefusedToStart("TLS needs both tls_certificate and tls_key", reason="BAD_CONFIG")
    try:
        if config.tls_certificate is None or config.tls_key is None:
            return server.server.add_insecure_port(config.listen)
        pair = (config.tls_key.read_bytes(), config.tls_certificate.read_bytes())
        credentials = grpc.ssl_server_credentials([pair])
        return server.server.add_secure_port(config.listen, credentials)
    except (OSError, RuntimeError) as error:
        message = f"cannot listen on {config.listen}: {error}"
        raise RefusedToStart(message, reason="CANNOT_LISTEN") from error


async def _report(server: rpc.Server, backends: Sequence[Backend], pending: Pending) -> None:
    was_ready = False
    while True:
        reachable = sum(backend.is_up for backend in backends)
        metrics.GATEWAY_REACHABLE.set(reachable)
        metrics.GATEWAY_PENDING_BYTES.set(pending.bytes)
        if (reachable > 0) != was_ready:
            was_ready = reachable > 0
            await server.set_ready(was_ready)
        await asyncio.sleep(HEALTH_S)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise RefusedToStart(f"cannot read {path}: {error}", reason="NO_GENESIS") from error
