"""What an engine says in its headers of its own runner, how fast, and when it can't count."""

from dataclasses import replace

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Kind
from quorate.core.bft.suspecting import SUSPECT_BEAT_MS
from quorate.core.bft.timers import INTERVAL_STRETCH_MS
from quorate.core.blocks import NO_SUSPECT, Block, Suspect
from quorate.core.results import Result
from tests.unit.quorate.core.bft.bench import PARAMS, Bench, find, make_batch, sent

P, N, Z, F = Kind.PROPOSAL, Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE
HERE = Suspect(1, 0)
INTERVAL_MS = PARAMS.block_interval_ms + INTERVAL_STRETCH_MS


def start(seat_leads: int = 2) -> Bench:
    """Return a bench whose seat leads this view; block 1 is final and not executed."""
    bench = Bench(seat=Bench().leader(seat_leads))
    bench.finish(bench.build(1, None, (make_batch(1),)))
    return bench


def propose(bench: Bench) -> Block:
    (proposal,) = sent(bench.done, P)[-1:]
    block: Block = proposal.block
    return block


def finish_own(bench: Bench) -> None:
    block = propose(bench)
    bench.hear(bench.others()[0], bench.certify(N, block.header.view, block.digest))
    bench.hear(bench.others()[0], bench.certify(F, block.header.view, block.digest))
    assert bench.replica.chain.head == block


def pass_turns(bench: Bench, least: int = 1) -> None:
    """Have the others' views end with empty final blocks, until this seat leads."""
    for _ in range(least):
        while bench.leader(bench.replica.view) != bench.seat:
            bench.finish(bench.build(bench.replica.view, bench.replica.chain.head))
            bench.head = bench.replica.chain.head


def test_a_leader_names_the_call_at_once_and_not_twice() -> None:
    bench = start()
    bench.wait(INTERVAL_MS)
    assert not sent(bench.done, P)
    bench.put(on.RunnerDied, HERE)
    assert propose(bench).header.suspect == HERE
    finish_own(bench)
    assert len(sent(bench.done, P)) == 1


def test_every_own_header_names_it_until_the_block_is_executed() -> None:
    bench = start()
    bench.put(on.RunnerDied, HERE)
    bench.wait(INTERVAL_MS)
    finish_own(bench)
    pass_turns(bench)
    bench.wait(SUSPECT_BEAT_MS)
    assert propose(bench).header.suspect == HERE
    finish_own(bench)
    bench.put(on.BlocksExecuted, (Result(1, bytes(32), bytes(32)),))
    pass_turns(bench)
    bench.wait(PARAMS.heartbeat_ms)
    assert propose(bench).header.executed.height == 1
    assert propose(bench).header.suspect == NO_SUSPECT


def test_with_a_suspicion_on_the_chain_blocks_follow_fast_and_then_slowly_again() -> None:
    bench = start(3)
    assert bench.replica.suspecter.get_beat_ms() == PARAMS.heartbeat_ms
    bench.finish(bench.build(2, bench.replica.chain.head, suspect=HERE))
    assert bench.replica.suspecter.get_beat_ms() == SUSPECT_BEAT_MS
    bench.wait(SUSPECT_BEAT_MS)
    assert propose(bench).header.suspect == NO_SUSPECT
    finish_own(bench)
    turns = 0
    while bench.replica.suspecter.get_beat_ms() == SUSPECT_BEAT_MS:
        view, head = bench.replica.view, bench.replica.chain.head
        if bench.leader(view) == bench.seat:
            bench.wait(SUSPECT_BEAT_MS)
            finish_own(bench)
        else:
            bench.finish(bench.build(view, head, suspect=_repeat(bench, view)))
        turns += 1
    assert 4 <= turns <= 2 * bench.seats


def _repeat(bench: Bench, view: int) -> Suspect:
    return HERE if bench.leader(view) == bench.leader(2) else NO_SUSPECT


def test_followers_do_not_wait_a_heartbeat_for_a_leader_that_says_nothing() -> None:
    bench = start(3)
    bench.put(on.RunnerDied, HERE)
    bench.wait(SUSPECT_BEAT_MS)
    assert bench.replica.timers.deadline_ms == bench.now_ms + PARAMS.view_timeout_ms


def test_nothing_is_released_while_an_own_header_may_still_count() -> None:
    bench = start()
    bench.put(on.RunnerDied, HERE)
    bench.wait(INTERVAL_MS)
    assert not find(bench.put(on.RunnerSurvived, 1, 77), do.ReleaseBlock), "proposed, not final"
    finish_own(bench)
    assert not find(bench.done, do.ReleaseBlock), "final and standing"
    pass_turns(bench)
    bench.wait(INTERVAL_MS)
    assert propose(bench).header.suspect == NO_SUSPECT, "taking it back is news too"
    assert not find(bench.done, do.ReleaseBlock)
    finish_own(bench)
    assert find(bench.done, do.ReleaseBlock) == [do.ReleaseBlock(77)]


def test_a_proposal_that_was_passed_over_counts_no_more() -> None:
    bench = start()
    bench.put(on.RunnerDied, HERE)
    bench.wait(INTERVAL_MS)
    bench.put(on.RunnerSurvived, 1, 77)
    bench.hear(bench.others()[0], bench.certify(Z, 2))
    assert not find(bench.done, do.ReleaseBlock), "a later block could still have it below"
    bench.finish(bench.build(3, bench.replica.chain.head, parent_view=1))
    assert find(bench.done, do.ReleaseBlock) == [do.ReleaseBlock(77)]


def test_what_was_never_said_is_released_at_once() -> None:
    bench = start(3)
    bench.put(on.RunnerDied, HERE)
    assert find(bench.put(on.RunnerSurvived, 1, 77), do.ReleaseBlock) == [do.ReleaseBlock(77)]


def test_an_engine_that_is_not_sure_what_it_signed_releases_nothing() -> None:
    bench = Bench(answered=False)
    assert not find(bench.put(on.RunnerSurvived, 1, 77), do.ReleaseBlock)


def test_a_restarted_engine_knows_what_it_said() -> None:
    bench = start()
    bench.put(on.RunnerDied, HERE)
    bench.wait(INTERVAL_MS)
    block = propose(bench)
    assert block.header.suspect == HERE
    bench.start()
    assert not find(bench.put(on.RunnerSurvived, 1, 77), do.ReleaseBlock)


def test_a_carried_result_settles_it() -> None:
    bench = start()
    bench.put(on.RunnerDied, HERE)
    bench.wait(INTERVAL_MS)
    finish_own(bench)
    head = bench.replica.chain.head
    bench.finish(bench.build(3, head, executed=replace(head.header.executed, height=1)))
    assert bench.replica.suspecter.get_beat_ms() == PARAMS.heartbeat_ms
    assert find(bench.put(on.RunnerSurvived, 1, 77), do.ReleaseBlock) == [do.ReleaseBlock(77)]


def test_an_observer_says_nothing() -> None:
    bench = Bench(seat=None)
    bench.put(on.RunnerDied, HERE)
    assert find(bench.put(on.RunnerSurvived, 1, 77), do.ReleaseBlock) == [do.ReleaseBlock(77)]
