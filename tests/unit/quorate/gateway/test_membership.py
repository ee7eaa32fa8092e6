"""Validators that come to stand behind a running gateway, and that go, by what its file says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from quorate.api.ledger.v1 import ledger_pb2
from quorate.api.network.v1 import network_pb2
from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.core.errors import RefusedToStart
from quorate.gateway import wiring
from quorate.kit.config import ValidatorAddress, load_gateway_config
from tests.unit.quorate.gateway.conftest import Network
from tests.unit.quorate.gateway.nodes import Node

LIMIT_S = 60
Start = Callable[..., Awaitable[Network]]


def write(path: Path, network: Network, addresses: Sequence[ValidatorAddress]) -> None:
    lines = [f'genesis = "{network.home / "genesis.json"}"']
    for each in addresses:
        lines += [
            "[[validators]]", f'name = "{each.name}"', f'gossip = "{each.gossip}"',
            f'storage = "{each.storage}"',
        ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Give a function that starts nodes, and a gateway in front of the first few of them."""
    networks: list[Network] = []

    async def start(seats: int, behind: int) -> Network:
        network = Network(tmp_path, seats)
        networks.append(network)
        await network.start_nodes()
        (tmp_path / "genesis.json").write_text(network.genesis_text)
        path = tmp_path / "gateway.toml"
        write(path, network, [node.address for node in network.nodes[:behind]])
        network.gateway = await wiring.start(load_gateway_config(path))
        await network.gateway.wait_ready()
        return network

    yield start
    for network in networks:
        await network.stop()


async def wait_behind(network: Network, names: list[str]) -> None:
    """Return when the gateway reaches exactly these validators."""
    stub = network.open().network
    async with asyncio.timeout(LIMIT_S):
        while True:
            answer = await stub.ListValidators(network_pb2.ListValidatorsRequest())
            up = [
                each.name
                for each in answer.validators
                if each.state == network_pb2.VALIDATOR_STATE_VOTING
            ]
            if up == names:
                return


async def submit(network: Network, raw: bytes) -> None:
    await network.open().transactions.Submit(pb.SubmitRequest(transaction=raw), timeout=LIMIT_S)


async def test_a_validator_added_to_the_file_is_used(start: Start) -> None:
    network = await start(seats=2, behind=1)
    await wait_behind(network, ["v0"])
    write(network.home / "gateway.toml", network, [node.address for node in network.nodes])
    await wait_behind(network, ["v0", "v1"])
    await network.nodes[0].kill()
    await wait_behind(network, ["v1"])
    await submit(network, network.transfer(0))
    assert len(network.nodes[1].received) == 1


async def test_lanes_of_a_removed_validator_move_on(start: Start) -> None:
    network = await start(seats=2, behind=2)
    raw = network.transfer(0)
    await submit(network, raw)
    holder = network.node_of(raw)
    (other,) = [node for node in network.nodes if node is not holder]
    write(network.home / "gateway.toml", network, [other.address])
    await wait_behind(network, [other.name])
    async with asyncio.timeout(LIMIT_S):
        await other.wait_received(1)
    assert other.received == [raw]
    # Its own process runs on and hears nothing more.
    await submit(network, network.transfer(1))
    assert holder.received == [raw]


async def test_streams_read_from_a_removed_validator_go_on(start: Start) -> None:
    network = await start(seats=2, behind=2)
    raw = network.transfer(0)
    client = network.open()
    watch = client.transactions.Watch(
        pb.WatchRequest(senders=[network.sender]), wait_for_ready=True
    )
    assert (await watch.read()).HasField("cursor")
    blocks = client.ledger.WatchBlocks(ledger_pb2.WatchBlocksRequest(from_height=1))
    network.chain.execute([raw])
    assert (await blocks.read()).block.height == 1
    for remaining in (network.nodes[0], network.nodes[1]):
        # Whoever the streams are read from, it is removed once.
        write(network.home / "gateway.toml", network, [remaining.address])
        await wait_behind(network, [remaining.name])
        height = network.chain.execute([network.transfer(network.chain.height)])
        async with asyncio.timeout(LIMIT_S):
            assert (await blocks.read()).block.height == height
            await wait_executed(watch, height)


async def wait_executed(watch: Any, height: int) -> None:
    while (await watch.read()).executed.height < height:
        pass


async def test_a_validator_that_moved_keeps_its_name(start: Start) -> None:
    network = await start(seats=1, behind=1)
    await submit(network, network.transfer(0))
    moved = Node(network.chain, 0)
    await moved.start()
    write(network.home / "gateway.toml", network, [moved.address])
    async with asyncio.timeout(LIMIT_S):
        await moved.wait_received(1)
    await submit(network, network.transfer(1))
    assert len(moved.received) == 2
    network.nodes.append(moved)


@pytest.mark.parametrize(
    "text",
    ["", "validators = 3", 'genesis = "x"\nvalidators = []', "[[validators]\n", "\0"],
)
async def test_a_file_that_cannot_be_used_changes_nothing(
    start: Start, text: str, tmp_path: Path
) -> None:
    network = await start(seats=2, behind=1)
    assert network.gateway is not None
    before = list(network.gateway.members.backends)
    bad = tmp_path / "bad.toml"
    bad.write_text(text)
    with pytest.raises(RefusedToStart):
        network.gateway.members.read(bad, _Nobody())
    assert network.gateway.members.backends == before
    await wait_behind(network, ["v0"])


class _Nobody:
    """An owner whom nothing reaches."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was called")
