"""After a restart a replica says again what it said, and nothing that conflicts with it.

Known bugs of others: commonware 2045 and 2050 (votes after a restart), 4275 (the own nullify lost).
"""

import pytest

from quorate.core.bft import effects as do
from quorate.core.bft.finality import Finality
from quorate.core.bft.messages import Kind
from tests.unit.quorate.core.bft.bench import Bench, find, make_batch, sent

P, N, Z, F = Kind.PROPOSAL, Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE


def restart(bench: Bench) -> list[do.Effect]:
    before = len(bench.done)
    bench.start()
    return bench.done[before:]


def notarize_one(bench: Bench) -> int:
    view = bench.replica.view
    if bench.leader(view) == bench.seat:
        bench.hold(make_batch(1))
    else:
        bench.hear(bench.leader(view), bench.build(view))
    assert sent(bench.done, N)
    return view


def test_own_messages_are_sent_again_verbatim_when_it_starts() -> None:
    bench = Bench()
    notarize_one(bench)
    bench.wait(2_000)
    own = [m for kind in (P, N, Z) for m in sent(bench.done, kind)]
    assert own
    effects = restart(bench)
    again = [m for kind in (P, N, Z) for m in sent(effects, kind)]
    assert [m.encode() for m in again] == [m.encode() for m in dict.fromkeys(own)]


@pytest.mark.parametrize("seat", range(4))
def test_nothing_new_is_notarized_up_to_the_highest_logged_view(seat: int) -> None:
    bench = Bench(seat)
    view = notarize_one(bench)
    other = bench.build(view, time_ms=bench.build(view).block.header.time_ms + 5)
    before = {m.digest for m in sent(bench.done, N)}
    restart(bench)
    if bench.leader(view) != seat:
        bench.hear(bench.leader(view), other)
    assert {m.digest for m in sent(bench.done, N)} == before
    assert len({m.encode() for m in sent(bench.done, P)}) <= 1


def test_a_nullified_view_is_never_finalized_after_a_restart() -> None:
    bench = Bench(answered=True)
    view = notarize_one(bench)
    bench.wait(2_000)
    assert sent(bench.done, Z)
    digest = sent(bench.done, N)[0].digest
    restart(bench)
    effects = bench.hear(1, bench.certify(N, view, digest))
    assert bench.replica.view == view + 1 and not sent(effects, F)


def test_a_finalized_view_is_never_nullified_after_a_restart() -> None:
    bench = Bench()
    view = notarize_one(bench)
    bench.hear(1, bench.certify(N, view, sent(bench.done, N)[0].digest))
    assert sent(bench.done, F)
    effects = restart(bench)
    assert bench.replica.view == view + 1, "the certificate was logged with the vote"
    assert [m.view for m in sent(effects, F)] == [view]
    for _ in range(5):
        bench.wait(9_000)
    assert view not in {m.view for m in sent(bench.done, Z)}


def test_a_view_without_a_logged_nullify_may_still_be_finalized() -> None:
    bench = Bench()
    view = notarize_one(bench)
    digest = sent(bench.done, N)[0].digest
    restart(bench)
    assert sent(bench.hear(1, bench.certify(N, view, digest)), F)


def test_a_restored_view_has_a_timer() -> None:
    bench = Bench()
    view = notarize_one(bench)
    effects = restart(bench)
    timers = find(effects, do.SetTimer)
    assert timers and timers[-1].at_ms is not None
    assert timers[-1].at_ms <= bench.now_ms + bench.params.view_timeout_ms
    assert [m.view for m in sent(bench.wait(bench.params.view_timeout_ms), Z)] == [view]


def test_the_log_holds_the_block_of_an_own_notarize() -> None:
    bench = Bench()
    view = bench.view_led_by(1)
    for number in range(1, view):
        bench.hear(1, bench.certify(Z, number))
    proposal = bench.build(view)
    bench.hear(1, proposal)
    restart(bench)
    assert bench.replica.chain.find(proposal.block.digest) == proposal.block


def test_what_became_final_is_not_restored() -> None:
    bench = Bench()
    view = notarize_one(bench)
    block = bench.replica.get_view(view).proposal.block  # type: ignore[union-attr]
    certificate = bench.certify(F, view, block.digest)
    bench.hear(1, bench.certify(N, view, block.digest))
    bench.hear(1, certificate)
    bench.head, bench.finality = block, Finality(certificate)  # type: ignore[assignment]
    effects = restart(bench)
    assert bench.replica.final_view == view and not sent(effects, N)
    assert not [v for v in bench.replica.signing.signed if v <= view]
    assert bench.replica.signing.logged_view_max == view


def test_a_vote_heard_before_a_restart_is_evidence_against_one_heard_after() -> None:
    bench = Bench()
    view = bench.replica.view
    bench.hear(2, bench.sign(2, N, view, b"a" * 32))
    restart(bench)
    (evidence,) = find(bench.hear(2, bench.sign(2, N, view, b"b" * 32)), do.RecordEvidence)
    assert evidence.seat == 2
