"""Known bugs of celo-blockchain: time-outs that stop growing."""

from dataclasses import replace

import pytest

from quorate.core.params import Params
from tests.known_bugs.net import Bench, Net
from tests.sim.plan import Plan
from tests.sim.world import World, run_plan
from tests.unit.quorate.core.bft.bench import PARAMS

CAP_MS = 4_000
PLAN = Plan(
    seed=706,
    params=Params(
        block_weight_max=1_000_000,
        batch_validity_blocks=200,
        view_timeout_ms=CAP_MS // 4,
        view_timeout_ms_max=CAP_MS,
        heartbeat_ms=1_000,
    ),
    batch_every_ms=500,
    faulty_ms=60_000,
)


def run_with_delay(delay_ms: int, seats: int = 4) -> World:
    """Run a network whose links all take so long, from the first message on."""
    world = World(replace(PLAN, seats=seats, delay_ms=(delay_ms, delay_ms)))
    world.start()
    world.run_until(world.plan.faulty_ms)
    return world


@pytest.mark.parametrize("seats", [4, 7])
def test_706_up_to_a_quarter_of_the_cap_of_delay_the_chain_lives(seats: int) -> None:
    """Issue 706: with a cap on the growing time-out, nodes that are more than it apart never meet.

    Ours has a cap too, and so a bound: who enters a view first waits one delay for the leader to
    enter it, one for the proposal, one for the votes, and must not have given up by then. So the
    chain must live with delays up to cap/4, however short the first time-out is. Rule: time-outs
    grow until a block is final (docs/protocol.md#W4).
    """
    world = run_with_delay(CAP_MS // 4, seats)
    heights = [node.storage.height for node in world.nodes]
    assert min(heights) >= 5, heights


def test_706_above_the_cap_nothing_becomes_final_and_nothing_forks() -> None:
    """Issue 706, the other side of the bound, which operators must know: with delays above the cap
    every view is nullified. It is a loss of liveness only, and it ends with the delays.
    """
    world = run_with_delay(CAP_MS + 500)
    assert {node.storage.height for node in world.nodes} == {0}
    views = [node.replica.view for node in world.nodes if node.replica is not None]
    assert min(views) >= 1
    run_plan(world.plan)


def test_706_one_who_is_a_view_ahead_of_the_others_is_met_again() -> None:
    """Issue 706, as it was met: f are down, one waits for a later round than the 2f others, and
    they never get together.

    Here nobody waits for a view alone: the certificate that took one there, or the votes it is
    made of, are said again until the others are there. Rule: `Waiter` repeats own messages and the
    proof of the view's start, `Helper` helps who votes late (docs/protocol.md#R6, #W4).
    """
    dead = Bench(0).leader(1)
    ahead, *others = (seat for seat in range(4) if seat != dead)
    net = Net(4, (ahead, *others))
    net.hold(1)
    # What is sent to the two is lost, so that only the third knows how the view ended.
    net.cut = lambda source, target: target != ahead
    net.wait(PARAMS.view_timeout_ms, (*others, ahead))
    assert net.list_views() == {ahead: 2, **dict.fromkeys(others, 1)}
    net.cut = lambda source, target: False
    assert net.wait_until(lambda: min(net.list_heights()) >= 1, 4 * PARAMS.view_timeout_ms) >= 0
