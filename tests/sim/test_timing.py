"""What the paper and the design promise, in milliseconds of virtual time.

Uniform one-way delay δ, a disk that costs nothing, and work that always waits: a block is final 3δ
after its proposal and the next proposal comes 2δ after it. Between blocks that name anything lie
at least 25 ms from when the next leader sees the first, so δ is no less (docs/adr/005-pace.md).
"""

from dataclasses import replace
from itertools import pairwise

import pytest

from quorate.core.bft import effects as do
from quorate.core.bft.messages import Kind, Proposal, Vote
from quorate.core.params import Params
from quorate.core.values import compute_faults
from tests.sim.node import Node
from tests.sim.plan import Partition, Plan
from tests.sim.world import World

WARM_MS = 1_000
DELAYS_MS = (25, 40, 100)
DELAY_MS = 30
SEATS = (4, 7, 10)
PLAN = Plan(
    seed=5,
    params=Params(block_weight_max=10**8, batch_validity_blocks=200, block_interval_ms=0),
    batch_every_ms=15,
    faulty_ms=10**9,
)


class Moments:
    """When each block was proposed and when it became final at each node, by digest."""

    def __init__(self) -> None:
        self.proposed_ms: dict[bytes, int] = {}
        self.final_ms: dict[bytes, list[int]] = {}
        self.nullified: set[int] = set()

    def sent(self, node: Node, message: Vote | Proposal) -> None:
        if isinstance(message, Proposal):
            now_ms = node.world.scheduler.now_ms
            self.proposed_ms.setdefault(message.block.digest, now_ms)
        elif message.kind is Kind.NULLIFY:
            self.nullified.add(message.view)

    def committed(self, node: Node, commit: do.CommitBlocks) -> None:
        for block in commit.blocks:
            self.final_ms.setdefault(block.digest, []).append(node.world.scheduler.now_ms)

    def list_first_final(self) -> list[int]:
        """Return when each block was final for the first time, in order."""
        return sorted(min(times) for times in self.final_ms.values())


def start(plan: Plan) -> tuple[World, Moments]:
    world, moments = World(plan), Moments()
    world.start()
    world.run_until(WARM_MS)
    world.add_checker(moments)
    return world, moments


@pytest.mark.parametrize("delay_ms", DELAYS_MS)
@pytest.mark.parametrize("seats", SEATS)
def test_final_after_three_delays_and_the_next_proposal_after_two(
    seats: int, delay_ms: int
) -> None:
    world, moments = start(replace(PLAN, seats=seats, delay_ms=(delay_ms, delay_ms)))
    world.run_until(WARM_MS + 40 * delay_ms)
    final = {d: ms for d, ms in moments.final_ms.items() if d in moments.proposed_ms}
    assert len(final) >= 15
    for digest, times_ms in final.items():
        if len(times_ms) == seats:
            assert set(times_ms) == {moments.proposed_ms[digest] + 3 * delay_ms}
    proposed_ms = sorted(moments.proposed_ms.values())
    assert {later - earlier for earlier, later in pairwise(proposed_ms)} == {2 * delay_ms}
    world.finish()


@pytest.mark.parametrize("seats", SEATS)
def test_a_dead_leader_adds_one_time_out_once(seats: int) -> None:
    world, moments = start(replace(PLAN, seats=seats, delay_ms=(DELAY_MS, DELAY_MS)))
    world.nodes[2].crash("power", 10**9)
    world.run_until(WARM_MS + 4_000)
    times_ms = moments.list_first_final()
    gaps_ms = [later - earlier for earlier, later in pairwise(times_ms)]
    slow = [gap for gap in gaps_ms if gap >= world.params.view_timeout_ms]
    assert len(slow) == 1
    assert slow[0] <= world.params.view_timeout_ms + 6 * DELAY_MS
    assert len(moments.nullified) > 4_000 // (2 * DELAY_MS * seats) // 2, (
        "and is passed over ever after"
    )


@pytest.mark.parametrize("seats", SEATS)
def test_f_dead_leaders_cost_less_than_a_quarter_after_one_rotation(seats: int) -> None:
    plan = replace(PLAN, seats=seats, delay_ms=(DELAY_MS, DELAY_MS))
    for_ms, rates = 3_000, []
    for dead in ((), range(1, 1 + compute_faults(seats))):
        world, _ = start(plan)
        for seat in dead:
            world.nodes[seat].crash("power", 10**9)
        # One rotation, with a time-out for each dead leader and one more after a failure.
        rotation_ms = 2 * seats * DELAY_MS + 3 * len(dead) * world.params.view_timeout_ms
        world.run_until(WARM_MS + rotation_ms)
        before = world.nodes[0].storage.height
        world.run_until(WARM_MS + rotation_ms + for_ms)
        rates.append(world.nodes[0].storage.height - before)
    assert rates[1] > 0.75 * rates[0], rates


@pytest.mark.parametrize("seats", SEATS)
def test_after_a_partition_the_chain_goes_on_within_two_time_outs(seats: int) -> None:
    groups = tuple(index % 2 for index in range(seats))
    split = Partition(WARM_MS, WARM_MS + 5_000, groups)
    world, moments = start(replace(PLAN, seats=seats, partitions=(split,), batch_every_ms=50))
    world.run_until(split.until_ms)
    before = len(moments.final_ms)
    assert world.run_until(
        split.until_ms + 2 * world.params.view_timeout_ms,
        lambda: len(moments.final_ms) > before,
    )
