"""How soon a network of real processes works again, and what it gives with one validator less."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from quorate.core.values import compute_quorum
from quorate.devnet.faults.conditions import Cut
from quorate.devnet.faults.links import Links
from quorate.devnet.layout import Spec
from quorate.devnet.load.plan import Outcome, Plan
from quorate.devnet.load.remote import run_load
from quorate.devnet.network import Network, temporary_network
from quorate.devnet.readiness import wait_ready
from tests.devnet.agreement import assert_all_agree
from tests.devnet.traffic import Traffic
from tests.faults.connected import find_connected_s
from tests.faults.lasting import last

READY_S = 60.0
RESUMES_S = 30.0
SETTLES_S = 60.0
# What was under way when links are cut may still come through.
AFTERMATH_S = 1.0
RATE_TPS = 50
# Enough to be waiting for the whole of an outage, few enough to be done soon after it.
WAITING = 1_600


class Healing(NamedTuple):
    """Seconds until a transfer is executed: since the cause went, and since a quorum connected."""

    since_healed_s: float
    since_connected_s: float


class RelayCost(NamedTuple):
    """What carrying the links costs: latency with and without, a core's share, bytes carried."""

    direct_p50_ms: float
    relayed_p50_ms: float
    cpu_share: float
    bytes_per_s: float


@asynccontextmanager
async def open_network(seed: int = 0) -> AsyncIterator[tuple[Network, Links]]:
    """Give four voting validators whose links can be cut."""
    with temporary_network(Spec()) as network:
        async with Links.open(network, seed) as links:
            network.up()
            await links.aim()
            await wait_ready(network, READY_S)
            yield network, links


async def measure_partition(cut: Cut, seconds: float) -> Healing:
    """Cut four validators into two halves; return how soon transfers are executed afterwards."""
    async with open_network() as (network, links):
        halves = links.names[:2], links.names[2:]
        async with Traffic(network, RATE_TPS, WAITING) as traffic:
            await traffic.wait_executed(RATE_TPS, RESUMES_S)
            await links.partition(halves, cut)
            await last(AFTERMATH_S)
            executed = traffic.book.outcome.executed
            await last(seconds - AFTERMATH_S)
            assert traffic.book.outcome.executed == executed, "half of the seats is no quorum"
            await links.heal()
            healing = await _measure_healing(network, traffic, set())
            await _settle(network, traffic)
    return healing


async def measure_absence(seconds: float) -> Healing:
    """Kill two of four for so long; return how soon transfers are executed once they are back."""
    async with open_network() as (network, links):
        gone = links.names[2:]
        async with Traffic(network, RATE_TPS, WAITING) as traffic:
            await traffic.wait_executed(RATE_TPS, RESUMES_S)
            await asyncio.gather(*[asyncio.to_thread(network.kill, name) for name in gone])
            await last(AFTERMATH_S)
            executed = traffic.book.outcome.executed
            await last(seconds - AFTERMATH_S)
            assert traffic.book.outcome.executed == executed, "two of four are no quorum"
            for name in gone:
                network.start(name)
            healing = await _measure_healing(network, traffic, set(gone))
            await _settle(network, traffic)
    return healing


async def measure_one_dead(rate_tps: int, seconds: float) -> tuple[Outcome, Outcome]:
    """Run the same load with all four and, on the same network, with one killed as it begins."""
    async with open_network() as (network, links):

        def kill(event: str, values: dict[str, Any]) -> None:
            if event == "window":
                network.kill(links.names[-1])

        free = await _run_load(network, rate_tps, seconds, lane=0)
        dead = await _run_load(network, rate_tps, seconds, lane=1, hear=kill)
    return free, dead


async def measure_relay(rate_tps: int, seconds: float) -> RelayCost:
    """Run the same load on a network without links in between and on one with perfect ones."""
    with temporary_network(Spec()) as network:
        network.up()
        await wait_ready(network, READY_S)
        direct = await _run_load(network, rate_tps, seconds, lane=0)
    async with open_network() as (network, links):
        before = await links.measure()
        started_s = time.monotonic()
        relayed = await _run_load(network, rate_tps, seconds, lane=0)
        after, elapsed_s = await links.measure(), time.monotonic() - started_s
    return RelayCost(
        direct_p50_ms=direct.p50_ms,
        relayed_p50_ms=relayed.p50_ms,
        cpu_share=(after.cpu_s - before.cpu_s) / elapsed_s,
        bytes_per_s=(after.carried_bytes - before.carried_bytes) / elapsed_s,
    )


async def _measure_healing(network: Network, traffic: Traffic, restarted: set[str]) -> Healing:
    healed_s = time.time()
    await traffic.wait_executed(1, RESUMES_S)
    executed_s = time.time()
    quorum = compute_quorum(len(network.layout.nodes))
    connected_s = find_connected_s(network.layout, healed_s, restarted, quorum)
    waited_s = 0.0 if connected_s is None else max(0.0, executed_s - connected_s)
    return Healing(executed_s - healed_s, waited_s)


async def _settle(network: Network, traffic: Traffic) -> None:
    outcome = await traffic.settle(SETTLES_S)
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    await assert_all_agree(network)


async def _run_load(
    network: Network, rate_tps: int, seconds: float, *, lane: int, hear: Any = None
) -> Outcome:
    plan = Plan(
        endpoint=network.layout.endpoint,
        rate_tps=rate_tps,
        duration_s=seconds,
        lane=lane,
        bad_per_mille=0,
    )
    outcome = await run_load(network.layout.directory, plan, hear or (lambda event, values: None))
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    return outcome
