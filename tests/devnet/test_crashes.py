"""kill -9 of a validator, of each role, of everybody: nothing final is lost, voting resumes."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from quorate.devnet import checks, system
from quorate.devnet.layout import ROLES, Spec
from quorate.devnet.network import Network
from quorate.devnet.readiness import wait_engine
from quorate.sdk.client import Client
from quorate.sdk.values import Outcome
from tests.devnet.agreement import assert_all_agree
from tests.devnet.conftest import StartNetwork
from tests.devnet.traffic import PATIENCE_S, Traffic

pytestmark = pytest.mark.devnet

VICTIM = "validator-1"
BACK_TO_VOTING_S = 5.0
# Where other work leaves little of the machine, loading Python alone takes longer than that.
LOADINGS = 3
LOADS = "import quorate.storage.wiring, quorate.gossip.wiring, quorate.consensus.wiring"
TRIES = 3


def measure_loading_s() -> float:
    """Return how long this machine, busy as it is, takes to load what a validator is made of."""
    started_s = time.monotonic()
    subprocess.run([sys.executable, "-c", LOADS], check=True)
    return time.monotonic() - started_s


def is_soon(seen: tuple[float, float]) -> bool:
    """Tell whether a validator was back in time, given (its seconds, those of mere loading)."""
    took_s, loads_s = seen
    return took_s <= max(BACK_TO_VOTING_S, LOADINGS * loads_s)


async def test_killed_validator_votes_again_within_five_seconds(network: Network) -> None:
    async with Traffic(network) as traffic:
        await traffic.wait_executed(50)
        seen = list[tuple[float, float]]()
        while not seen or (not any(map(is_soon, seen)) and len(seen) < TRIES):
            await asyncio.to_thread(network.kill, VICTIM)
            await traffic.wait_executed(100)
            loads_s = await asyncio.to_thread(measure_loading_s)
            network.start(VICTIM)
            node = network.layout.find_node(VICTIM)
            seen.append((await wait_engine(node, ("voting",), PATIENCE_S), loads_s))
            await traffic.wait_executed(100)
        outcome = await traffic.settle()
    assert any(map(is_soon, seen)), seen
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)


async def test_helpers_end_with_a_validator_that_is_killed(network: Network) -> None:
    program = network.processes.select(VICTIM)[0]
    process = network.processes.find(program)
    assert process is not None
    helpers = [system.identify(pid) for pid in system.list_tree(process.pid)[1:]]
    # The process alone: its helpers must notice by themselves.
    os.kill(process.pid, signal.SIGKILL)
    for helper in helpers:
        assert helper is None or await asyncio.to_thread(system.wait_gone, helper, PATIENCE_S)


@pytest.mark.parametrize("role", ROLES)
async def test_killed_role_comes_back_and_its_validator_votes(
    start_network: StartNetwork, role: str
) -> None:
    network = await start_network(Spec(split=True))
    async with Traffic(network, rate_tps=50) as traffic:
        await traffic.wait_executed(25)
        await asyncio.to_thread(network.kill, VICTIM, role)
        await traffic.wait_executed(50)
        network.start(VICTIM, role)
        await wait_engine(network.layout.find_node(VICTIM), ("voting",), PATIENCE_S)
        await traffic.wait_executed(50)
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)


async def test_all_four_killed_at_once_again_and_again_lose_nothing_final(
    network: Network, rng: random.Random
) -> None:
    names = [node.name for node in network.layout.nodes]
    async with Traffic(network) as traffic:
        for _ in range(4):
            # Anywhere in a view: a number of executions at random, then at once.
            await traffic.wait_executed(rng.randint(10, 80))
            height = await checks.read_height(network.layout.nodes[0])
            before = await checks.read_block(network.layout.nodes[0], height)
            await asyncio.gather(*[asyncio.to_thread(network.kill, name) for name in names])
            for name in names:
                network.start(name)
            await traffic.wait_executed(1)
            after = await asyncio.gather(
                *[checks.read_block(node, height) for node in network.layout.nodes]
            )
            assert {block.digest for block in after} == {before.digest}
            assert {block.write_digest for block in after} == {before.write_digest}
        outcome = await traffic.settle()
        assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
        async with Client(network.layout.endpoint) as client:
            for id_ in rng.sample(traffic.ids, 50):
                assert (await client.receipt(id_)).outcome is Outcome.SUCCEEDED
    await assert_all_agree(network)
