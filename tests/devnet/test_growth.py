"""A node joins a network that runs under load, and leaves it, and no other process restarts."""

import asyncio

import pytest

from quorate.core.errors import Rejected, Unavailable
from quorate.core.values import parse_address
from quorate.devnet import checks
from quorate.devnet.network import Network
from quorate.devnet.readiness import list_validators, wait_engine
from quorate.devnet.seat_keys import prove_seat, sign_ready
from tests.devnet.agreement import assert_all_agree
from tests.devnet.traffic import PATIENCE_S, Traffic
from tests.faults.lasting import last

pytestmark = pytest.mark.devnet


async def wait_synced(network: Network, name: str) -> int:
    """Return the epoch in which a node says that it is ready to vote."""
    node = network.layout.find_node(name)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return (await sign_ready(network.layout, node)).epoch
            except (Rejected, Unavailable):
                await last(0.1)


async def wait_behind(network: Network, names: list[str]) -> None:
    """Return when the gateway lists exactly these nodes, all reachable."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await list_validators(network.layout)
            up = [each.name for each in found if each.state in ("voting", "observing")]
            if sorted(up) == sorted(names) and len(found) == len(names):
                return
            await last(0.1)


async def test_a_spare_joins_under_load_and_leaves_and_nobody_restarts(network: Network) -> None:
    before = {each.name: network.processes.find(each) for each in network.processes.programs()}
    names = [node.name for node in network.layout.nodes]
    async with Traffic(network) as traffic:
        await traffic.wait_executed(50)
        node = await asyncio.to_thread(network.grow)
        assert await wait_synced(network, node.name) == 0
        proof = await prove_seat(network.layout, node)
        assert proof.seat_key.hex() == node.seat_key
        assert proof.candidate == parse_address(node.candidate)
        await wait_engine(node, ("observing",), PATIENCE_S)
        await wait_behind(network, [*names, node.name])
        await traffic.wait_executed(50)
        height = await checks.read_height(network.layout.nodes[0])
        await checks.read_block(node, height, PATIENCE_S)
        assert await asyncio.to_thread(network.retire, node.name) == []
        await wait_behind(network, names)
        await traffic.wait_executed(50)
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    assert {each.name: network.processes.find(each) for each in network.running()} == before
    assert (network.layout.directory / node.name / "storage" / "db").exists()
    await assert_all_agree(network)
