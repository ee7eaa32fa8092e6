"""Builds running networks of test nodes with a gateway in front."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from grpc import aio

from quorate.api.contract.v1 import contract_pb2_grpc
from quorate.api.ledger.v1 import ledger_pb2_grpc
from quorate.api.network.v1 import network_pb2_grpc
from quorate.api.transaction.v1 import transaction_pb2_grpc
from quorate.core.genesis import parse_genesis
from quorate.gateway import wiring
from quorate.kit import rpc
from quorate.kit.config import GatewayConfig
from quorate.kit.convert import decode_transaction
from tests.unit.quorate.gateway.chains import USER_ADDRESS, Chain, build_test_genesis, sign_transfer
from tests.unit.quorate.gateway.nodes import Node


class Network:
    """Nodes, a gateway in front of them, and stubs of a client."""

    def __init__(self, home: Path, seats: int) -> None:
        self.home = home
        self.genesis_text = build_test_genesis(seats=seats)
        self.genesis = parse_genesis(self.genesis_text)
        self.chain = Chain(self.genesis)
        self.nodes = [Node(self.chain, seat) for seat in range(seats)]
        self.gateway: wiring.Gateway | None = None
        self._channels: list[aio.Channel] = []

    @property
    def domain(self) -> bytes:
        return self.genesis.domain

    @property
    def target(self) -> str:
        assert self.gateway is not None
        return f"127.0.0.1:{self.gateway.port}"

    @property
    def sender(self) -> bytes:
        return USER_ADDRESS

    def transfer(self, sequence: int, lane: int = 0, **options: Any) -> bytes:
        return sign_transfer(self.domain, sequence, lane, **options)

    def id_of(self, raw: bytes) -> bytes:
        return decode_transaction(raw, self.domain).id

    async def start_nodes(self) -> None:
        for node in self.nodes:
            await node.start()

    async def start_gateway(self, **options: Any) -> None:
        path = self.home / "genesis.json"
        path.write_text(self.genesis_text)
        validators = [node.address for node in self.nodes]
        config = GatewayConfig(genesis=path, validators=validators, **options)
        self.gateway = await wiring.start(config)
        await self.gateway.wait_ready()

    async def restart_gateway(self) -> None:
        """Stop the gateway and start another one at the same address."""
        assert self.gateway is not None
        port = self.gateway.port
        await self.gateway.stop()
        await self.start_gateway(listen=f"127.0.0.1:{port}")

    def open(self, credentials: grpc.ChannelCredentials | None = None) -> Any:
        """Return stubs of all public services over a new channel."""
        channel = rpc.open_channel(self.target, credentials)
        self._channels.append(channel)
        return SimpleNamespace(
            channel=channel,
            transactions=transaction_pb2_grpc.TransactionServiceStub(channel),
            ledger=ledger_pb2_grpc.LedgerServiceStub(channel),
            network=network_pb2_grpc.NetworkServiceStub(channel),
            contracts=contract_pb2_grpc.ContractServiceStub(channel),
            trials=transaction_pb2_grpc.SimulationServiceStub(channel),
        )

    async def stop(self) -> None:
        for channel in self._channels:
            await channel.close()
        if self.gateway is not None:
            await self.gateway.stop()
        for node in self.nodes:
            await node.kill()

    def node_of(self, raw: bytes) -> Node:
        """Return the one node that received a transaction."""
        return next(node for node in self.nodes if raw in node.received)


Build = Callable[..., Awaitable[Network]]


@pytest.fixture
async def build_network(tmp_path: Path) -> AsyncIterator[Build]:
    """Return a builder of running networks; all are stopped after the test."""
    built: list[Network] = []

    async def build(
        seats: int = 4, prepare: Callable[[Network], None] = lambda _: None, **options: Any
    ) -> Network:
        network = Network(tmp_path, seats)
        built.append(network)
        prepare(network)
        await network.start_nodes()
        await network.start_gateway(**options)
        return network

    yield build
    for network in built:
        await network.stop()
