"""How many views per second one core simulates, with all checkers on: `run.py --bench`.

Four seats, uniform delay, a disk that costs nothing, no faults; batches come in bursts, one block
names one of them, and some always wait.
"""

import time

from quorate.core.params import Params
from tests.sim.plan import Plan
from tests.sim.world import World

WARM_MS = 2_000
RUN_MS = 120_000
PLAN = Plan(
    seed=7,
    params=Params(
        block_weight_max=10**6,
        block_batches_max=1,
        batch_validity_blocks=400,
        block_interval_ms=0,
    ),
    validity=(300, 400),
    batch_every_ms=420,
    batch_burst=12,
    faulty_ms=10**9,
)


def measure(run_ms: int = RUN_MS) -> str:
    """Return one line with what was simulated in how much CPU time."""
    world = World(PLAN)
    world.start()
    world.run_until(WARM_MS)
    before, start_s = _count_views(world), time.process_time()
    world.run_until(WARM_MS + run_ms)
    world.finish()
    passed_s = time.process_time() - start_s
    views = _count_views(world) - before
    return (
        f"{views} views of {PLAN.seats} seats in {passed_s:.2f} s of CPU: "
        f"{views / passed_s:.0f} views/s ({world.events} events, {world.network.sent} messages, "
        f"{len(world.checkers)} checkers)"
    )


def _count_views(world: World) -> int:
    return max(node.replica.view for node in world.nodes if node.replica)
