"""From one epoch to the next: no gap, no fork, and only the seats of the epoch count."""

from dataclasses import replace
from itertools import pairwise

import pytest

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.bounds import EpochBounds
from quorate.core.bft.finality import check_finality, decode_finality
from quorate.core.bft.messages import (
    Certificate,
    Kind,
    Message,
    Proposal,
    SeatAnswer,
    Vote,
    get_epoch,
)
from quorate.core.bft.signing import DIVERGED, STALE_LOG, WAITING
from quorate.core.blocks import Block, compute_batches_hash
from quorate.core.results import Judgement
from quorate.core.seats import SeatSet
from tests.unit.quorate.core.bft.town import PARAMS, Town, chain_of


def stay(epoch: int) -> list[int]:
    return [0, 1, 2, 3]


def walk(epoch: int) -> list[int]:
    """One seat leaves and one joins with every epoch; the others move to other indices."""
    return [(epoch + i) % 6 for i in range(4)]


def list_tails(town: Town) -> set[bytes]:
    return {
        effect.message.block.digest
        for done in town.done
        for effect in done
        if isinstance(effect, do.Broadcast)
        and isinstance(effect.message, Proposal)
        and effect.message.block.is_tail
    }


def get_firsts(town: Town, index: int) -> list[tuple[Block, Block]]:
    """Return (last block of an epoch, first block of the next) pairs of a chain."""
    blocks = town.ledgers[index].blocks
    return [(a, b) for a, b in pairwise(blocks) if a.header.epoch != b.header.epoch]


def test_epochs_follow_one_another_without_a_tail_in_the_good_case() -> None:
    town = Town(4, stay)
    town.run_to(12)
    assert not list_tails(town)
    epochs = [block.header.epoch for block in town.ledgers[0].blocks[1:13]]
    assert epochs == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_a_set_may_change_with_every_epoch() -> None:
    town = Town(6, walk)
    town.run_to(15)
    assert len({tuple(chain_of(town, i)[:16]) for i in range(6)}) == 1
    for last, first in get_firsts(town, 0):
        proof = decode_finality(first.handover)
        keys = town.ledgers[0].sets[last.header.epoch].keys
        check_finality(proof, last, keys, town.engine(0).setup.domain)
    for block in town.ledgers[0].blocks[1:]:
        assert block.header.proposer < 4


def test_headers_carry_the_hash_of_the_next_set() -> None:
    town = Town(6, walk)
    town.run_to(15)
    for last, _ in get_firsts(town, 0):
        following = town.ledgers[0].sets[last.header.epoch + 1]
        assert last.header.executed.next_set_hash == following.hash


def test_a_tail_block_finalizes_the_last_one_when_its_own_votes_are_lost() -> None:
    town = Town(4, stay)

    def is_finalize_of_last(source: int, target: int, message: Message) -> bool:
        if not isinstance(message, Vote | Certificate) or message.kind is not Kind.FINALIZE:
            return False
        block = town.engine(0).replica.chain.find(message.digest)
        return block is not None and block.header.height % 3 == 0 and not block.is_tail

    town.drops = is_finalize_of_last
    town.run_to(7)
    tails = list_tails(town)
    assert tails
    assert len({tuple(chain_of(town, i)[:8]) for i in range(4)}) == 1
    assert not tails & set(chain_of(town, 0)), "a tail block is no part of the chain"
    last, first = get_firsts(town, 0)[0]
    proof = decode_finality(first.handover)
    assert proof.tail is not None and proof.digest == last.digest
    check_finality(proof, last, town.genesis_sets[0].keys, town.engine(0).setup.domain)


def test_who_missed_the_end_of_an_epoch_is_told_by_who_is_past_it() -> None:
    town = Town(4, stay)
    town.drops = lambda source, target, message: 3 in (source, target)
    town.run_to(3, [0, 1, 2])
    town.run(lambda: all(town.engine(i).start.epoch == 1 for i in range(3)))
    town.drops = lambda source, target, message: False
    town.run_to(5)
    assert chain_of(town, 3)[:6] == chain_of(town, 0)[:6]


def test_messages_of_the_next_epoch_wait_until_it_begins_here() -> None:
    town = Town(4, stay)
    finals = {Kind.FINALIZE}

    def is_late(source: int, target: int, message: Message) -> bool:
        return target == 3 and getattr(message, "kind", None) in finals

    town.run_to(2)
    town.drops = is_late
    town.run(lambda: town.engine(0).start.epoch == 1 and bool(town.engine(3)._early))
    started_ms = town.now_ms
    town.drops = lambda source, target, message: False
    town.run(lambda: town.engine(3).start.epoch == 1)
    assert town.now_ms - started_ms < PARAMS.view_timeout_ms


def test_votes_of_a_removed_seat_are_refused() -> None:
    town = Town(6, walk)
    town.run(lambda: town.engine(2).start.epoch == 1)
    removed, engine = town.keys[0], town.engine(2)
    view = engine.replica.view
    assert engine.seats.find(removed.public_key) is None
    old = next(
        e.message for e in town.done[0]
        if isinstance(e, do.Broadcast) and isinstance(e.message, Vote)
    )  # fmt: skip
    for epoch in (0, 1):
        vote = replace(old, epoch=epoch, view=view)
        engine.handle(on.MessageReceived(town.now_ms, town.now_ms, b"node\0", None, vote))
    counted = [v for votes in engine.replica.get_view(view).votes.values() for v in votes.values()]
    assert all(vote.signature != old.signature for vote in counted)


def test_an_epoch_lasts_until_its_result_is_carried() -> None:
    town = Town(4, stay)
    town.run_to(2)
    for ledger in town.ledgers:
        ledger.stalled = True
    town.run_to(8)
    assert {engine.start.epoch for engine in map(town.engine, range(4))} == {1}
    assert all(b.header.epoch == 1 for b in town.ledgers[0].blocks[4:])
    for index in range(4):
        town.resume(index)
    town.run(lambda: all(town.engine(i).start.epoch >= 2 for i in range(4)))
    assert len({tuple(chain_of(town, i)[:9]) for i in range(4)}) == 1


def test_one_executor_behind_for_a_whole_epoch_joins_later() -> None:
    town = Town(4, stay)
    town.run_to(2)
    town.ledgers[3].stalled = True
    town.run_to(10, [0, 1, 2])
    assert town.engine(3).start.epoch <= 1
    town.resume(3)
    town.run_to(14)
    assert chain_of(town, 3)[:15] == chain_of(town, 0)[:15]


@pytest.mark.parametrize("stop_at", [2, 3, 4, 5, 6])
def test_a_restart_near_a_boundary_signs_nothing_twice(stop_at: int) -> None:
    town = Town(4, stay)
    town.run_to(stop_at)
    signed: dict[tuple[int, int, int], set[bytes]] = {}
    for index in range(4):
        town.stop(index)
    for index in range(4):
        town.start(index)
    town.run_to(stop_at + 4)
    for done in town.done:
        for effect in done:
            message = getattr(effect, "message", None)
            if isinstance(message, Vote):
                key = (get_epoch(message), message.view, message.kind * 1_000 + message.seat)
                signed.setdefault(key, set()).add(message.digest)
    assert all(len(digests) == 1 for digests in signed.values())


def test_a_log_ahead_of_storage_leads_back_into_the_later_epoch() -> None:
    town = Town(4, stay)
    town.run(
        lambda: town.engine(0).start.epoch == 1 and bool(town.engine(0).replica.signing.signed)
    )
    signed = town.engine(0).replica.signing.signed
    town.stop(0)
    town.rewind(0, 1)
    town.start(0)
    assert town.engine(0).start.epoch == 0, "storage had not synced the boundary block"
    town.run(lambda: town.engine(0).start.epoch == 1)
    assert town.engine(0).replica.signing.logged_view_max >= max(signed)
    town.run_to(6)


def test_storage_that_moved_over_epochs_takes_the_engine_along() -> None:
    town = Town(6, walk)
    town.drops = lambda source, target, message: 5 in (source, target)
    town.run_to(13, [0, 1, 2, 3, 4])
    town.drops = lambda source, target, message: False
    town.catch_up(5, 0)
    town.run_to(18)
    assert chain_of(town, 5)[:19] == chain_of(town, 0)[:19]


def test_who_was_carried_into_an_epoch_asks_before_it_signs() -> None:
    town = Town(4, stay)
    town.drops = lambda source, target, message: 3 in (source, target)
    town.run_to(7, [0, 1, 2])
    town.catch_up(3, 0)
    town.run(lambda: town.engine(3).start.epoch >= 2)
    assert WAITING in town.engine(3).replica.signing.blocks
    town.drops = lambda source, target, message: False
    town.run(lambda: WAITING not in town.engine(3).replica.signing.blocks)


def test_who_ran_through_an_epoch_signs_in_the_next_without_asking() -> None:
    town = Town(4, stay)
    town.run(lambda: town.engine(0).start.epoch == 1)
    assert WAITING not in town.engine(0).replica.signing.blocks


def test_an_old_copy_of_a_volume_halts_its_epoch_only() -> None:
    town = Town(4, stay, replace(PARAMS, epoch_blocks=8))
    town.run_to(2)
    old = dict(town.logs[0])
    town.run_to(6)
    town.stop(0)
    town.rewind(0, 2)
    town.logs[0] = old
    # Not everything final: what is below a final head could contradict nothing.
    town.drops = lambda source, target, message: (
        target == 0 and not isinstance(message, SeatAnswer | Certificate | Vote)
    )
    town.start(0)
    town.run(lambda: not town.engine(0).replica.signing.is_waiting())
    assert STALE_LOG in town.engine(0).replica.signing.blocks
    town.drops = lambda source, target, message: False
    town.run(lambda: town.engine(0).start.epoch == 1)
    town.run(lambda: town.engine(0).replica.get_state()[0] == "voting")


def test_an_idle_chain_changes_epochs_by_time() -> None:
    params = replace(PARAMS, epoch_blocks=1_000, epoch_ms=10_000)
    town = Town(4, stay, params)
    town.run(lambda: town.engine(0).start.epoch == 3)
    assert len(town.ledgers[0].blocks) < 40
    assert not list_tails(town)


def test_a_first_block_opens_its_epoch_only_with_a_proof_that_holds() -> None:
    town = Town(4, stay)
    town.run(lambda: bool(get_firsts(town, 0)))
    parent, good = get_firsts(town, 0)[0]
    bounds = EpochBounds(town.engine(0).replica)
    if town.engine(0).start.epoch != 1:
        pytest.fail(town.describe())
    assert bounds.is_opened_well(good, parent)
    assert not bounds.is_opened_well(replace(good, handover=b""), parent)
    assert not bounds.is_opened_well(replace(good, handover=good.handover[:-1] + b"\0"), parent)
    assert not bounds.is_opened_well(good, good), "a proof where none may be"


def test_a_tail_block_adds_nothing_at_all() -> None:
    town = Town(4, stay)
    town.run(lambda: town.engine(0).replica.setup.epoch == 1)
    before = town.engine(0).before
    assert before is not None and before.last is not None
    bounds, last = before.epoch, before.last
    assert bounds.needs_tail(last) and not bounds.needs_tail(town.root)
    tail = bounds.build_tail(last)
    before.clock_ms = tail.header.time_ms
    assert bounds.judge_tail(tail, last).judgement is Judgement.VALID
    for change in (
        {"height": last.header.height + 1}, {"weight": 1}, {"last_block": bytes(32)},
        {"base_fee": 2}, {"time_ms": last.header.time_ms}, {"handover_hash": b"h" * 32},
        {"executed": replace(tail.header.executed, height=0)},
    ):  # fmt: skip
        wrong = Block.build(replace(tail.header, **change), ())  # type: ignore[arg-type]
        assert bounds.judge_tail(wrong, last).judgement is Judgement.INVALID, change
    named = Block.build(
        replace(tail.header, batches_hash=compute_batches_hash((b"n" * 32,))), (b"n" * 32,)
    )
    assert bounds.judge_tail(named, last).judgement is Judgement.INVALID
    on_tail = bounds.build_tail(tail)
    assert on_tail.header.last_block == last.digest and on_tail.header.height == last.header.height


def test_by_a_set_that_headers_deny_nothing_is_signed() -> None:
    town = Town(4, stay)
    town.run_to(2)
    engine = town.engine(3)
    # The same keys, so that all else fits: what came early is handled as soon as the epoch begins.
    seats = engine._sets[1].seats
    engine._sets[1] = SeatSet(1, (replace(seats[0], name="another"), *seats[1:]))
    town.drops = lambda source, target, message: (
        target == 3 and getattr(message, "kind", None) is Kind.FINALIZE
    )
    town.run(lambda: any(isinstance(each.message, Proposal) for each in engine._early))
    town.drops = lambda source, target, message: False
    town.run(lambda: engine.start.epoch == 1)
    state, detail = engine.replica.get_state()
    assert state == "halted" and DIVERGED in detail
    assert not engine.replica.signing.signed
