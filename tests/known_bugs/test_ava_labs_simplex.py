"""Known bugs of ava-labs/Simplex, another implementation of the same protocol."""

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.log import record_certificate
from quorate.core.bft.messages import Kind, ProofRequest, Proposal
from tests.known_bugs.net import Bench, list_own
from tests.unit.quorate.core.bft.bench import PARAMS, find, sent

N, Z, F = Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE


def skip_to(bench: Bench, view: int) -> None:
    """Nullify all views before `view`."""
    for number in range(bench.replica.view, view):
        bench.hear(1, bench.certify(Z, number))


def time_out_on(bench: Bench) -> Proposal:
    """Bring a bench into a view of seat 1, let it notarize and then give up; return the block."""
    view = bench.view_led_by(1)
    skip_to(bench, view)
    proposal = bench.build(view)
    bench.hear(1, proposal)
    bench.wait(PARAMS.view_timeout_ms)
    assert view in {vote.view for vote in list_own(bench, N)}
    assert view in {vote.view for vote in list_own(bench, Z)}
    return proposal


def repeat_everything(bench: Bench) -> None:
    """Have the bench say again what it may, in every way there is, and restart it."""
    for _ in range(20):
        bench.wait(PARAMS.view_timeout_ms)
    bench.put(on.PeerConnected, b"node2", 2)
    bench.start()
    bench.put(on.PeerConnected, b"node2", 2)
    bench.wait(PARAMS.view_timeout_ms)


def test_280_no_finalize_is_built_for_a_view_that_was_timed_out() -> None:
    """Issue 280: a rebroadcast built new finalize votes for notarized rounds, timed out or not.

    Here a nullified view is never finalized, whenever its notarization comes and whatever is said
    again. Rule: `Signing.may_finalize` asks for a nullify (docs/protocol.md#R8).
    """
    bench = Bench()
    proposal = time_out_on(bench)
    view, digest = proposal.block.header.view, proposal.block.digest
    bench.hear(1, bench.certify(N, view, digest))
    assert bench.replica.view == view + 1
    repeat_everything(bench)
    bench.hear(1, bench.certify(N, view, digest))
    assert view not in {vote.view for vote in list_own(bench, F)}


def test_280_a_later_final_block_does_not_erase_that_a_view_was_timed_out() -> None:
    """Issue 280, its second half: finalizing a later round deleted the record of the time-out.

    Here a view at or below the final one is closed for good, with or without a record. Rule: the
    final view bounds what `Receiver` takes (docs/protocol.md#R7).
    """
    bench = Bench()
    proposal = time_out_on(bench)
    view, digest = proposal.block.header.view, proposal.block.digest
    bench.hear(1, bench.certify(N, view, digest))
    child = bench.build(view + 1, proposal.block)
    bench.hear(child.block.header.proposer, child)
    bench.hear(1, bench.certify(F, view + 1, child.block.digest))
    assert bench.replica.chain.head == child.block
    assert view not in bench.replica.signing.signed, "the record is gone, as it was there"
    bench.hear(1, bench.certify(N, view, digest))
    for seat in (1, 2, 3):
        bench.hear(seat, bench.sign(seat, N, view, digest))
    repeat_everything(bench)
    assert view not in {vote.view for vote in list_own(bench, F)}


def test_281_a_leader_must_prove_the_view_it_skips_as_empty() -> None:
    """Issue 281: B0 in view i, B1 in i+1, and the leader of i+2 builds on B0 as if i+1 were empty.

    Here who knows B1, and who knows nothing of i+1, ask the leader for the nullification and do not
    vote until it is there. Rule: `Helper.judge_ancestry` asks for NULLIFY (docs/protocol.md#R4).
    """
    for knows_the_skipped in (True, False):
        bench = Bench(seat=Bench().leader(4))
        first, between = bench.build(1), bench.build(2, bench.build(1).block)
        skipping = bench.build(3, first.block)
        leader = skipping.block.header.proposer
        bench.hear(first.block.header.proposer, first)
        bench.hear(2, bench.certify(N, 1, first.block.digest))
        if knows_the_skipped:
            bench.hear(between.block.header.proposer, between)
            bench.hear(2, bench.certify(N, 2, between.block.digest))
        effects = bench.hear(leader, skipping)
        assert 3 not in {vote.view for vote in list_own(bench, N)}
        asked = [e for e in find(effects, do.SendToSeat) if isinstance(e.message, ProofRequest)]
        assert [e.seat for e in asked] == [leader], "it is the leader's to prove"
        bench.hear(leader, bench.certify(Z, 2))
        assert 3 in {vote.view for vote in list_own(bench, N)}


def test_281_a_leader_without_the_proof_loses_its_view() -> None:
    """Issue 281, what follows: the false block must not stop the chain either.

    Here the view times out like any other. Rule: undecided is no vote, and the timer runs
    (docs/protocol.md#R4, #W1).
    """
    bench = Bench(seat=Bench().leader(4))
    first = bench.build(1)
    second = bench.build(2, first.block)
    for proposal in (first, second):
        view = proposal.block.header.view
        bench.hear(proposal.block.header.proposer, proposal)
        bench.hear(2, bench.certify(N, view, proposal.block.digest))
    skipping = bench.build(3, first.block)
    bench.hear(skipping.block.header.proposer, skipping)
    assert not sent(bench.wait(PARAMS.view_timeout_ms - 1), Z)
    assert [vote.view for vote in sent(bench.wait(1), Z)] == [3]


def test_290_a_notarized_block_that_was_bypassed_is_not_finalized() -> None:
    """Issue 290: b1 <- b3 became final, and the node built a finalize for notarized b2 beside it.

    Here what lies at or below the final view gets no vote any more, whether the notarization of b2
    comes before, after, or out of the log. Rule: `_moved_head` drops those views and `Receiver`
    and `restore_replica` take nothing there (docs/protocol.md#R7).
    """
    bench = Bench()
    first = bench.build(1)
    beside, used = bench.build(2, first.block), bench.build(3, first.block)
    bench.hear(bench.leader(1), first)
    bench.hear(1, bench.certify(N, 1, first.block.digest))
    notarization = bench.certify(N, 2, beside.block.digest)
    bench.hear(bench.leader(2), beside)
    bench.hear(1, bench.certify(Z, 2))
    bench.hear(bench.leader(3), used)
    (commit,) = find(bench.hear(1, bench.certify(F, 3, used.block.digest)), do.CommitBlocks)
    assert commit.blocks == (first.block, used.block)
    before = len(list_own(bench, F))
    bench.hear(1, notarization)
    bench.hear(1, bench.certify(Z, 2))
    bench.log.update([record_certificate(notarization)])
    bench.head, bench.finality = used.block, commit.finality
    repeat_everything(bench)
    bench.hear(1, notarization)
    late = [vote for vote in list_own(bench, F)[before:] if vote.view == 2]
    assert not late and bench.replica.chain.head == used.block
