"""A timer has a reason, an idle engine is quiet, and what is open is chased first."""

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Kind, ProofRequest
from tests.unit.quorate.core.bft.bench import PARAMS, Bench, find, make_batch, sent

P, N, Z, F = Kind.PROPOSAL, Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE


def get_timer(bench: Bench) -> int | None:
    timer: int | None = find(bench.done, do.SetTimer)[-1].at_ms
    return timer


def test_an_idle_engine_wakes_for_the_heartbeat_only() -> None:
    bench = Bench()
    assert get_timer(bench) == bench.now_ms + PARAMS.heartbeat_ms
    assert bench.replica.timers.deadline_ms is None


def test_a_batch_that_could_be_proposed_is_a_reason() -> None:
    bench = Bench(seat=1) if Bench().leader(1) == 0 else Bench(seat=0)
    bench.hold(make_batch(1))
    assert bench.replica.timers.deadline_ms == bench.now_ms + PARAMS.view_timeout_ms
    assert [m.view for m in sent(bench.wait(PARAMS.view_timeout_ms), Z)] == [1]


def test_a_message_of_this_or_a_later_view_is_a_reason() -> None:
    for view in (1, 2):
        bench = Bench()
        voter = next(seat for seat in (1, 2) if seat != bench.leader(1))
        bench.hear(voter, bench.sign(voter, Z, view))
        assert bench.replica.timers.deadline_ms is not None


def test_an_overdue_heartbeat_is_a_reason_and_the_leader_then_proposes() -> None:
    leader = Bench().leader(1)
    bench = Bench(seat=leader)
    bench.wait(PARAMS.heartbeat_ms)
    (proposal,) = sent(bench.done, P)
    assert proposal.block.batches == ()
    follower = Bench(seat=(leader + 1) % 4)
    follower.wait(PARAMS.heartbeat_ms)
    assert follower.replica.timers.deadline_ms is not None


def test_after_giving_up_own_messages_and_the_entry_proof_are_repeated() -> None:
    bench = Bench()
    bench.hear(1, bench.certify(Z, 1))
    bench.hear(1, bench.sign(1, Z, 3))
    nullified = sent(bench.wait(PARAMS.view_timeout_ms), Z)
    assert [m.view for m in nullified] == [2]
    again = bench.wait(PARAMS.view_timeout_ms)
    assert sent(again, Z) == nullified and sent(again, Kind.CERTIFICATE)


def test_a_notarization_that_does_not_become_final_is_chased_before_the_view_is_given_up() -> None:
    bench = Bench()
    view = next(v for v in range(1, 6) if 0 not in (bench.leader(v), bench.leader(v + 1)))
    for number in range(1, view):
        bench.hear(1, bench.certify(Z, number))
    proposal = bench.build(view)
    bench.hear(bench.leader(view), proposal)
    bench.hear(1, bench.certify(N, view, proposal.block.digest))
    effects = bench.wait(PARAMS.view_timeout_ms // 2)
    asked = [m for m in sent(effects) if isinstance(m, ProofRequest)]
    assert [(m.from_view, m.to_view) for m in asked] == [(1, view)]
    assert not sent(effects, Z)


def test_the_leader_puts_an_empty_block_on_a_tail_that_does_not_become_final() -> None:
    bench = Bench()
    view = bench.view_led_by(0, least=2)
    for number in range(1, view - 1):
        bench.hear(1, bench.certify(Z, number))
    proposal = bench.build(view - 1)
    bench.hear(bench.leader(view - 1), proposal)
    bench.hear(1, bench.certify(N, view - 1, proposal.block.digest))
    assert not sent(bench.done, P)
    (empty,) = sent(bench.wait(PARAMS.view_timeout_ms // 2), P)
    assert empty.block.header.parent == proposal.block.digest and not empty.block.batches


def test_a_waiting_seat_asks_again_until_enough_have_answered() -> None:
    bench = Bench(answered=False)
    queries = [m for m in sent(bench.done) if type(m).__name__ == "SeatQuery"]
    assert len(queries) == 1
    again = bench.wait(PARAMS.view_timeout_ms)
    assert [type(m).__name__ for m in sent(again)].count("SeatQuery") == 1
    assert bench.put(on.PeerConnected, b"node2", 2)


def test_a_heartbeat_on_its_way_is_not_doubled_by_the_next_leader() -> None:
    bench = Bench()
    view = bench.view_led_by(0, least=2)
    for number in range(1, view - 1):
        bench.hear(1, bench.certify(Z, number))
    bench.now_ms += PARAMS.heartbeat_ms
    proposal = bench.build(view - 1)
    bench.hear(bench.leader(view - 1), proposal)
    effects = bench.hear(1, bench.certify(N, view - 1, proposal.block.digest))
    effects += bench.wait(PARAMS.block_interval_ms)
    assert bench.replica.view == view and not sent(effects, P)
