"""Stories of epochs in a whole network: sets that change all the time, and who comes late."""

from dataclasses import replace

import pytest

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import TAGS, Kind, Proposal, Vote, encode_statement
from quorate.core.params import Params
from quorate.core.values import ZERO_HASH
from tests.sim.node import Node
from tests.sim.plan import Pause, Plan
from tests.sim.world import World, run_plan

DELAY_MS = 30
PLAN = Plan(
    seed=21,
    joining=3,
    epoch_blocks=4,
    params=Params(block_weight_max=10**8, batch_validity_blocks=200, block_interval_ms=0),
    delay_ms=(DELAY_MS, DELAY_MS),
    batch_every_ms=20,
    faulty_ms=10**9,
)


class Boundaries:
    """When each epoch's last block became final, and its first block was proposed."""

    def __init__(self) -> None:
        self.last_ms: dict[int, int] = {}
        self.first_ms: dict[int, int] = {}
        self.tails = 0

    def sent(self, node: Node, message: Vote | Proposal) -> None:
        if isinstance(message, Proposal):
            self.tails += message.block.is_tail
            if message.block.handover:
                epoch = message.block.header.epoch
                self.first_ms.setdefault(epoch, node.world.scheduler.now_ms)

    def committed(self, node: Node, commit: do.CommitBlocks) -> None:
        # The last commit of an epoch overwrites those before it.
        epoch = commit.blocks[-1].header.epoch
        if epoch not in self.last_ms or epoch + 1 not in self.first_ms:
            self.last_ms[epoch] = node.world.scheduler.now_ms


def start(plan: Plan) -> World:
    world = World(plan)
    world.start()
    return world


@pytest.mark.parametrize("seats", [4, 7])
def test_the_next_epoch_begins_within_two_delays_of_the_last_blocks_finality(seats: int) -> None:
    world, boundaries = start(replace(PLAN, seats=seats, joining=0)), Boundaries()
    world.add_checker(boundaries)
    world.run_until(8_000)
    epochs = [epoch for epoch in boundaries.first_ms if epoch - 1 in boundaries.last_ms]
    assert len(epochs) > 10
    for epoch in epochs:
        gap_ms = boundaries.first_ms[epoch] - boundaries.last_ms[epoch - 1]
        assert gap_ms <= 2 * DELAY_MS, epoch
    assert boundaries.tails == 0, "an epoch that ends well needs none"
    world.finish()


def test_sets_change_in_every_way_and_the_chain_goes_on() -> None:
    world = start(PLAN)
    world.run_until(40_000)
    last = min(node.storage.epoch_start.epoch for node in world.nodes)
    assert last > 40
    pairs = [
        (world.sets.get_members(epoch), world.sets.get_members(epoch + 1)) for epoch in range(last)
    ]
    assert any(len(new) > len(old) for old, new in pairs), "somebody joined"
    assert any(len(new) < len(old) for old, new in pairs), "somebody left"
    assert any(len(new) == len(old) and set(new) != set(old) for old, new in pairs), "replaced"
    assert any(new != old and set(new) == set(old) for old, new in pairs), "changed places"
    assert set().union(*(old for old, _ in pairs)) == set(range(PLAN.pool))
    world.finish()


def test_who_was_away_for_many_epochs_catches_up_and_votes_again() -> None:
    world = start(replace(PLAN, joining=0))
    world.run_until(2_000)
    away = world.nodes[2]
    left = away.storage.epoch_start.epoch
    away.crash("power", 10_000)
    world.run_until(11_900)
    assert world.nodes[0].storage.epoch_start.epoch > left + 10
    world.run_until(16_000)
    assert away.storage.epoch_start.epoch >= world.nodes[0].storage.epoch_start.epoch - 1
    assert away.state[0] == "voting"
    world.finish()


def test_an_executor_behind_for_whole_epochs_holds_nobody_up() -> None:
    world = start(replace(PLAN, joining=0, stalls=(Pause(1_000, 9_000, 1),)))
    world.run_until(8_900)
    behind, ahead = world.nodes[1].storage, world.nodes[0].storage
    assert ahead.epoch_start.epoch > behind.epoch_start.epoch + 8
    world.run_until(13_000)
    assert behind.epoch_start.epoch >= ahead.epoch_start.epoch - 1
    world.finish()


def test_while_no_executor_works_the_epoch_lasts_and_nothing_forks() -> None:
    stalls = tuple(Pause(3_000, 9_000, node) for node in range(4))
    world = start(replace(PLAN, joining=0, stalls=stalls))
    world.run_until(8_900)
    epochs = {node.epoch for node in world.nodes}
    world.run_until(3_000 + 9_000)
    stood = max(epochs)
    assert min(epochs) >= stood - 1
    assert world.nodes[0].storage.epoch_start.epoch > stood, "and then it goes on"
    world.finish()


def test_a_vote_of_a_removed_seat_is_refused() -> None:
    world = start(PLAN)
    world.run_until(1_000)
    # Until an epoch in which somebody who had a seat has none any more.
    while True:
        epoch = max(node.epoch for node in world.nodes)
        gone = set(world.sets.get_members(epoch - 1)) - set(world.sets.get_members(epoch))
        if gone and epoch == min(node.epoch for node in world.nodes):
            break
        world.run_until(world.scheduler.now_ms + 5)
        assert world.scheduler.now_ms < 60_000
    removed = world.nodes[gone.pop()]
    old_seat = world.sets.get_members(epoch - 1).index(removed.index)
    member = next(node for node in world.nodes if node.seat not in (None, old_seat))
    engine = member.replica
    assert engine is not None
    view = engine.view + 1
    for name in (epoch - 1, epoch):
        statement = encode_statement(epoch - 1, view, ZERO_HASH)
        signature = removed.key.sign(TAGS[Kind.NULLIFY], world.domain, statement)
        vote = Vote(Kind.NULLIFY, name, view, ZERO_HASH, old_seat, signature)
        member.put(on.MessageReceived, removed.index, vote)
    world.run_until(world.scheduler.now_ms + 1)
    counted = engine.views[view].votes[Kind.NULLIFY] if view in engine.views else {}
    assert old_seat not in counted


def test_epochs_with_full_nodes() -> None:
    plan = replace(
        PLAN,
        full=True,
        params=Params(block_weight_max=20_000, batch_validity_blocks=32, view_timeout_ms=400),
        validity=(10, 32),
        faulty_ms=6_000,
    )
    world = run_plan(plan)
    assert min(node.storage.epoch_start.epoch for node in world.nodes) > 5
