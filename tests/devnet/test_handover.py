"""A seat moves to a fresh node under load, whatever becomes of the old one: it signs nothing more.

Every signed message in every log is checked: by which key, and in which epoch.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from quorate.core.errors import NotFound, Rejected
from quorate.devnet.faults.conditions import Condition
from quorate.devnet.faults.links import Links
from quorate.devnet.handover import HandoverReport, Moving
from quorate.devnet.layout import Node
from quorate.devnet.network import Network, temporary_network
from quorate.devnet.ports import find_free_ports
from quorate.devnet.readiness import wait_engine, wait_ready
from quorate.devnet.scaling import Scaling
from quorate.sdk.client import Client
from tests.devnet.agreement import assert_all_agree
from tests.devnet.conftest import StartNetwork
from tests.devnet.stake import SPEC, Steps, count_conflicts, list_epochs_signed, open_traffic
from tests.devnet.traffic import PATIENCE_S

pytestmark = pytest.mark.devnet

OLD = "validator-2"


@asynccontextmanager
async def under_load(network: Network) -> AsyncIterator[Client]:
    """Give a client while transfers go on; all of them must have succeeded in the end."""
    async with open_traffic(network) as traffic, Client(network.layout.endpoint) as client:
        await traffic.wait_executed(50)
        yield client
        await traffic.wait_executed(50)
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)


def check_report(report: HandoverReport) -> None:
    """Assert what must hold of any handover whose new node is well."""
    assert (report.source, report.name) == (OLD, OLD)
    assert report.missed_after <= 1
    assert report.outcomes.failed == {}


def check_fence(network: Network, old: Node, new: Node, boundary: int) -> None:
    """Assert that the old key signed only before the boundary and the new one only from it on."""
    by_old, by_new = (list_epochs_signed(network, node.seat_key) for node in (old, new))
    assert by_old and max(by_old) < boundary, (by_old, boundary)
    assert by_new and min(by_new) >= boundary, (by_new, boundary)
    assert count_conflicts(network) == 0


async def test_a_seat_moves_and_the_old_node_stops(start_network: StartNetwork) -> None:
    network = await start_network(SPEC)
    old = network.layout.find_node(OLD)
    others = [node.name for node in network.layout.nodes if node is not old]
    before = {name: network.processes.select(name)[0] for name in others}
    pids = {name: network.processes.find(program) for name, program in before.items()}
    async with under_load(network) as client:
        report = await Moving(network, client, Steps()).run("2")
        check_report(report)
        assert report.missed_before == 0
        new = network.layout.find_node(report.target)
        seats = await client.seats(report.epoch)
        assert [each.name for each in seats.seats] == [f"validator-{n}" for n in range(4)]
        assert seats.seats[2].public_key.hex() == new.seat_key
    assert network.layout.retired == (OLD,) and network.layout.handover is None
    assert {name: network.processes.find(program) for name, program in before.items()} == pids
    await assert_all_agree(network)
    await asyncio.to_thread(network.down)
    check_fence(network, old, new, report.epoch)


async def test_the_old_node_may_run_on(start_network: StartNetwork) -> None:
    network = await start_network(SPEC)
    old = network.layout.find_node(OLD)
    async with under_load(network) as client:
        report = await Moving(network, client, Steps()).run(OLD, keep_old=True)
        check_report(report)
        await wait_engine(old, ("observing",), PATIENCE_S)
    new = network.layout.find_node(report.target)
    await assert_all_agree(network)
    await asyncio.to_thread(network.down)
    check_fence(network, old, new, report.epoch)


async def test_the_old_node_may_be_cut_off() -> None:
    """It can be heard by nobody, and hears nobody, from before the handover until after it."""
    with temporary_network(SPEC) as network:
        old = network.layout.find_node(OLD)
        async with Links.open(network) as links:
            network.up()
            await links.aim()
            await wait_ready(network, PATIENCE_S)
            # Nor may the new node be a way to it.
            network.routes = {**network.routes, ("validator-4", OLD): find_free_ports(1)[0]}
            async with under_load(network) as client:
                rest = [node.name for node in network.layout.nodes if node is not old]
                await links.partition([rest])
                report = await Moving(network, client, Steps()).run(OLD, keep_old=True)
                check_report(report)
                await links.set_all(Condition())
                await wait_engine(old, ("observing",), PATIENCE_S)
            await asyncio.to_thread(network.down)
            check_fence(network, old, network.layout.find_node(report.target), report.epoch)


async def test_the_old_node_may_come_back_from_an_old_copy_of_its_volume(
    start_network: StartNetwork,
) -> None:
    """Twice: while it still holds the seat, and when it has lost it."""
    network = await start_network(SPEC)
    old = network.layout.find_node(OLD)
    home, copy = network.layout.home(old), network.layout.directory / "copies" / OLD

    async def restore() -> None:
        await asyncio.to_thread(network.kill, OLD)
        shutil.rmtree(home)
        shutil.copytree(copy, home)
        network.start(OLD)

    async with under_load(network) as client:
        await asyncio.to_thread(network.stop, OLD)
        shutil.copytree(home, copy)
        network.start(OLD)
        await wait_engine(old, ("voting",), PATIENCE_S)
        steps = Steps()
        moving = asyncio.create_task(Moving(network, client, steps).run(OLD, keep_old=True))
        assert await steps.wait_told("names the key", moving)
        logs = network.layout.directory / "first" / OLD / "consensus"
        shutil.copytree(home / "consensus", logs)
        await restore()
        report = await moving
        check_report(report)
        await wait_engine(old, ("observing",), PATIENCE_S)
        await restore()
        await wait_engine(old, ("observing",), PATIENCE_S)
    new = network.layout.find_node(report.target)
    await assert_all_agree(network)
    await asyncio.to_thread(network.down)
    check_fence(network, old, new, report.epoch)
    # What it had signed before its volume was put back is in a log that was kept.
    more = [logs.parent]
    assert count_conflicts(network, more) == 0
    assert max(list_epochs_signed(network, old.seat_key, more)) < report.epoch


async def test_an_interrupted_handover_goes_on_and_nothing_else_begins_meanwhile(
    start_network: StartNetwork,
) -> None:
    network = await start_network(SPEC)
    async with under_load(network) as client:
        for step in ("starts", "names the key"):
            steps = Steps()
            moving = asyncio.create_task(Moving(network, client, steps).run("2"))
            assert await steps.wait_told(step, moving)
            moving.cancel()
            await asyncio.gather(moving, return_exceptions=True)
            if step == "starts":
                assert network.layout.handover is not None
                with pytest.raises(Rejected) as refused:
                    await Moving(network, client, Steps()).run("1")
                assert refused.value.reason == "HANDOVER_UNDER_WAY"
                with pytest.raises(Rejected) as refused:
                    await Scaling(network, client, Steps()).run(5)
                assert refused.value.reason == "HANDOVER_UNDER_WAY"
        # Another process goes on by what lies in the directory.
        report = await Moving(Network.open(network.layout.directory), client, Steps()).run(OLD)
        check_report(report)
        with pytest.raises(NotFound) as missing:
            await Moving(network, client, Steps()).run("9")
        assert missing.value.reason == "NO_SEAT"
    assert (network.layout.retired, network.layout.handover) == ((OLD,), None)
