"""What must not be in the chain, planted: blocks, heads, epochs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from quorate.core.bft.finality import Finality
from quorate.core.bft.log import Restored
from quorate.core.bft.messages import Kind
from quorate.core.blocks import Block
from quorate.core.epochs import EpochStart
from quorate.core.values import ZERO_HASH
from tests.sim.planted.scene import (
    get_block,
    make_certificate,
    make_commit,
    make_twin,
    make_vote,
    planted,
)
from tests.sim.world import World


@planted("Agreement", "agreement")
def two_blocks_at_one_height(world: World, checker: Any) -> None:
    checker.applied(world.nodes[0], get_block(world))
    checker.applied(world.nodes[1], make_twin(get_block(world)))


@planted("Agreement", "agreement")
def another_chain_at_the_end(world: World, checker: Any) -> None:
    world.nodes[2].storage.blocks[2] = make_twin(get_block(world, 2))
    checker.finished(world)


@planted("Chains", "committed blocks connect")
def a_commit_above_a_gap(world: World, checker: Any) -> None:
    node = world.nodes[0]
    checker.restarted(node, Restored())
    checker.decided(node, make_commit(make_twin(get_block(world), height=10**6)))


@planted("Chains", "the head moves by commits only")
def a_head_that_moves_by_itself(world: World, checker: Any) -> None:
    node = world.nodes[0]
    checker.restarted(node, Restored())
    assert node.replica is not None
    node.replica.chain.head = make_twin(node.replica.chain.head)
    checker.moved(node)


@planted("Chains", "no batch twice")
def a_batch_named_twice(world: World, checker: Any) -> None:
    node = world.nodes[0]
    storage, name = node.storage, next(iter(node.storage.named))
    block = make_twin(storage.blocks[-1], height=10**6, parent=storage.blocks[-1].digest)
    checker._named[name] = 1
    checker.applied(node, Block.build(block.header, (name,)))


@planted("Claims", "claims only what is true")
def a_final_header_that_claims_what_is_false(world: World, checker: Any) -> None:
    for block in world.nodes[0].storage.blocks[1:]:
        claim = replace(block.header.executed, write_digest=bytes(31) + b"x")
        false = claim.height > 0 and block.header.height > 3
        checker.applied(world.nodes[0], make_twin(block, executed=claim) if false else block)


@planted("EpochRules", "no tail block in the chain")
def a_tail_block_that_is_applied(world: World, checker: Any) -> None:
    block = get_block(world, 1)
    checker.applied(world.nodes[0], make_twin(block, last_block=block.digest))


@planted("EpochRules", "blocks of the epoch that goes on")
def a_block_of_an_epoch_before_its_time(world: World, checker: Any) -> None:
    checker.applied(world.nodes[0], make_twin(get_block(world, 1), epoch=1))


@planted("EpochRules", "a handover in the first block only")
def a_handover_in_the_middle_of_an_epoch(world: World, checker: Any) -> None:
    checker.applied(world.nodes[0], replace(get_block(world, 1), handover=b"proof"))


@planted("EpochRules", "a handover holds")
def a_handover_that_proves_nothing(world: World, checker: Any) -> None:
    checker._start = EpochStart(1, 0, 0, ZERO_HASH)
    block = make_twin(get_block(world, 1), epoch=1)
    handover = Finality(make_certificate(Kind.FINALIZE, 1, world.root.digest)).encode()
    checker.applied(world.nodes[0], replace(block, handover=handover))


@planted("EpochRules", "headers carry the elected set")
def a_header_with_another_set(world: World, checker: Any) -> None:
    block = get_block(world, 1)
    claim = replace(block.header.executed, next_set_hash=b"s" * 32)
    checker.applied(world.nodes[0], make_twin(block, executed=claim))


@planted("EpochRules", "votes only with an own seat of the epoch")
def a_vote_with_the_seat_of_another(world: World, checker: Any) -> None:
    checker.sent(world.nodes[0], make_vote(Kind.NULLIFY, 5, seat=1))


@planted("Chains", "batches of this epoch and the one before")
def a_batch_of_an_epoch_long_gone(world: World, checker: Any) -> None:
    name = next(iter(world.payload.headers))
    headers = world.payload.headers
    headers[name] = replace(headers[name], expiry_height=10**6)
    head = world.nodes[0].storage.blocks[-1]
    block = make_twin(head, epoch=2, height=9, parent=head.digest, weight=headers[name].weight)
    checker._named.pop(name, None)
    checker.applied(world.nodes[0], Block.build(block.header, (name,)))


@planted("Heads", "what is final was notarized")
def a_final_block_that_was_never_notarized(world: World, checker: Any) -> None:
    checker.committed(world.nodes[0], make_commit(get_block(world)))


@planted("Heads", "last final ≤ highest notarized")
def a_final_block_above_all_notarizations(world: World, checker: Any) -> None:
    block = get_block(world)
    checker.certified(world.nodes[0], make_certificate(Kind.NOTARIZE, 1, block.digest))
    checker.committed(world.nodes[0], make_commit(block))


@planted("Heads", "the head is proved")
def a_head_without_its_finality(world: World, checker: Any) -> None:
    engine = world.nodes[0].replica
    assert engine is not None
    engine.chain.finality = None
    checker.moved(world.nodes[0])


@planted("OneFinal", "one final block per view")
def two_final_blocks_in_a_view(world: World, checker: Any) -> None:
    checker.committed(world.nodes[0], make_commit(get_block(world)))
    checker.committed(world.nodes[1], make_commit(make_twin(get_block(world))))


@planted("Skipped", "skipped views are nullified")
def a_notarize_over_a_view_that_may_live(world: World, checker: Any) -> None:
    node = world.nodes[0]
    assert node.replica is not None
    view = node.replica.view + 5
    block = make_twin(get_block(world), view=view, parent_view=view - 2)
    node.replica.chain.blocks[block.digest] = block
    checker.sent(node, make_vote(Kind.NOTARIZE, view, block.digest))


@planted("Skipped", "skipped views are nullified")
def a_final_block_over_a_view_that_was_not_nullified(world: World, checker: Any) -> None:
    block = get_block(world)
    over = make_twin(block, view=block.header.parent_view + 3)
    for node in world.nodes:
        node.storage.blocks[3] = over
    checker.finished(world)
