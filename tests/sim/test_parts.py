"""The world's own parts do what the faults rely on: clocks, disks, databases, links, and sets."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from quorate.core.bft.messages import SeatQuery
from quorate.core.values import compute_faults
from tests.sim.clocks import Clock
from tests.sim.database import Database
from tests.sim.disk import Disk
from tests.sim.network import FLOOD_MAX
from tests.sim.plan import Plan, draw
from tests.sim.trouble import SlowLink
from tests.sim.world import World


@pytest.mark.parametrize("rate_ppm", [-30_000, 0, 200, 30_000])
def test_a_monotonic_clock_never_goes_back_and_wakes_in_time(rate_ppm: int) -> None:
    clock, last = Clock(1_000, skew_ms=-300, rate_ppm=rate_ppm), -1
    for world_ms in range(0, 5_000, 7):
        if world_ms == 2_100:
            clock.jump(-3_600_000)
        own_ms, _ = clock.read(world_ms)
        assert own_ms >= last
        last = own_ms
        at_ms = clock.find_world_ms(own_ms + 50)
        assert clock.read(at_ms)[0] >= own_ms + 50 > clock.read(at_ms - 1)[0]


def test_a_suspended_clock_stands_still_while_the_wall_clock_jumps() -> None:
    clock = Clock(1_000)
    before = clock.read(500)
    clock.suspend(300)
    assert clock.read(800) == (before[0], before[1] + 300)


def test_a_power_cut_keeps_a_prefix_and_a_sync_keeps_all(rng: Random) -> None:
    kept = set()
    for _ in range(40):
        database = Database(rng)
        for number in range(6):
            database.write([("state", b"%d" % number, b"x")], synced=number == 2)
        database.cut_power()
        numbers = [int(key) for key, _ in database.scan("state")]
        assert numbers == list(range(len(numbers))) and len(numbers) >= 3
        kept.add(len(numbers))
    assert kept == {3, 4, 5, 6}


def test_a_killed_process_loses_no_write_of_its_log(rng: Random) -> None:
    disk = Disk(rng)
    disk.write([(b"v" + bytes(17), b"vote")])
    disk.kill()
    assert disk.ever == {b"vote"}
    lost = Disk(rng)
    lost.write([(b"v" + bytes(17), b"vote")])
    assert lost.ever == set(), "what is written only is not durable"


def start(**changes: object) -> World:
    world = World(replace(Plan(seed=1), **changes))  # type: ignore[arg-type]
    world.start()
    world.run_until(500)
    return world


def test_a_slow_link_is_slow_one_way_until_all_heals() -> None:
    world = start(slow_links=(SlowLink(0, 1, 400, both=False),))
    now_ms = world.scheduler.now_ms
    assert world.network._compute_arrival_ms(0, 1) == now_ms + 410
    assert world.network._compute_arrival_ms(1, 0) == now_ms + 10
    world.heal()
    assert world.network._compute_arrival_ms(2, 1) == now_ms + 10


def test_a_flood_is_cut_off_and_honest_nodes_are_not() -> None:
    world = start(adversaries=((3, "silent_leader"),))
    counts = []
    for source in (3, 0):
        before = sum(len(box) for box in world.network._boxes.values())
        for _ in range(4 * FLOOD_MAX):
            world.network.send(source, 1, SeatQuery(0, source))
        counts.append(sum(len(box) for box in world.network._boxes.values()) - before)
    assert counts == [FLOOD_MAX, 4 * FLOOD_MAX]


def test_no_drawn_set_has_more_faulty_nodes_than_it_can_bear() -> None:
    changes = 0
    for seed in range(300):
        plan = draw(seed)
        world = World(plan)
        members = [world.sets.get_members(epoch) for epoch in range(12)]
        for before, after in pairwise(members):
            assert len(plan.faulty & set(after)) <= compute_faults(len(after))
            assert len(set(after)) == len(after)
            gone, come = set(before) - set(after), set(after) - set(before)
            assert max(len(gone), len(come)) <= max(compute_faults(len(before)), 0)
            changes += before != after
    assert changes > 200
