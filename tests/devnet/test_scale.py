"""Validators come by election and go by resignation, under load; nobody else is restarted."""

import asyncio

import pytest

from quorate.core.errors import InvalidInput
from quorate.core.values import compute_faults, compute_quorum
from quorate.devnet.network import Network
from quorate.devnet.readiness import describe, wait_engine
from quorate.devnet.scaling import Scaling
from quorate.sdk.client import Client
from tests.devnet.conftest import StartNetwork
from tests.devnet.stake import (
    SPEC,
    Steps,
    assert_money_adds_up,
    count_conflicts,
    open_traffic,
    read_sizes,
)
from tests.devnet.traffic import PATIENCE_S

pytestmark = pytest.mark.devnet


async def test_scale_to_seven_and_back_to_four_under_load(start_network: StartNetwork) -> None:
    network = await start_network(SPEC)
    before = {each.name: network.processes.find(each) for each in network.processes.programs()}
    steps = Steps()
    async with open_traffic(network) as traffic, Client(network.layout.endpoint) as client:
        await traffic.wait_executed(50)
        grown = await Scaling(network, client, steps).run(7)
        owners = [node.candidate for node in network.layout.nodes[4:]]
        await traffic.wait_executed(50)
        assert grown.seats == tuple(f"validator-{number}" for number in range(7))
        assert [(await describe(node)).engine for node in network.layout.nodes] == ["voting"] * 7
        shrunk = await Scaling(network, client, steps).run(4)
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    assert grown.outcomes.failed == shrunk.outcomes.failed == {}
    assert shrunk.seats == tuple(f"validator-{number}" for number in range(4))
    _assert_lawful([*grown.epochs, *shrunk.epochs])
    assert {each.name: network.processes.find(each) for each in network.running()} == before
    assert network.layout.retired == tuple(
        step.split(" ")[0] for step in steps.done if "is stopped" in step
    )
    await assert_money_adds_up(network, owners)
    await asyncio.to_thread(network.down)
    assert count_conflicts(network) == 0


def _assert_lawful(epochs: list) -> None:  # type: ignore[type-arg]
    sizes = {}
    for each in epochs:
        assert each.quorum == each.seats - each.faults == compute_quorum(each.seats)
        sizes[each.epoch] = each.seats
    assert max(sizes.values()) == 7 and min(sizes.values()) == 4
    for epoch in sorted(sizes)[1:]:
        # At most f seats leave at a boundary.
        assert sizes[epoch - 1] - sizes[epoch] <= compute_faults(sizes[epoch - 1])


async def test_an_interrupted_scaling_goes_on_and_a_done_one_changes_nothing(
    start_network: StartNetwork,
) -> None:
    network = await start_network(SPEC)
    async with open_traffic(network) as traffic, Client(network.layout.endpoint) as client:
        await traffic.wait_executed(20)
        for wanted_step in ("starts", "is a candidate"):
            await _interrupt_after(network, client, wanted_step)
        report = await Scaling(network, client, Steps()).run(5)
        assert len(report.seats) == 5 and len(network.layout.nodes) == 5
        steps = Steps()
        again = await Scaling(network, client, steps).run(5)
        assert (again.seats, steps.done) == (report.seats, [])
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    # All of it may go down and come back: what was added is part of the network.
    await asyncio.to_thread(network.down)
    network = Network.open(network.layout.directory)
    network.up()
    for node in network.layout.nodes:
        await wait_engine(node, ("voting",), PATIENCE_S)
    async with Client(network.layout.endpoint) as client:
        running = (await client.seats()).running_epoch
    assert await read_sizes(network, running, running) == [5]
    await asyncio.to_thread(network.down)
    assert count_conflicts(network) == 0


async def _interrupt_after(network: Network, client: Client, step: str) -> None:
    """Run a scaling to 5 seats until it has told of a step, then drop it as Ctrl-C does."""
    steps = Steps()
    running = asyncio.create_task(Scaling(network, client, steps).run(5))
    assert await steps.wait_told(step, running)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_numbers_that_cannot_be_are_refused(network: Network) -> None:
    async with Client(network.layout.endpoint) as client:
        for seats in (-1, 0, 3, 32):
            with pytest.raises(InvalidInput, match="4 to 31"):
                await Scaling(network, client, Steps()).run(seats)
    assert len(network.layout.nodes) == 4
