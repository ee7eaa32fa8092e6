"""What one replica does in the stories that matter; the delays are those of its peers' messages.

Known bugs of others: ava-labs/Simplex 280 (finalize after a time-out), 290 (finalizing a block that
was notarized but bypassed); commonware 4275 (the own nullify).
"""

from dataclasses import replace

import pytest

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.finality import Finality
from quorate.core.bft.messages import Kind
from quorate.core.epochs import Epochs, EpochStart
from quorate.core.results import Result, compute_claim
from tests.unit.quorate.core.bft.bench import (
    GENESIS,
    PARAMS,
    Bench,
    claim,
    find,
    make_batch,
    name_of,
    sent,
)

P, N, Z, F = Kind.PROPOSAL, Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE


def skip_to(bench: Bench, view: int) -> None:
    for number in range(bench.replica.view, view):
        bench.hear(1, bench.certify(Z, number))


def test_votes_of_a_quorum_notarize_and_finalize() -> None:
    bench = Bench(seat=0)
    view = bench.view_led_by(1)
    skip_to(bench, view)
    proposal = bench.build(view)
    assert [m.digest for m in sent(bench.hear(1, proposal), N)] == [proposal.block.digest]
    bench.hear(1, bench.sign(1, N, view, proposal.block.digest))
    effects = bench.hear(2, bench.sign(2, N, view, proposal.block.digest))
    assert sent(effects, F) and bench.replica.view == view + 1
    bench.hear(1, bench.sign(1, F, view, proposal.block.digest))
    effects = bench.hear(2, bench.sign(2, F, view, proposal.block.digest))
    (commit,) = find(effects, do.CommitBlocks)
    assert commit.blocks == (proposal.block,) and bench.replica.final_view == view


def test_persist_stands_first_and_is_synced_exactly_when_something_is_signed() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    skip_to(bench, view)
    signing = bench.hear(1, bench.build(view))
    assert isinstance(signing[0], do.Persist) and signing[0].synced
    counting = bench.hear(1, bench.sign(1, N, view, sent(signing, N)[0].digest))
    assert isinstance(counting[0], do.Persist) and not counting[0].synced


def test_the_leader_proposes_what_a_quorum_holds_at_once() -> None:
    bench = Bench()
    skip_to(bench, bench.view_led_by(0))
    batch = make_batch(1)
    bench.hold(batch)
    (proposal,) = sent(bench.done, P)
    assert proposal.block.batches == (name_of(batch),)
    assert find(bench.done, do.AnnounceProposal)[0].names == (name_of(batch),)
    assert sent(bench.done, N)


def test_an_invalid_proposal_is_nullified_at_once() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    skip_to(bench, view)
    effects = bench.hear(1, bench.build(view, base_fee=99))
    assert not sent(effects, N) and [m.view for m in sent(effects, Z)] == [view]
    assert bench.replica.get_state() == ("voting", "WRONG_BASE_FEE")


def test_only_the_first_proposal_of_a_view_is_voted_for() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    skip_to(bench, view)
    first = bench.build(view)
    bench.hear(1, first)
    second = bench.build(view, time_ms=first.block.header.time_ms + 1)
    effects = bench.hear(1, second)
    assert not sent(effects, N) and len(find(effects, do.RecordEvidence)) == 1


def test_who_notarized_one_block_does_not_finalize_the_other() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    skip_to(bench, view)
    first = bench.build(view)
    second = bench.build(view, time_ms=first.block.header.time_ms + 1)
    bench.hear(1, first)
    effects = bench.hear(1, bench.certify(N, view, second.block.digest))
    assert bench.replica.view == view + 1 and not sent(effects, F)


def test_no_finalize_after_a_nullify_even_when_the_notarization_comes() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    skip_to(bench, view)
    proposal = bench.build(view)
    bench.hear(1, proposal)
    assert sent(bench.wait(PARAMS.view_timeout_ms), Z)
    effects = bench.hear(1, bench.certify(N, view, proposal.block.digest))
    assert bench.replica.view == view + 1 and not sent(effects, F)


def test_a_finalization_counts_whatever_was_voted_and_whatever_the_view() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    skip_to(bench, view)
    proposal = bench.build(view)
    bench.hear(1, proposal)
    bench.wait(PARAMS.view_timeout_ms)
    skip_to(bench, view + 5)
    bench.hear(1, bench.certify(F, view, proposal.block.digest))
    assert bench.replica.chain.head == proposal.block and bench.replica.view == view + 5


def test_a_notarized_block_that_was_bypassed_is_not_committed_by_a_later_one() -> None:
    bench = Bench()
    bypassed, used = bench.build(1), bench.build(2, bench.root)
    bench.hear(bench.leader(1), bypassed)
    bench.hear(1, bench.certify(N, 1, bypassed.block.digest))
    bench.hear(1, bench.certify(Z, 1))
    bench.hear(bench.leader(2), used)
    effects = bench.hear(1, bench.certify(F, 2, used.block.digest))
    (commit,) = find(effects, do.CommitBlocks)
    assert commit.blocks == (used.block,)
    assert bypassed.block.digest not in bench.replica.chain.blocks


def test_the_leaders_own_nullify_ends_the_wait() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    skip_to(bench, view)
    effects = bench.hear(1, bench.sign(1, Z, view))
    assert [m.view for m in sent(effects, Z)] == [view]


def test_a_dead_leader_costs_one_time_out_and_is_then_skipped() -> None:
    bench = Bench()
    dead = bench.leader(2)
    if dead == 0:
        bench = Bench(seat=1)
    skip_to(bench, 2)
    bench.now_ms += PARAMS.view_timeout_ms
    alive = next(s for s in bench.others() if s != dead)
    bench.hear(alive, bench.certify(Z, 2))
    assert bench.replica.view == 3
    for number in range(3, 2 + bench.seats):
        bench.hear(alive, bench.certify(Z, number))
    assert bench.replica.view == 2 + bench.seats and bench.leader(bench.replica.view) == dead
    assert bench.replica.view in {m.view for m in sent(bench.done, Z)}
    before = len(bench.done)
    bench.now_ms += 1
    bench.hear(dead, bench.sign(dead, Z, bench.replica.view + 1))
    for number in range(bench.replica.view, 2 + 2 * bench.seats):
        bench.hear(alive, bench.certify(Z, number))
    heard = {m.view for m in sent(bench.done[before:], Z)}
    assert 2 + 2 * bench.seats not in heard, "it was heard of, so it gets its time again"


def test_a_time_ahead_waits_and_is_then_voted_for_without_a_hot_loop() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    skip_to(bench, view)
    time_ms = bench.build(view).block.header.time_ms + PARAMS.clock_ahead_ms_max + 300
    bench.hear(1, bench.build(view, time_ms=time_ms))
    timer = find(bench.done, do.SetTimer)[-1].at_ms
    assert timer == bench.now_ms + 300
    assert not sent(bench.wait(299), N)
    assert sent(bench.wait(1), N)


def test_after_giving_up_a_time_ahead_wakes_nobody() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    skip_to(bench, view)
    time_ms = bench.build(view).block.header.time_ms + 60_000
    bench.hear(1, bench.build(view, time_ms=time_ms))
    assert sent(bench.wait(PARAMS.view_timeout_ms), Z)
    bench.now_ms += 60_000
    bench.put(on.TimerFired)
    timer = find(bench.done, do.SetTimer)[-1].at_ms
    assert timer is not None and timer >= bench.now_ms + PARAMS.view_timeout_ms


def test_missing_batches_are_fetched_and_then_voted_for() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    skip_to(bench, view)
    batch = make_batch(1)
    effects = bench.hear(1, bench.build(view, None, (batch,)))
    (fetch,) = find(effects, do.FetchBatches)
    assert fetch.names == (name_of(batch),) and fetch.seats[0] == 1
    assert not find(bench.wait(100), do.FetchBatches)
    assert find(bench.wait(150), do.FetchBatches)
    assert sent(bench.put(on.BatchesHeld, ((name_of(batch), batch),)), N)


def grow_executed(bench: Bench) -> None:
    """Make block 1 final and executed, its result being w…"""
    bench.finish(bench.build(bench.replica.view))
    bench.put(on.BlocksExecuted, (Result(1, b"w" * 32, b"r" * 32),))


def test_a_false_result_is_nullified_and_the_replica_goes_on() -> None:
    bench = Bench()
    grow_executed(bench)
    view = bench.view_led_by(1, least=bench.replica.view)
    skip_to(bench, view)
    head = bench.replica.chain.head
    effects = bench.hear(1, bench.build(view, head, executed=claim(1, b"x" * 32)))
    assert sent(effects, Z) and not sent(effects, N)
    assert bench.replica.get_state() == ("voting", "FALSE_RESULT")
    bench.hear(1, bench.certify(Z, view))
    later = bench.view_led_by(2, least=view + 1)
    skip_to(bench, later)
    true = compute_claim(head.header.executed, 1, bench.replica.chain.results)
    assert sent(bench.hear(2, bench.build(later, head, executed=true)), N)


def test_a_notarized_other_result_halts_before_anything_more_is_signed() -> None:
    bench = Bench()
    grow_executed(bench)
    view = bench.view_led_by(1, least=bench.replica.view)
    skip_to(bench, view)
    other = bench.build(view, bench.replica.chain.head, executed=claim(1, b"x" * 32))
    effects = bench.hear(1, bench.certify(N, view, other.block.digest))
    effects += bench.hear(1, other)
    state, detail = bench.replica.get_state()
    assert state == "halted" and detail.startswith("STATE_DIVERGED")
    assert find(effects, do.ReportState)
    before = len(bench.done)
    bench.hold(make_batch(1))
    bench.wait(60_000)
    assert not any(sent(bench.done[before:], kind) for kind in (P, N, Z))


def test_a_diverged_replica_does_not_finalize_what_proves_it_wrong() -> None:
    bench = Bench()
    grow_executed(bench)
    view = bench.view_led_by(1, least=bench.replica.view)
    skip_to(bench, view)
    other = bench.build(view, bench.replica.chain.head, executed=claim(1, b"x" * 32))
    bench.replica.signing.signed.pop(view, None)
    bench.hear(1, replace(other, signature=bytes(64)))
    bench.replica.chain.add(other.block)
    effects = bench.hear(1, bench.certify(N, view, other.block.digest))
    assert bench.replica.get_state()[0] == "halted" and not sent(effects, F)


def test_a_storage_fault_stops_voting_until_it_ends() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    skip_to(bench, view)
    bench.put(on.StorageFaulted, "disk full")
    assert not sent(bench.hear(1, bench.build(view)), N)
    assert bench.replica.get_state() == ("halted", "STORAGE_FAULT: disk full")
    assert sent(bench.put(on.StorageFaulted, ""), N)


@pytest.mark.parametrize("lag_max", [0, 2])
def test_while_execution_lags_only_empty_blocks_are_made_and_nobody_waits_for_more(
    lag_max: int,
) -> None:
    bench = Bench(params=replace(PARAMS, execution_lag_max=lag_max))
    for _ in range(lag_max):
        bench.finish(bench.build(bench.replica.view, bench.replica.chain.head))
    skip_to(bench, bench.view_led_by(0, least=bench.replica.view))
    before = len(bench.done)
    bench.hold(make_batch(1))
    for _ in range(10):
        bench.wait(1_000)
    assert not any(sent(bench.done[before:], kind) for kind in (P, Z))
    bench.wait(PARAMS.heartbeat_ms)
    (proposal,) = sent(bench.done[before:], P)
    assert proposal.block.batches == ()


def test_storage_that_moved_ahead_takes_the_engine_along() -> None:
    bench = Bench()
    one = bench.build(1)
    two = bench.build(7, one.block, (make_batch(1),))
    bench.hold(make_batch(1))
    finality = Finality(bench.certify(F, 7, two.block.digest))
    epochs = Epochs(EpochStart(0, 0, 0, GENESIS), ())
    bench.put(on.CaughtUp, two.block, finality, ((2, name_of(make_batch(1))),), epochs)
    assert bench.replica.view == 8 and bench.replica.final_view == 7
    assert not bench.replica.pool.held and bench.replica.chain.is_recent(name_of(make_batch(1)))
    earlier = Finality(bench.certify(F, 1, one.block.digest))
    bench.put(on.CaughtUp, one.block, earlier, (), epochs)
    assert bench.replica.final_view == 7, "the head never goes back"


def test_the_log_is_pruned_only_up_to_what_storage_has_synced() -> None:
    bench = Bench()
    for _ in range(3):
        bench.finish(bench.build(bench.replica.view, bench.replica.chain.head))
    assert not find(bench.done, do.PruneLog)
    assert [e.view for e in find(bench.put(on.BlocksSynced, 2), do.PruneLog)] == [2]
    assert not find(bench.put(on.BlocksSynced, 2), do.PruneLog)
    assert [e.view for e in find(bench.put(on.BlocksSynced, 9), do.PruneLog)] == [3]


def test_a_lone_validator_makes_its_blocks_final_at_once() -> None:
    bench = Bench(seats=1)
    batch = make_batch(1)
    effects = bench.put(on.BatchesHeld, ((name_of(batch), batch),))
    (commit,) = find(effects, do.CommitBlocks)
    assert commit.blocks[0].batches == (name_of(batch),)


def test_an_observer_follows_and_signs_nothing() -> None:
    bench = Bench(seat=None)
    bench.finish(bench.build(1))
    bench.wait(30_000)
    assert not any(sent(bench.done, kind) for kind in (P, N, Z, F))
    assert bench.replica.get_state() == ("observing", "")
