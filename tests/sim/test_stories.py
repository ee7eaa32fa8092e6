"""Stories of a whole network with exact delays: what the paper and design promise, in numbers."""

from dataclasses import replace
from itertools import pairwise

import pytest

from quorate.core.bft import events as on
from quorate.core.bft.messages import Kind, Proposal
from quorate.core.params import Params
from tests.adversaries import Adversary
from tests.adversaries.amnesiac import Amnesiac
from tests.sim.node import Node
from tests.sim.plan import Crash, Partition, Plan
from tests.sim.world import World, run_plan

DELAY_MS = 10
CALM = Plan(seed=7, params=Params(block_weight_max=1_000_000, batch_validity_blocks=200))


def start(plan: Plan) -> World:
    world = World(plan)
    world.start()
    world.run_until(1_000)
    return world


class Moments:
    """When something first left or became final."""

    def __init__(self) -> None:
        self.proposed_ms: list[int] = []
        self.final_ms: dict[int, list[int]] = {}
        self.nullified: set[int] = set()

    def sent(self, node: Node, message: object) -> None:
        now_ms = node.world.scheduler.now_ms
        if isinstance(message, Proposal) and now_ms not in self.proposed_ms:
            self.proposed_ms.append(now_ms)
        if getattr(message, "kind", None) is Kind.NULLIFY:
            self.nullified.add(message.view)  # type: ignore[attr-defined]

    def done(self, node: Node, effect: object) -> None:
        if type(effect).__name__ == "CommitBlocks":
            height = effect.blocks[-1].header.height  # type: ignore[attr-defined]
            self.final_ms.setdefault(height, []).append(node.world.scheduler.now_ms)


def watch(world: World) -> Moments:
    moments = Moments()
    world.add_checker(moments)
    return moments


@pytest.mark.parametrize("seats", range(1, 11))
def test_final_three_delays_after_the_proposal(seats: int) -> None:
    world = start(replace(CALM, seats=seats))
    moments = watch(world)
    world.payload.make(0)
    world.run_until(1_150)
    assert len(moments.final_ms[1]) == seats
    if seats == 1:
        assert moments.final_ms[1] == [1_000]
    else:
        assert max(moments.final_ms[1]) == moments.proposed_ms[0] + 3 * DELAY_MS


def test_the_next_proposal_comes_two_delays_after_one_under_load() -> None:
    # Long enough that the interval between blocks under load is no limit.
    delay_ms = 80
    plan = replace(CALM, delay_ms=(delay_ms, delay_ms), batch_every_ms=3, faulty_ms=5_000)
    world = start(plan)
    moments = watch(world)
    world.run_until(4_000)
    gaps = [later - earlier for earlier, later in pairwise(moments.proposed_ms)]
    assert gaps and set(gaps) == {2 * delay_ms}


def test_an_idle_network_is_quiet_for_ten_minutes() -> None:
    world = start(CALM)
    sent, view = world.network.sent, max(n.replica.view for n in world.nodes if n.replica)
    world.run_until(601_000)
    beats = 600_000 // world.params.heartbeat_ms
    views = max(n.replica.view for n in world.nodes if n.replica) - view
    assert 0.9 * beats <= views <= beats + 1
    assert world.network.sent - sent <= views * 12 * 6, "per block: 12 links, 6 messages each"


def test_a_dead_leader_costs_one_time_out_once_and_is_then_skipped() -> None:
    world = start(replace(CALM, batch_every_ms=15, faulty_ms=60_000))
    world.nodes[2].crash("power", 10**9)
    moments = watch(world)
    world.run_until(31_000)
    times = [ms[0] for _, ms in sorted(moments.final_ms.items())]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    slow = [gap for gap in gaps if gap >= world.params.view_timeout_ms]
    assert len(slow) == 1 and len(times) > 400
    assert len(moments.nullified) > 50


def test_a_leader_that_comes_back_leads_again() -> None:
    world = start(replace(CALM, batch_every_ms=15, faulty_ms=60_000))
    world.nodes[2].crash("power", 3_000)
    world.run_until(10_000)
    moments = watch(world)
    world.run_until(15_000)
    assert not moments.nullified


def test_all_killed_at_once_again_and_again_and_the_chain_goes_on() -> None:
    crashes = tuple(
        Crash(200 + 37 * round_, node, "power", point, 3)
        for round_ in range(150)
        for node in range(4)
        for point in (("before sync", "after sync", "amid sends", "anywhere")[round_ % 4],)
    )
    plan = replace(CALM, batch_every_ms=20, faulty_ms=6_000, crashes=crashes, turn_ms_max=2)
    world = run_plan(plan)
    assert world.crashes >= 300


def test_a_minority_stands_still_and_a_majority_goes_on() -> None:
    split = Partition(1_500, 11_500, (0, 1, 1, 1))
    world = start(replace(CALM, batch_every_ms=50, faulty_ms=12_000, partitions=(split,)))
    world.run_until(1_600)
    lone = world.nodes[0].storage.height
    world.run_until(11_400)
    assert world.nodes[0].storage.height <= lone + 1
    assert world.nodes[1].storage.height > lone + 20
    world.run_until(14_000)
    assert world.nodes[0].storage.height >= world.nodes[1].storage.height - 2


def test_a_false_executor_halts_itself_and_nobody_else() -> None:
    world = run_plan(replace(CALM, liars=((1, 3),), batch_every_ms=40, faulty_ms=4_000))
    states = [node.state[0] for node in world.nodes]
    assert states == ["voting", "halted", "voting", "voting"]
    assert "STATE_DIVERGED" in world.nodes[1].state[1]


def test_an_old_copy_of_the_log_is_found_out_and_never_signs_again() -> None:
    world = start(replace(CALM, adversaries=((3, "amnesiac"),), faulty_ms=9_000))
    adversary = world.nodes[3].adversary
    assert isinstance(adversary, Amnesiac)
    adversary.anew = 0
    world.nodes[3].crash("engine", 1)  # takes the copy
    world.run_until(1_200)
    # Without a quorum its nullify stays above everybody's final head.
    world.nodes[0].crash("power", 4_000)
    world.nodes[1].crash("power", 4_000)
    world.run_until(1_300)
    world.payload.make(2)
    world.payload.make(3)
    vote = Adversary(world.nodes[2]).sign_vote(Kind.NULLIFY, 1)
    world.nodes[3].put(on.MessageReceived, 2, vote)
    world.run_until(4_000)
    signed = world.nodes[3].replica
    assert signed is not None and signed.signing.signed, "it has signed since the copy"
    world.nodes[3].crash("engine", 1)
    world.run_until(9_000)
    assert world.nodes[3].state[0] == "halted"
    assert "STALE_VOTE_LOG" in world.nodes[3].state[1]
    moments = watch(world)
    world.payload.make(0)
    world.run_until(12_000)
    assert moments.final_ms, "the others go on"
    replica = world.nodes[3].replica
    assert replica is not None and replica.view not in replica.signing.signed
