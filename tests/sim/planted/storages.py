"""What must not be on disk, in memory or executed, planted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.log import Restored
from quorate.core.bft.messages import Kind, Proposal
from quorate.core.blocks import Block
from quorate.core.genesis_state import compute_genesis_writes
from quorate.core.results import Result
from quorate.core.state import Account, compute_account_key
from quorate.core.values import TREASURY, ZERO_HASH
from tests.sim.checkers.bounded import EFFECTS_MAX
from tests.sim.checkers.quiet import WAKES_PER_SECOND_MAX
from tests.sim.planted.scene import (
    get_block,
    make_twin,
    make_vote,
    planted,
)
from tests.sim.world import World


@planted("Availability", "a final batch is held by honest seats")
def a_final_batch_that_one_node_holds(world: World, checker: Any) -> None:
    block = next(each for each in world.nodes[0].storage.blocks if each.batches)
    for node in world.nodes[1:]:
        del node.storage.batches[block.batches[0]]
    checker.applied(world.nodes[0], block)


@planted("Availability", "notarize only what is held")
def a_notarize_of_what_is_not_held(world: World, checker: Any) -> None:
    node = world.nodes[0]
    block = make_twin(get_block(world), view=10**6)
    block = Block.build(block.header, (bytes(32),))
    assert node.replica is not None
    node.replica.chain.blocks[block.digest] = block
    checker.sent(node, make_vote(Kind.NOTARIZE, 10**6, block.digest))


@planted("Bounded", "bounded effects")
def too_many_effects(world: World, checker: Any) -> None:
    node, event = world.nodes[0], on.TimerFired(0, 0)
    checker.handled(node, event, [do.SetTimer(0)] * (EFFECTS_MAX + 1))


@planted("Bounded", "bounded memory")
def views_that_pile_up(world: World, checker: Any) -> None:
    engine = world.nodes[0].replica
    assert engine is not None
    for number in range(engine.view, engine.view + 100):
        engine.get_view(number)
    checker.finished(world)


@planted("Conservation", "money adds up")
def money_that_comes_from_nowhere(world: World, checker: Any) -> None:
    state = dict(compute_genesis_writes(world.genesis))
    checker.balanced(world.nodes[0], 0, state)
    key = compute_account_key(TREASURY)
    checker.balanced(world.nodes[1], 0, state | {key: Account(1, {}).encode()})


@planted("Quiet", "no hot loop")
def a_timer_that_fires_all_the_time(world: World, checker: Any) -> None:
    for _ in range(WAKES_PER_SECOND_MAX + 1):
        checker.woken(world.nodes[0])


@planted("Rebuilt", "a block is persisted with its notarize")
def a_notarize_without_its_block_on_disk(world: World, checker: Any) -> None:
    checker.signed(world.nodes[0], make_vote(Kind.NOTARIZE, 5, b"x" * 32))


@planted("Rebuilt", "a final block is in the logs")
def a_final_block_that_only_one_log_has(world: World, checker: Any) -> None:
    for node in world.nodes[1:]:
        del node.disk.blocks[get_block(world).digest]
    checker.finished(world)


@planted("Rebuilt", "a final block is rebuilt from a log")
def a_log_that_holds_other_batches(world: World, checker: Any) -> None:
    block = get_block(world)
    false = replace(block, batches=(*block.batches, b"b" * 32))
    for node in world.nodes:
        node.disk.blocks[block.digest] = Proposal(false, bytes(64)).encode()
    checker.finished(world)


@planted("Replay", "the log holds what was sent")
def a_sent_vote_that_the_log_forgot(world: World, checker: Any) -> None:
    checker.signed(world.nodes[0], make_vote(Kind.NULLIFY, 10**6))
    checker.restarted(world.nodes[0], Restored())


@planted("Replay", "replay gives the state (signed)")
def a_signed_vote_that_replay_does_not_give(world: World, checker: Any) -> None:
    for node in world.nodes:
        assert node.replica is not None
        node.replica.signing.signed[node.replica.view] = {Kind.NULLIFY: ZERO_HASH}
    checker.finished(world)


@planted("Results", "results are equal at equal heights")
def two_results_of_one_height(world: World, checker: Any) -> None:
    checker.executed(world.nodes[0], Result(3, bytes(32), bytes(32)))
    checker.executed(world.nodes[1], Result(3, b"x" * 32, bytes(32)))
