"""The full-node world: real execution holds through crashes at every write, and means something."""

from dataclasses import replace

from quorate.core.outcomes import FIRST_SKIPPED, SUCCEEDED
from quorate.core.params import Params
from tests.sim.full import FullStorage
from tests.sim.plan import Crash, Plan
from tests.sim.world import World, run_plan

PLAN = Plan(
    seed=3,
    full=True,
    params=Params(block_weight_max=20_000, batch_validity_blocks=32, view_timeout_ms=300),
    batch_every_ms=25,
    validity=(10, 32),
    execute_ms=(1, 40),
    faulty_ms=4_000,
)


def list_storages(world: World) -> list[FullStorage]:
    storages = [node.storage for node in world.nodes if isinstance(node.storage, FullStorage)]
    assert len(storages) == len(world.nodes)
    return storages


def test_transactions_succeed_fail_and_are_skipped() -> None:
    for storage in list_storages(run_plan(PLAN)):
        assert storage.codes[SUCCEEDED] > 20
        assert any(SUCCEEDED < code < FIRST_SKIPPED for code in storage.codes)
        assert any(code >= FIRST_SKIPPED for code in storage.codes)


def test_storage_crashes_between_any_two_writes_and_loses_nothing() -> None:
    crashes = tuple(
        Crash(
            100 + 45 * number, number % 4, ("power", "storage", "kill")[number % 3], "anywhere", 60
        )
        for number in range(80)
    )
    world = run_plan(replace(PLAN, crashes=crashes))
    assert world.crashes > 60
    digests = {storage.results[10].write_digest for storage in list_storages(world)}
    assert len(digests) == 1


def test_a_run_that_was_stored_and_cut_off_is_finished_at_start() -> None:
    world = World(PLAN)
    world.start()
    world.run_until(300)
    behind = world.nodes[3]
    behind.crash("power", 2_000)
    world.run_until(2_350)
    storage, lives = behind.storage, behind.storage.lives
    assert isinstance(storage, FullStorage)
    # Behind by many blocks, it gets them in one run: cut off after some of the writes.
    assert world.run_until(6_000, lambda: len(storage.blocks) - 1 > storage.height)
    head = len(storage.blocks) - 1
    behind.crash("storage", 10**6)
    storage.start()
    assert storage.lives == lives + 1
    assert storage.height > head, "all of the run, not the prefix that was applied"
    assert storage.finalities[storage.height].digest == storage.blocks[-1].digest
    world.finish()


def test_a_batch_with_one_bad_signature_is_held_by_its_author_alone() -> None:
    plan = replace(PLAN, adversaries=((2, "bad_sealer"),))
    world = run_plan(plan)
    bad = world.payload.invalid
    assert bad
    for node in world.nodes:
        if node.obeys:
            assert not bad & set(node.storage.batches)
