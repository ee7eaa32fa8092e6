"""Calls that kill contract-runners: of all, of some, for a while, with crashes and splits."""

import os
from collections.abc import Iterable
from dataclasses import replace
from random import Random

import pytest

from quorate.core.values import compute_faults, compute_quorum
from tests.conftest import SEED
from tests.sim.plan import Pause, Plan, draw
from tests.sim.runners import DyingStorage
from tests.sim.world import World, run_plan

FOREVER = 10**9
FIRST = int(os.environ.get("QUORATE_SIM_SEED") or Random(SEED).randrange(10**9))
CALM = Plan(seed=7, batch_every_ms=40, faulty_ms=4_000, deaths=())


def die(nodes: Iterable[int], at_ms: int = 0, until_ms: int = FOREVER) -> tuple[Pause, ...]:
    return tuple(Pause(at_ms, until_ms, node) for node in nodes)


def list_storages(world: World) -> list[DyingStorage]:
    return [each.storage for each in world.nodes if isinstance(each.storage, DyingStorage)]


@pytest.mark.parametrize("seats", [1, 3, 4, 7])
def test_what_kills_all_runners_becomes_a_trap_and_the_chain_goes_on(seats: int) -> None:
    world = run_plan(replace(CALM, seats=seats, deaths=die(range(seats))))
    trapped = {frozenset(each.decisions.trapped) for each in list_storages(world)}
    assert len(trapped) == 1 and len(trapped.pop()) > 3


def test_an_idle_chain_decides_within_seconds_not_heartbeats() -> None:
    world = World(replace(CALM, batch_every_ms=0, deaths=die(range(4))))
    world.start()
    world.run_until(1_000)
    while not world.decisions.trapped:
        assert world.scheduler.now_ms < 60_000, "no deadly batch among so many"
        world.payload.make(0)
        before_ms = world.scheduler.now_ms
        world.run_until(before_ms + 3_000)
        deadly = any(each.own.height > each.height for each in list_storages(world))
        assert not deadly, "3 s after the block, everybody has executed it"


def test_a_quorum_of_dying_runners_is_enough_and_fewer_are_not() -> None:
    world = World(replace(CALM, deaths=die((0, 1))))
    world.start()
    world.run_until(20_000)
    assert not world.decisions.trapped
    heights = [storage.height for storage in list_storages(world)]
    assert len(set(heights)) <= 2 and not world.nodes[0].storage.height > heights[2] + 1


def test_one_dying_runner_waits_alone_and_comes_back_when_it_lives() -> None:
    world = World(replace(CALM, faulty_ms=60_000, deaths=die((2,), 0, 9_000)))
    world.start()
    world.run_until(8_900)
    heights = [storage.height for storage in list_storages(world)]
    assert heights[2] < min(heights[:2]) - 30
    world.run_until(15_000)
    heights = [storage.height for storage in list_storages(world)]
    assert heights[2] >= min(heights[:2]) - 5
    assert not world.decisions.trapped


def test_a_stop_by_too_few_ends_when_their_runners_live_again() -> None:
    # Two of four die: neither a trap nor a result has a quorum, until they take it back.
    world = World(replace(CALM, faulty_ms=60_000, deaths=die((0, 1), 0, 15_000)))
    world.start()
    world.run_until(14_900)
    stuck = [storage.height for storage in list_storages(world)]
    world.run_until(25_000)
    assert min(storage.height for storage in list_storages(world)) > max(stuck) + 20
    assert not world.decisions.trapped


def _draw(seed: int) -> Plan:
    """Return a plan of the simulation in which runners die, so that honest states never split.

    Either all die for ever, or so few for a while that no quorum can be made of them and the
    faulty. (Between the two, a node that lives may execute what a quorum then makes a trap.)
    """
    rng, plan = Random(f"deaths {seed}"), draw(seed)
    nodes, faulty_ms = range(plan.pool + plan.observers), plan.faulty_ms
    if rng.randrange(2):
        deaths = die(nodes)
    else:
        few = compute_quorum(plan.seats) - compute_faults(plan.seats) - 1
        deaths = die(rng.sample(range(plan.seats), few), rng.randint(0, faulty_ms), faulty_ms)
    return replace(plan, full=False, liars=(), deaths=deaths)


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_fresh_seeds_hold(start: int) -> None:
    print(f"QUORATE_SIM_SEED={FIRST}")
    for seed in range(FIRST + start, FIRST + start + 20):
        try:
            run_plan(_draw(seed))
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
