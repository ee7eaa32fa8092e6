"""What comes from peers is checked before it counts; what is wrong leaves no trace."""

from dataclasses import replace

from quorate.core.bft import effects as do
from quorate.core.bft.messages import Kind, SeatAnswer
from quorate.core.bft.receiving import VIEWS_AHEAD_MAX
from tests.unit.quorate.core.bft.bench import CLOCK_MS, Bench, find, make_batch, sent

P, N, Z, F = Kind.PROPOSAL, Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE
DIGEST = b"d" * 32


def test_a_forged_vote_does_not_count() -> None:
    bench = Bench()
    forged = replace(bench.sign(1, N, 1, DIGEST), seat=2)
    bench.hear(1, forged)
    assert not bench.replica.get_view(1).votes[N]


def test_votes_of_another_epoch_of_no_seat_or_of_oneself_do_not_count() -> None:
    bench = Bench()
    vote = bench.sign(1, N, 1, DIGEST)
    wrong = (replace(vote, epoch=1), replace(vote, seat=9), bench.sign(0, N, 1, DIGEST))
    for each in wrong:
        bench.hear(1, each)
    assert not bench.replica.get_view(1).votes[N]


def test_votes_far_ahead_are_not_kept_and_certificates_are() -> None:
    bench = Bench()
    bench.hear(1, bench.sign(1, Z, 1 + VIEWS_AHEAD_MAX))
    bench.hear(1, bench.sign(1, Z, 2 + VIEWS_AHEAD_MAX))
    assert 2 + VIEWS_AHEAD_MAX not in bench.replica.views
    bench.hear(1, bench.certify(Z, 500))
    assert bench.replica.view == 501


def test_a_proposal_counts_only_from_the_views_leader() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    wrong = bench.build(view, proposer=2)
    bench.hear(2, wrong)
    forged = replace(bench.build(view), signature=bytes(64))
    bench.hear(1, forged)
    assert bench.replica.get_view(view).proposal is None


def test_a_certificate_below_the_quorum_does_not_count() -> None:
    bench = Bench()
    whole = bench.certify(Z, 1)
    bench.hear(1, replace(whole, signatures=whole.signatures[1:]))
    assert bench.replica.view == 1
    bench.hear(1, whole)
    assert bench.replica.view == 2


def test_an_equivocating_leader_is_recorded_once_however_much_it_sends() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    bench.hear(1, bench.build(view))
    effects = []
    for extra in range(20):
        time_ms = bench.build(view).block.header.time_ms + 1 + extra
        effects += bench.hear(1, bench.build(view, time_ms=time_ms))
    assert len(find(effects, do.RecordEvidence)) == 1
    assert len(find(effects, do.Persist)) == 1
    assert len(bench.replica.get_view(view).proposals) == 1


def test_a_double_voter_is_recorded_once_and_its_first_vote_stands() -> None:
    bench = Bench()
    effects = []
    for number in range(20):
        effects += bench.hear(1, bench.sign(1, N, 1, bytes((number,)) * 32))
    evidence = find(effects, do.RecordEvidence)
    assert len(evidence) == 1 and evidence[0].seat == 1
    assert bench.replica.get_view(1).votes[N][1].digest == bytes(32)


def test_finalize_beside_nullify_is_evidence() -> None:
    bench = Bench()
    bench.hear(1, bench.sign(1, Z, 1))
    evidence = find(bench.hear(1, bench.sign(1, F, 1, DIGEST)), do.RecordEvidence)
    assert len(evidence) == 1


def test_the_block_that_a_quorum_notarized_is_kept_though_another_came_first() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    first = bench.build(view)
    other = bench.build(view, time_ms=first.block.header.time_ms + 1)
    bench.hear(1, first)
    bench.hear(1, other)
    assert other.block.digest not in bench.replica.chain.blocks
    bench.hear(1, bench.certify(N, view, other.block.digest))
    bench.hear(1, other)
    assert other.block.digest in bench.replica.chain.blocks


def test_a_proposal_of_a_later_view_makes_a_replica_ask_for_what_it_missed() -> None:
    bench = Bench()
    view = bench.view_led_by(2, least=3)
    asked = find(bench.hear(2, bench.build(view)), do.SendToSeat)
    assert [(e.seat, e.message.from_view, e.message.to_view) for e in asked] == [(2, 1, view - 1)]


def test_a_newer_own_message_in_an_answer_stops_the_seat_for_good() -> None:
    bench = Bench(answered=False)
    lost = bench.sign(0, N, 6, DIGEST)
    bench.hear(1, SeatAnswer(0, 0, lost.encode()))
    assert bench.replica.get_state()[0] == "halted"
    for seat in (2, 3):
        bench.hear(seat, SeatAnswer(0, 0, b""))
    bench.hold(make_batch(1))
    assert "STALE_VOTE_LOG" in bench.replica.get_state()[1]
    assert not any(sent(bench.done, kind) for kind in (P, N, Z, F))


def test_a_forged_answer_or_one_about_another_seat_stops_nobody() -> None:
    bench = Bench(answered=False)
    forged = replace(bench.sign(1, N, 6, DIGEST), seat=0)
    for message in (SeatAnswer(0, 0, forged.encode()), SeatAnswer(0, 0, b"\2junk")):
        bench.hear(1, message)
    bench.hear(2, SeatAnswer(0, 3, bench.sign(3, N, 6, DIGEST).encode()))
    bench.hear(2, SeatAnswer(1, 0, b""))
    assert bench.replica.get_state()[0] == "catching_up"
    bench.hear(2, SeatAnswer(0, 0, b""))
    assert bench.replica.get_state() == ("voting", "")


def test_what_comes_after_a_view_is_final_is_still_evidence() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    for number in range(1, view):
        bench.hear(1, bench.certify(Z, number))
    shown, other = bench.build(view), bench.build(view, time_ms=CLOCK_MS + 7)
    bench.hear(1, shown)
    bench.hear(1, bench.sign(1, N, view, shown.block.digest))
    bench.hear(2, bench.certify(F, view, shown.block.digest))
    assert bench.replica.final_view == view
    forged = replace(other, signature=bytes(64))
    assert not find(bench.hear(2, forged), do.RecordEvidence)
    (evidence,) = find(bench.hear(2, other), do.RecordEvidence)
    assert (evidence.seat, evidence.second) == (1, other)
    assert not find(bench.hear(2, bench.sign(1, N, view, other.block.digest)), do.RecordEvidence)
    assert not find(bench.hear(2, bench.sign(2, N, view, shown.block.digest)), do.RecordEvidence)


def test_a_view_that_became_final_unseen_still_gives_evidence() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    later = view + 1
    block = bench.build(later, parent_view=0)
    bench.hear(2, block)
    bench.hear(2, bench.certify(N, later, block.block.digest))
    bench.hear(2, bench.certify(F, later, block.block.digest))
    assert bench.replica.final_view == later
    first, second = bench.build(view), bench.build(view, time_ms=CLOCK_MS + 7)
    assert not find(bench.hear(2, first), do.RecordEvidence)
    (evidence,) = find(bench.hear(2, second), do.RecordEvidence)
    assert (evidence.seat, evidence.second) == (1, second)
