"""Known bugs of besu (QBFT): round timers that double for as long as there is no quorum."""

from dataclasses import replace

import pytest

from quorate.core.params import Params
from tests.sim.plan import Plan
from tests.sim.world import World

MINUTES_MS = 60_000
PLAN = Plan(
    seed=7642,
    params=Params(block_weight_max=1_000_000, batch_validity_blocks=200, view_timeout_ms=1_000),
    delay_ms=(1, 10),
    batch_every_ms=100,
)


def compute_height(world: World) -> int:
    """Return the greatest height that any node has applied."""
    return max(node.storage.height for node in world.nodes)


@pytest.mark.parametrize("kind", ["power", "engine"])
def test_7642_after_ten_minutes_without_a_quorum_it_goes_on_within_two_time_outs(
    kind: str,
) -> None:
    """Issue 7642: without a quorum each round doubled its timer (the tenth lasted 4096 s), so that
    the network stood still for hours after all nodes were back.

    Here no view passes without a quorum, so no timer grows: two time-outs after the return there
    is a new final block. Rule: `Timers.failures` counts views that ended, not time (#W4 of
    docs/protocol.md).
    """
    world = World(replace(PLAN, faulty_ms=12 * MINUTES_MS))
    world.start()
    world.run_until(2_000)
    for seat in (1, 2):
        world.nodes[seat].crash(kind, 10 * MINUTES_MS)
    world.run_until(10 * MINUTES_MS + 1_990)
    height = compute_height(world)
    alive = [node for node in world.nodes if node.replica is not None]
    assert len(alive) == 2 and height > 10
    base_ms = world.params.view_timeout_ms
    assert {node.replica.timers.compute_timeout_ms() for node in alive if node.replica} == {base_ms}
    assert world.run_until(
        10 * MINUTES_MS + 2_000 + 2 * base_ms, lambda: compute_height(world) > height + 1
    )


def test_7642_nodes_that_were_alone_for_ten_minutes_are_in_one_view_again_at_once() -> None:
    """Issue 7642: the restarted nodes were in rounds 6, 9 and 10, and none waited for another.

    Here views move by certificates only, so who was alone is where the others are or behind, and
    who is behind is told why. Rule: entering needs a certificate; `Helper.greet` gives it
    (docs/protocol.md#R5, #R6).
    """
    world = World(replace(PLAN, faulty_ms=12 * MINUTES_MS, reconnects=False))
    world.start()
    world.run_until(2_000)
    world.network.groups = {0: 0, 1: 1, 2: 2, 3: 3}
    world.network.refresh()
    world.run_until(10 * MINUTES_MS)
    views = [node.replica.view for node in world.nodes if node.replica is not None]
    assert max(views) - min(views) <= 1
    height = compute_height(world)
    world.network.groups = {}
    world.network.refresh()
    until_ms = 10 * MINUTES_MS + 2 * world.params.view_timeout_ms
    assert world.run_until(
        until_ms, lambda: min(node.storage.height for node in world.nodes) > height
    )
