"""Each checker can fail: a calm run holds, and one thing that must not be is seen at once.

`PLANTED` has one or more violating sequences per checker, fed to a fresh one over a world that ran;
no checker of the simulation may lack one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.finality import Finality
from quorate.core.bft.log import Restored
from quorate.core.bft.messages import Certificate, Kind, Proposal, Vote
from quorate.core.blocks import Block
from quorate.core.epochs import EpochStart
from quorate.core.params import Params
from quorate.core.results import Result
from quorate.core.values import ZERO_HASH
from tests.sim import checkers as all_checkers
from tests.sim.checkers import Violation
from tests.sim.checkers.bounded import EFFECTS_MAX
from tests.sim.checkers.quiet import WAKES_PER_SECOND_MAX
from tests.sim.plan import Plan
from tests.sim.world import World

PLAN = Plan(
    seed=11, params=Params(block_weight_max=1_000_000, batch_validity_blocks=200),
    delay_ms=(3, 3), batch_every_ms=10, faulty_ms=500, prune_every=10**6,
)  # fmt: skip
Sequence = Callable[[World, Any], None]
PLANTED: dict[str, list[tuple[str, Sequence]]] = {}


def planted(name: str, rule: str) -> Callable[[Sequence], Sequence]:
    """Note a sequence that breaks a rule of the checker of this name."""

    def note(sequence: Sequence) -> Sequence:
        PLANTED.setdefault(name, []).append((rule, sequence))
        return sequence

    return note


def make_world() -> World:
    world = World(PLAN)
    world.start()
    world.run_until(500)
    assert min(node.storage.height for node in world.nodes) > 5
    return world


def get_block(world: World, height: int = 3) -> Block:
    return world.nodes[0].storage.blocks[height]


def make_twin(block: Block, **changes: Any) -> Block:
    changes = changes or {"time_ms": block.header.time_ms + 1}
    return Block.build(replace(block.header, **changes), block.batches)


def make_vote(kind: Kind, view: int, digest: bytes = ZERO_HASH, seat: int = 0) -> Vote:
    return Vote(kind, 0, view, digest, seat, bytes(64))


def make_certificate(kind: Kind, view: int, digest: bytes = ZERO_HASH) -> Certificate:
    return Certificate(kind, 0, view, digest, 4, tuple((seat, bytes(64)) for seat in range(3)))


def make_commit(block: Block) -> do.CommitBlocks:
    certificate = make_certificate(Kind.FINALIZE, block.header.view, block.digest)
    return do.CommitBlocks((block,), Finality(certificate))


# ---- what is planted -----------------------------------------------------------------------------


@planted("Agreement", "agreement")
def two_blocks_at_one_height(world: World, checker: Any) -> None:
    checker.applied(world.nodes[0], get_block(world))
    checker.applied(world.nodes[1], make_twin(get_block(world)))


@planted("Agreement", "agreement")
def another_chain_at_the_end(world: World, checker: Any) -> None:
    world.nodes[2].storage.blocks[2] = make_twin(get_block(world, 2))
    checker.finished(world)


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


@planted("Conservation", "money adds up")
def money_that_comes_from_nowhere(world: World, checker: Any) -> None:
    checker.balanced(world.nodes[0], 1, 100)
    checker.balanced(world.nodes[1], 1, 101)


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


@planted("FinalOrNull", "never finalize and nullify in one view")
def a_finalize_after_the_nullify(world: World, checker: Any) -> None:
    checker.sent(world.nodes[0], make_vote(Kind.NULLIFY, 5))
    checker.sent(world.nodes[0], make_vote(Kind.FINALIZE, 5, bytes(32)))


@planted("FinalOrNull", "never finalize and nullify in one view")
def a_nullify_after_the_finalize(world: World, checker: Any) -> None:
    checker.sent(world.nodes[0], make_vote(Kind.FINALIZE, 5, bytes(32)))
    checker.sent(world.nodes[0], make_vote(Kind.NULLIFY, 5))


@planted("Finalizing", "finalize only after notarization")
def a_finalize_without_any_notarization(world: World, checker: Any) -> None:
    checker.sent(world.nodes[0], make_vote(Kind.FINALIZE, 5, bytes(32)))


@planted("Finalizing", "finalize only with the notarization at hand")
def a_finalize_with_the_notarization_elsewhere(world: World, checker: Any) -> None:
    engine = world.nodes[0].replica
    assert engine is not None
    view, digest = engine.view + 1, b"d" * 32
    engine.get_view(view)
    checker.certified(world.nodes[1], make_certificate(Kind.NOTARIZE, view, digest))
    checker.sent(world.nodes[0], make_vote(Kind.FINALIZE, view, digest))


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


@planted("Innocence", "no evidence against who is honest")
def evidence_against_an_honest_seat(world: World, checker: Any) -> None:
    votes = make_vote(Kind.NULLIFY, 5, seat=1), make_vote(Kind.FINALIZE, 5, bytes(32), seat=1)
    checker.accused(world.nodes[0], do.RecordEvidence(1, *votes))


@planted("Innocence", "no honest seat halts")
def an_honest_seat_that_halts(world: World, checker: Any) -> None:
    checker.reported(world.nodes[0], do.ReportState("halted", "STATE_DIVERGED"))


@planted("Notarizations", "no second notarization in a view")
def two_notarizations_in_a_view(world: World, checker: Any) -> None:
    checker.certified(world.nodes[0], make_certificate(Kind.NOTARIZE, 5, b"a" * 32))
    checker.certified(world.nodes[1], make_certificate(Kind.NOTARIZE, 5, b"b" * 32))


@planted("Notarizations", "no second notarization beside a final block")
def a_notarization_beside_a_final_block(world: World, checker: Any) -> None:
    checker.certified(world.nodes[0], make_certificate(Kind.FINALIZE, 5, b"a" * 32))
    checker.certified(world.nodes[1], make_certificate(Kind.NOTARIZE, 5, b"b" * 32))


@planted("OneBlock", "never finalize one block having notarized another")
def a_finalize_of_another_block(world: World, checker: Any) -> None:
    checker.sent(world.nodes[0], make_vote(Kind.NOTARIZE, 5, b"a" * 32))
    checker.sent(world.nodes[0], make_vote(Kind.FINALIZE, 5, b"b" * 32))


@planted("OneFinal", "one final block per view")
def two_final_blocks_in_a_view(world: World, checker: Any) -> None:
    checker.committed(world.nodes[0], make_commit(get_block(world)))
    checker.committed(world.nodes[1], make_commit(make_twin(get_block(world))))


@planted("Opposed", "no nullification and finalization in one view")
def a_nullification_beside_a_finalization(world: World, checker: Any) -> None:
    checker.certified(world.nodes[0], make_certificate(Kind.NULLIFY, 5))
    checker.certified(world.nodes[1], make_certificate(Kind.FINALIZE, 5, bytes(32)))


@planted("Persisted", "persist before send")
def a_vote_that_no_disk_has(world: World, checker: Any) -> None:
    checker.sent(world.nodes[0], make_vote(Kind.NOTARIZE, 10**6, bytes(32)))


@planted("Persisted", "one persist, in front")
def a_persist_behind_a_send(world: World, checker: Any) -> None:
    node, vote = world.nodes[0], make_vote(Kind.NOTARIZE, 5)
    world.checkers[:] = [checker]
    world.watch(node, on.TimerFired(0, 0), [do.Broadcast(vote), do.Persist((), True)])


@planted("Quiet", "no hot loop")
def a_timer_that_fires_all_the_time(world: World, checker: Any) -> None:
    for _ in range(WAKES_PER_SECOND_MAX + 1):
        checker.woken(world.nodes[0])


@planted("Quorums", "a quorum of distinct seats")
def a_certificate_with_a_repeated_seat(world: World, checker: Any) -> None:
    certificate = make_certificate(Kind.NULLIFY, 5)
    signatures = (*certificate.signatures[:2], certificate.signatures[0])
    checker.certified(world.nodes[0], replace(certificate, signatures=signatures))


@planted("Quorums", "a quorum of distinct seats")
def a_certificate_below_the_quorum(world: World, checker: Any) -> None:
    certificate = make_certificate(Kind.NULLIFY, 5)
    checker.certified(world.nodes[0], replace(certificate, signatures=certificate.signatures[:2]))


@planted("Quorums", "seats of the epoch's set")
def a_certificate_of_foreign_seats(world: World, checker: Any) -> None:
    signatures = tuple((seat, bytes(64)) for seat in (0, 1, 4))
    certificate = replace(make_certificate(Kind.NULLIFY, 5), signatures=signatures)
    checker.certified(world.nodes[0], certificate)


@planted("Quorums", "a certificate verifies")
def a_certificate_whose_signatures_do_not_hold(world: World, checker: Any) -> None:
    checker.certified(world.nodes[0], make_certificate(Kind.NULLIFY, 5))
    checker.finished(world)


@planted("Rebuilt", "a block is persisted with its notarize")
def a_notarize_without_its_block_on_disk(world: World, checker: Any) -> None:
    checker.sent(world.nodes[0], make_vote(Kind.NOTARIZE, 5, b"x" * 32))


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
    checker.sent(world.nodes[0], make_vote(Kind.NULLIFY, 10**6))
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


@planted("SignedOnce", "one NOTARIZE per view")
def two_notarizes_in_a_view(world: World, checker: Any) -> None:
    checker.sent(world.nodes[0], make_vote(Kind.NOTARIZE, 5, b"a" * 32))
    checker.sent(world.nodes[0], make_vote(Kind.NOTARIZE, 5, b"b" * 32))


@planted("SignedOnce", "one PROPOSAL per view")
def two_proposals_in_a_view(world: World, checker: Any) -> None:
    block = get_block(world)
    leader = world.nodes[block.header.proposer]
    checker.sent(leader, Proposal(block, bytes(64)))
    checker.sent(leader, Proposal(make_twin(block), bytes(64)))


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


# ---- the tests -----------------------------------------------------------------------------------


def test_every_checker_has_a_violation_planted() -> None:
    assert sorted(PLANTED) == sorted(checker.__name__ for checker in all_checkers.ALL)


@pytest.mark.parametrize(
    ("name", "rule", "sequence"),
    [(name, *each) for name, sequences in PLANTED.items() for each in sequences],
)
def test_checker_sees_what_must_not_be(name: str, rule: str, sequence: Sequence) -> None:
    world = make_world()
    checker = next(each for each in all_checkers.ALL if each.__name__ == name)(world)
    with pytest.raises(Violation) as caught:
        sequence(world, checker)
    assert caught.value.rule == rule


def test_no_checker_sees_anything_in_a_calm_run() -> None:
    make_world().finish()
