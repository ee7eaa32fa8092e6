"""Validators that are frozen, away for long, or too few: the chain waits or goes on, and heals."""

import asyncio
import time

import pytest

from quorate.core.errors import Unavailable
from quorate.core.params import Params
from quorate.devnet import checks
from quorate.devnet.layout import Spec
from quorate.devnet.network import Network
from quorate.devnet.readiness import describe, wait_engine
from quorate.sdk.client import Client
from tests.devnet.agreement import assert_all_agree
from tests.devnet.conftest import StartNetwork
from tests.devnet.traffic import PATIENCE_S, Traffic

pytestmark = pytest.mark.devnet

PAUSE_S = 10.0
AWAY_BLOCKS = 1_000


async def test_leader_frozen_for_ten_seconds_costs_no_more_than_time(network: Network) -> None:
    frozen = network.layout.nodes[0]  # leads every fourth view
    async with Traffic(network) as traffic:
        await traffic.wait_executed(50)
        network.pause(frozen.name)
        deadline_s = time.monotonic() + PAUSE_S
        while time.monotonic() < deadline_s:
            await traffic.wait_executed(20)
        network.resume(frozen.name)
        await wait_engine(frozen, ("voting",), PATIENCE_S)
        await traffic.wait_executed(50)
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)


async def test_validator_away_for_a_thousand_blocks_catches_up(
    start_network: StartNetwork,
) -> None:
    network = await start_network(Spec(params=Params(block_interval_ms=5)))
    away, present = network.layout.nodes[3], network.layout.nodes[0]
    async with Traffic(network, rate_tps=100, transfers=32_000) as traffic:
        await traffic.wait_executed(50)
        await asyncio.to_thread(network.kill, away.name)
        start = await checks.read_height(present)
        await checks.read_block(present, start + AWAY_BLOCKS, 300.0)
        network.start(away.name)
        await checks.read_block(away, await checks.read_height(present), PATIENCE_S)
        await wait_engine(away, ("voting",), PATIENCE_S)
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)


async def test_two_of_four_away_halt_the_chain_but_not_reads_and_it_resumes_by_itself(
    network: Network,
) -> None:
    gone, present = [node.name for node in network.layout.nodes[2:]], network.layout.nodes[0]
    async with Traffic(network, rate_tps=50) as traffic:
        await traffic.wait_executed(50)
        await asyncio.gather(*[asyncio.to_thread(network.kill, name) for name in gone])
        height = await checks.read_height(present)
        with pytest.raises(Unavailable):
            await checks.read_block(present, height + 3, 3.0)
        async with Client(network.layout.endpoint) as client:
            assert (await client.status()).height >= height
            assert (await client.block(height)).height == height
        for name in gone:
            network.start(name)
        await traffic.wait_executed(20)
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)


async def test_idle_minute_passes_without_a_storm_of_views(start_network: StartNetwork) -> None:
    network = await start_network(Spec())
    node = network.layout.nodes[0]
    before, start_s = await describe(node), time.monotonic()
    height = await checks.read_height(node)
    # Heartbeats come every 15 s: four of them are the minute.
    block = await checks.read_block(node, height + 4, 90.0)
    elapsed_s = time.monotonic() - start_s
    after = await describe(node)
    assert elapsed_s > 30.0
    assert block.transactions == 0
    assert after.view - before.view <= 3 * (after.height - height) + 2
    assert after.height - height <= elapsed_s / 10


async def test_observer_follows_serves_reads_and_is_not_needed(
    start_network: StartNetwork,
) -> None:
    network = await start_network(Spec(observers=1))
    observer = network.layout.find_node("observer-0")
    async with Traffic(network) as traffic:
        await traffic.wait_executed(50)
        assert (await describe(observer)).engine == "observing"
        await asyncio.to_thread(network.kill, observer.name)
        await traffic.wait_executed(50)
        network.start(observer.name)
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    # The observer is one of the nodes: the same digest, read from its own storage.
    await assert_all_agree(network)
