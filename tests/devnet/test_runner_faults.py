"""Contract-runners that are killed, hang, are away, or die of a call: the chain goes on."""

import asyncio
import random
import resource
import signal
from dataclasses import replace

import pytest

from quorate.contracts import planted
from quorate.core.params import Params
from quorate.devnet import checks
from quorate.devnet.accounts import load_accounts
from quorate.devnet.layout import Spec
from quorate.devnet.network import Network
from quorate.devnet.readiness import wait_engine, wait_ready
from quorate.lang.build import build
from quorate.sdk.client import Client
from quorate.sdk.contract_sending import ContractFailed
from quorate.sdk.contracts import Deal, deploy
from quorate.sdk.keys import Key
from quorate.sdk.sender import Sender
from tests.devnet.agreement import assert_all_agree
from tests.devnet.conftest import StartNetwork
from tests.devnet.counting import (
    DEPLOY_FUEL,
    LONG_S,
    SOURCE,
    Counting,
    Runner,
    find_runner,
    read_heights,
    restart,
    signal_all,
    wait_suspected,
)
from tests.devnet.traffic import PATIENCE_S, Traffic
from tests.faults.lasting import last

pytestmark = pytest.mark.devnet

LAG = 8


def list_names(network: Network) -> list[str]:
    return [node.name for node in network.layout.nodes]


async def test_a_call_that_kills_every_runner_becomes_a_trap_and_the_chain_goes_on(
    network: Network,
) -> None:
    async with Counting(network) as counting:
        assert await counting.call() == ""
        for name in list_names(network):
            await restart(network, name, planted.ABORT)
        async with asyncio.timeout(LONG_S):
            assert await counting.call("planted") == "POISONED"
        assert await counting.call() == ""
        assert await counting.counter.read("count") == 2
        async with asyncio.timeout(LONG_S):
            reasons = await asyncio.gather(
                *[counting.call(method) for method in ("add", "planted", "add", "planted")]
            )
        assert reasons == ["", "POISONED", "", "POISONED"]
    await assert_all_agree(network)


async def test_a_constructor_that_kills_every_runner_deploys_nothing(network: Network) -> None:
    async with Counting(network) as counting:
        for name in list_names(network):
            await restart(network, name, planted.ABORT, "init")
        key = Key(load_accounts(network.layout.directory).load_seed(61))
        async with (
            Client(network.layout.endpoint) as client,
            Sender(client, key) as sender,
            asyncio.timeout(LONG_S),
        ):
            deal = Deal(fuel_limit=DEPLOY_FUEL)
            with pytest.raises(ContractFailed) as raised:
                await deploy(client, sender, build(SOURCE, "counter.py"), deal=deal)
        assert raised.value.reason == "POISONED"
        assert await counting.call() == ""
    await assert_all_agree(network)


async def test_one_runner_that_dies_waits_alone_and_comes_back_when_it_lives(
    network: Network,
) -> None:
    victim = network.layout.nodes[2]
    async with Counting(network) as counting, Traffic(network, rate_tps=40) as traffic:
        await restart(network, victim.name, planted.ABORT)
        assert await counting.call("planted") == ""
        counting.start()
        await counting.wait_done(40)
        await traffic.wait_executed(100)
        heights = [await checks.read_height(node) for node in network.layout.nodes]
        assert heights[2] < min(heights[:2])
        await restart(network, victim.name)
        height = await checks.read_height(network.layout.nodes[0])
        await checks.read_block(victim, height, PATIENCE_S)
        outcome = await traffic.settle()
        counting.done += 1_000_000
        await counting.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)


async def test_runners_killed_again_and_again_amid_blocks_change_no_result(
    network: Network, rng: random.Random
) -> None:
    picks = [lambda runner: runner.children, lambda runner: [runner.spawner]]
    async with Counting(network) as counting, Traffic(network, rate_tps=40) as traffic:
        counting.start()
        await counting.wait_done(20)
        killed = 0
        for turn in range(6):
            killed += await signal_all(network, signal.SIGKILL, picks[turn % 2])
            await counting.wait_done(rng.randint(1, 30))
        assert killed >= 6
        await counting.settle()
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)


async def test_runners_out_of_memory_are_replaced(network: Network) -> None:
    def starve(runner: Runner) -> list[int]:
        for pid in runner.children:
            # Not a byte more than what it has.
            resource.prlimit(pid, resource.RLIMIT_AS, (1, 1))
        return []

    def list_children() -> set[int]:
        found = [find_runner(network, node) for node in network.layout.nodes]
        return {pid for runner in found if runner is not None for pid in runner.children}

    async with Counting(network) as counting:
        counting.start()
        await counting.wait_done(10)
        before = list_children()
        await signal_all(network, signal.SIGCONT, starve)
        # Another contract's code is more than they have room for.
        source = SOURCE.replace("class Counter", "class Other").replace("1_000_000", "2_000_000")
        async with Counting(network, account=61, source=source) as other:
            assert await other.call() == ""
        await counting.wait_done(10)
        assert before - list_children(), "none of them died"
        await counting.settle()
    await assert_all_agree(network)


async def test_children_that_hang_are_killed_and_the_block_is_executed(network: Network) -> None:
    async with Counting(network) as counting:
        counting.start()
        await counting.wait_done(10)
        stopped = await signal_all(network, signal.SIGSTOP, lambda runner: runner.children)
        assert stopped >= 4
        await counting.wait_done(20, LONG_S)
        await counting.settle()
    await assert_all_agree(network)


async def test_while_runners_are_away_transfers_go_on_and_calls_wait_within_the_lag(
    start_network: StartNetwork,
) -> None:
    params = replace(Params(), execution_lag_max=LAG, heartbeat_ms=1_000)
    network = await start_network(Spec(split=True, params=params))
    async with Counting(network) as counting, Traffic(network, rate_tps=40) as traffic:
        assert await counting.call() == ""
        for name in list_names(network):
            await asyncio.to_thread(network.kill, name, "contracts")
        await traffic.wait_executed(200)
        waiting = asyncio.create_task(counting.call())
        await last(15.0)
        assert not waiting.done()
        for node in network.layout.nodes:
            final, executed = await read_heights(network, node)
            assert final > executed + LAG, "ordering goes on, without batches"
        states = [await wait_engine(n, ("voting",), PATIENCE_S) for n in network.layout.nodes]
        assert len(states) == 4
        before = await checks.read_height(network.layout.nodes[0])
        for name in list_names(network):
            network.start(name, "contracts")
        assert await waiting == ""
        await traffic.wait_executed(100)
        assert await checks.read_height(network.layout.nodes[0]) > before
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)


async def test_one_runner_away_for_a_while_is_caught_up_with(start_network: StartNetwork) -> None:
    network = await start_network(Spec(split=True))
    victim = network.layout.nodes[1]
    async with Counting(network) as counting:
        counting.start()
        await counting.wait_done(10)
        await asyncio.to_thread(network.pause, victim.name, "contracts")
        await counting.wait_done(40)
        await asyncio.to_thread(network.resume, victim.name, "contracts")
        await counting.wait_done(10)
        await asyncio.to_thread(network.kill, victim.name, "contracts")
        await counting.wait_done(40)
        network.start(victim.name, "contracts")
        await counting.wait_done(10)
        await counting.settle()
    await assert_all_agree(network)


async def test_a_call_that_never_ends_costs_its_fuel_and_no_more(network: Network) -> None:
    async with Counting(network) as counting, Traffic(network, rate_tps=40) as traffic:
        counting.start()
        await counting.wait_done(10)
        async with asyncio.timeout(PATIENCE_S):
            reasons = await asyncio.gather(
                *[counting.call("burn", fuel=200_000_000) for _ in range(6)]
            )
        assert reasons == ["OUT_OF_FUEL"] * 6
        await counting.wait_done(10)
        await counting.settle()
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)


async def test_a_stop_by_too_few_outlives_a_restart_and_ends_when_their_runners_live(
    network: Network,
) -> None:
    # Two of four die at it: that is no quorum for a trap, and leaves none for a result.
    async with Counting(network) as counting:
        for name in list_names(network)[:2]:
            await restart(network, name, planted.ABORT)
        # The two that live execute it and say so; no header can carry that.
        assert await counting.call("planted") == ""
        await wait_suspected(network, list_names(network)[:2])
        await last(5.0)
        heights = [await checks.read_height(node) for node in network.layout.nodes]
        assert max(heights[:2]) < min(heights[2:])
        for name in list_names(network):
            await asyncio.to_thread(network.kill, name)
        for name in list_names(network):
            network.start(name)
        await wait_ready(network, PATIENCE_S)
        async with asyncio.timeout(LONG_S):
            assert await counting.call() == ""
        assert await counting.counter.read("count") == 1_000_001
    await assert_all_agree(network)
