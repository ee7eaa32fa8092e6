"""Epochs end and begin among real processes, with load, with kills, and with other seats."""

import asyncio
import time

import pytest

from quorate.core.params import Params
from quorate.devnet import checks
from quorate.devnet.audit import merge_audit_logs
from quorate.devnet.layout import Spec
from quorate.devnet.network import Network
from quorate.devnet.readiness import describe, wait_engine
from quorate.sdk.client import Client
from tests.devnet.agreement import assert_all_agree
from tests.devnet.conftest import StartNetwork
from tests.devnet.traffic import PATIENCE_S, Traffic

pytestmark = pytest.mark.devnet

EPOCH_BLOCKS = 60


async def wait_epoch(network: Network, epoch: int, timeout_s: float) -> None:
    """Return when the network's chain has reached an epoch."""
    deadline_s = time.monotonic() + timeout_s
    async with Client(network.layout.endpoint) as client:
        async for block in client.watch_blocks():
            if block.epoch >= epoch:
                return
            assert time.monotonic() < deadline_s, f"epoch {block.epoch} still runs"


async def test_load_goes_on_over_epochs_whose_seats_change(start_network: StartNetwork) -> None:
    params = Params(epoch_blocks=EPOCH_BLOCKS)
    network = await start_network(Spec(leaving=1, joining=2, params=params))
    nodes = network.layout.nodes
    async with Traffic(network) as traffic:
        await wait_epoch(network, 3, 120.0)
        await traffic.wait_executed(200)
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)
    found = [await describe(node) for node in nodes]
    assert [each.seat if each.HasField("seat") else None for each in found] == [None, *range(5)]
    assert [each.engine for each in found] == ["observing"] + ["voting"] * 5
    async with Client(network.layout.endpoint) as client:
        sets = [await client.seats(epoch) for epoch in (0, 1, 3)]
    names = [[seat.name for seat in each.seats] for each in sets]
    assert (
        names
        == [[f"validator-{n}" for n in range(4)]] + [[f"validator-{n}" for n in range(1, 6)]] * 2
    )


async def test_a_validator_killed_in_one_epoch_comes_back_in_a_later_one(
    start_network: StartNetwork,
) -> None:
    network = await start_network(Spec(params=Params(epoch_blocks=EPOCH_BLOCKS)))
    away = network.layout.nodes[2]
    async with Traffic(network) as traffic:
        await traffic.wait_executed(50)
        await asyncio.to_thread(network.kill, away.name)
        await wait_epoch(network, 3, 120.0)
        network.start(away.name)
        await wait_engine(away, ("voting",), PATIENCE_S)
        await checks.read_block(away, await checks.read_height(network.layout.nodes[0]), PATIENCE_S)
        await traffic.wait_executed(100)
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)


async def test_a_network_that_was_down_resumes_in_its_epoch(start_network: StartNetwork) -> None:
    params = Params(epoch_blocks=EPOCH_BLOCKS)
    network = await start_network(Spec(leaving=1, joining=1, params=params))
    async with Traffic(network) as traffic:
        await wait_epoch(network, 2, 120.0)
        await traffic.settle()
    await asyncio.to_thread(network.down)
    network.up()
    for node in network.layout.nodes[1:]:
        await wait_engine(node, ("voting",), PATIENCE_S)
    async with Traffic(network, lane=1) as traffic:
        await traffic.wait_executed(100)
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)


async def test_an_idle_chain_passes_epochs_by_time(start_network: StartNetwork) -> None:
    network = await start_network(Spec(params=Params(epoch_ms=2_000, heartbeat_ms=500)))
    await wait_epoch(network, 3, 60.0)
    async with Traffic(network, rate_tps=100) as traffic:
        await traffic.wait_executed(50)
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)


async def test_all_killed_around_boundaries_sign_nothing_twice(
    start_network: StartNetwork,
) -> None:
    network = await start_network(Spec(params=Params(epoch_blocks=8)))
    names = [node.name for node in network.layout.nodes]
    async with Traffic(network, rate_tps=100) as traffic:
        for _ in range(4):
            async with Client(network.layout.endpoint) as client:
                running = (await client.seats()).running_epoch
            await wait_epoch(network, running + 1, PATIENCE_S)
            await asyncio.gather(*[asyncio.to_thread(network.kill, name) for name in names])
            for name in names:
                network.start(name)
            for node in network.layout.nodes:
                await wait_engine(node, ("voting",), PATIENCE_S)
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)
    await asyncio.to_thread(network.down)
    report = merge_audit_logs([network.layout.home(node) for node in network.layout.nodes])
    assert report.messages > 0 and report.conflicts == 0
