"""Proofs are asked for, answered and offered; never without bound (docs/protocol.md#R6).

Known bugs of others: ava-labs/Simplex 281 (a skipped view must be proved), commonware 2100 (missing
nullifications).
"""

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.helping import ASK_EVERY_MS, HELP_EVERY_MS, LATE_MS
from quorate.core.bft.messages import (
    RANGE_MAX,
    Certificate,
    Kind,
    ProofRequest,
    Proposal,
    SeatAnswer,
    SeatQuery,
)
from tests.unit.quorate.core.bft.bench import Bench, find, sent

N, Z, F = Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE


def requests(effects: list[do.Effect]) -> list[tuple[int | None, int, int]]:
    """Return (seat or None for everyone, from, to) of each proof asked for."""
    found = []
    for effect in effects:
        message = getattr(effect, "message", None)
        if isinstance(message, ProofRequest):
            found.append((getattr(effect, "seat", None), message.from_view, message.to_view))
    return found


def answers(effects: list[do.Effect]) -> list[object]:
    return [effect.message for effect in find(effects, do.SendToNode)]


def skip_to(bench: Bench, view: int, *, lacking: tuple[int, ...] = ()) -> None:
    """Nullify all views before `view` but some."""
    for number in range(bench.replica.view, view):
        if number not in lacking:
            bench.hear(1, bench.certify(Z, number))


def test_a_skipped_view_must_be_proved_before_a_vote() -> None:
    bench = Bench(seat=Bench().leader(2))
    skip_to(bench, 4, lacking=(2,))
    leader = bench.leader(4)
    effects = bench.hear(leader, bench.build(4))
    assert not sent(effects, N) and requests(effects) == [(leader, 2, 2)]
    assert bench.replica.get_state() == ("voting", "ANCESTRY_UNPROVED")
    assert sent(bench.hear(leader, bench.certify(Z, 2)), N)


def test_what_stays_missing_is_asked_for_again_of_everyone() -> None:
    bench = Bench()
    view = bench.view_led_by(2, least=4)
    skip_to(bench, view, lacking=(2,))
    bench.hear(2, bench.build(view))
    assert not requests(bench.wait(ASK_EVERY_MS - 1))
    timer = find(bench.done, do.SetTimer)[-1].at_ms
    assert timer is not None and timer <= bench.now_ms + ASK_EVERY_MS
    assert requests(bench.wait(1)) == [(None, 2, 2)]


def test_a_parent_skipped_by_nothing_is_never_voted_for() -> None:
    bench = Bench()
    view = bench.view_led_by(2, least=4)
    skip_to(bench, view, lacking=(3,))
    notarized = bench.build(3)
    bench.hear(bench.leader(3), notarized)
    bench.hear(1, bench.certify(N, 3, notarized.block.digest))
    assert not sent(bench.hear(2, bench.build(view, bench.root)), N)


def lose_grandparent(bench: Bench, view: int) -> Proposal:
    """Bring a bench to `view` with all proofs but the block two views before; return the parent."""
    skip_to(bench, view - 2)
    one = bench.build(view - 2)
    two = bench.build(view - 1, one.block)
    bench.hear(1, bench.certify(N, view - 2, one.block.digest))
    bench.hear(bench.leader(view - 1), two)
    bench.hear(1, bench.certify(N, view - 1, two.block.digest))
    bench.now_ms += ASK_EVERY_MS
    assert bench.replica.view == view
    return two


def test_a_grandparent_that_was_lost_is_asked_for_by_its_own_view() -> None:
    bench = Bench()
    view = next(v for v in range(3, 7) if 0 not in (bench.leader(v), bench.leader(v - 1)))
    parent = lose_grandparent(bench, view)
    effects = bench.hear(bench.leader(view), bench.build(view, parent.block))
    assert not sent(effects, N)
    assert {first for _, first, _ in requests(effects)} == {view - 2}


def test_a_leader_that_lacks_a_grandparent_asks_for_it_too() -> None:
    bench = Bench()
    view = bench.view_led_by(0, least=3)
    lose_grandparent(bench, view)
    effects = bench.wait(0)
    assert not sent(effects, Kind.PROPOSAL)
    assert {first for _, first, _ in requests(effects)} == {view - 2}


def test_a_finalization_above_a_gap_asks_for_the_blocks() -> None:
    bench = Bench()
    one = bench.build(1)
    two = bench.build(2, one.block)
    bench.hear(bench.leader(2), two)
    bench.now_ms += ASK_EVERY_MS
    effects = bench.hear(1, bench.certify(F, 2, two.block.digest))
    assert (None, 1, 2) in requests(effects) and bench.replica.view == 3
    effects = bench.hear(bench.leader(1), one)
    commits = find(effects, do.CommitBlocks)
    assert [b.digest for b in commits[0].blocks] == [one.block.digest, two.block.digest]


def test_a_request_is_answered_with_certificates_before_blocks() -> None:
    bench = Bench()
    one = bench.build(1)
    bench.finish(one)
    got = answers(bench.hear(2, ProofRequest(0, 1, 1)))
    kinds = [type(message) for message in got]
    assert kinds[:3] == [Certificate, Certificate, Proposal]


def test_answers_to_one_node_are_rare_and_cover_a_bounded_range() -> None:
    bench = Bench()
    skip_to(bench, 2 * RANGE_MAX)
    first = answers(bench.hear(2, ProofRequest(0, 1, 10_000)))
    assert len(first) == RANGE_MAX
    assert not answers(bench.hear(2, ProofRequest(0, 1, 10_000)))
    assert answers(bench.hear(3, ProofRequest(0, 1, 1))), "another node is another budget"
    bench.now_ms += HELP_EVERY_MS
    assert answers(bench.hear(2, ProofRequest(0, 1, 1)))


def test_a_request_of_another_epoch_is_not_answered() -> None:
    bench = Bench()
    skip_to(bench, 3)
    assert not answers(bench.hear(2, ProofRequest(1, 1, 2)))


def test_the_last_votes_of_a_view_are_no_call_for_help() -> None:
    bench = Bench()
    skip_to(bench, 2)
    bench.now_ms += LATE_MS - 1
    assert not answers(bench.hear(2, bench.sign(2, Z, 1)))


def test_who_votes_in_a_view_long_ended_gets_what_lets_it_leave() -> None:
    bench = Bench()
    skip_to(bench, 3)
    bench.now_ms += LATE_MS
    got = answers(bench.hear(2, bench.sign(2, Z, 1)))
    assert {m.view for m in got if isinstance(m, Certificate)} == {1, 2}
    assert not answers(bench.hear(2, bench.sign(2, Z, 1)))


def test_a_lost_finalization_is_healed_when_its_vote_is_repeated() -> None:
    bench = Bench()
    one = bench.build(1)
    bench.finish(one)
    late = bench.sign(3, F, 1, one.block.digest)
    assert not answers(bench.hear(3, late))
    bench.now_ms += LATE_MS
    got = answers(bench.hear(3, late))
    assert any(isinstance(m, Certificate) and m.kind is F for m in got)


def test_a_seat_is_told_the_newest_message_seen_of_it() -> None:
    bench = Bench()
    (nothing,) = answers(bench.hear(2, SeatQuery(0, 2)))
    assert nothing == SeatAnswer(0, 2, b"")
    vote = bench.sign(2, Z, 5)
    bench.hear(2, vote)
    bench.hear(2, bench.sign(2, N, 3, b"d" * 32))
    (answer,) = answers(bench.hear(2, SeatQuery(0, 2)))
    assert answer == SeatAnswer(0, 2, vote.encode())
    assert not answers(bench.hear(2, SeatQuery(1, 2)))


def test_who_connects_is_greeted_with_the_final_head_and_open_views() -> None:
    bench = Bench()
    bench.finish(bench.build(1))
    bench.hear(1, bench.certify(Z, 2))
    got = answers(bench.put(on.PeerConnected, b"node3", 3))
    certified = [(m.kind, m.view) for m in got if isinstance(m, Certificate)]
    assert certified == [(F, 1), (Z, 2)]
