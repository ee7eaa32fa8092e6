"""Known bugs of commonwarexyz/monorepo (simplex), another implementation of this protocol."""

import pytest

from quorate.core.bft import effects as do
from quorate.core.bft.messages import Kind, ProofRequest, Proposal
from quorate.core.values import compute_quorum
from tests.known_bugs.net import Bench, Net, certify_by, list_own
from tests.unit.quorate.core.bft.bench import PARAMS, find

P, N, Z, F = Kind.PROPOSAL, Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE
TIMEOUT_MS = PARAMS.view_timeout_ms


def skip_to(bench: Bench, view: int, *, lacking: tuple[int, ...] = ()) -> None:
    """Nullify all views before `view` but some."""
    for number in range(bench.replica.view, view):
        if number not in lacking:
            bench.hear(1, bench.certify(Z, number))


def list_requests(effects: list[do.Effect]) -> list[tuple[int, int]]:
    """Return (from, to) of each proof asked for."""
    messages = [getattr(effect, "message", None) for effect in effects]
    return [(m.from_view, m.to_view) for m in messages if isinstance(m, ProofRequest)]


@pytest.mark.parametrize("kind", [N, Z, F])
def test_2045_2050_votes_from_before_a_restart_are_counted_once(kind: Kind) -> None:
    """Pull requests 2045 and 2050 (issue 2043): after a restart the votes of the log and the same
    votes from the wire were both counted, and made a certificate of one seat twice.

    Here a seat counts once for a kind, from wherever its vote comes. Rule: `View.add_vote` keeps
    one vote per seat, and an own vote from outside is none (docs/protocol.md#R1).
    """
    bench = Bench()
    view = bench.view_led_by(1)
    skip_to(bench, view)
    proposal = bench.build(view)
    digest = bytes(32) if kind is Z else proposal.block.digest
    bench.hear(1, proposal)
    if kind is F:
        bench.hear(1, bench.certify(N, view, digest))
    elif kind is Z:
        bench.wait(TIMEOUT_MS)
    (own,) = {vote for vote in list_own(bench, kind) if vote.view == view}
    for _ in range(2):
        bench.hear(1, bench.sign(1, kind, view, digest))
        bench.start()
        for seat in (1, 2, 3):
            bench.hear(seat, own)
        bench.hear(3, bench.sign(1, kind, view, digest))
    assert kind not in bench.replica.get_view(view).certificates, "two seats are no quorum"
    bench.hear(2, bench.sign(2, kind, view, digest))
    if kind is F:
        (commit,) = find(bench.done, do.CommitBlocks)
        certificate = commit.finality.certificate
    else:
        certificate = bench.replica.get_view(view).certificates[kind]
    assert [seat for seat, _ in certificate.signatures] == [0, 1, 2]


def test_2100_exactly_the_missing_nullifications_are_asked_for() -> None:
    """Pull request 2100: what lacks was counted up to the current view, not up to the proposal's.

    Here one asks for the views between the parent's and the proposal's that have no nullification
    yet: for a proposal at hand, and for one of a later view. Rule: the range in
    `Helper.judge_ancestry`, and in `Receiver` for later views (docs/protocol.md#R4, #R6).
    """
    bench = Bench(seat=Bench().leader(1))
    skip_to(bench, 6, lacking=(2, 4))
    proposal = bench.build(6)
    effects = bench.hear(bench.leader(6), proposal)
    assert list_requests(effects) == [(2, 4)], "not up to 6, and not the one at hand"
    bench.hear(1, bench.certify(Z, 2))
    assert not list_own(bench, N)
    bench.hear(1, bench.certify(Z, 4))
    assert [vote.view for vote in list_own(bench, N)] == [6]

    later = Bench(seat=Bench().leader(1))
    skip_to(later, 3)
    effects = later.hear(later.leader(8), later.build(8))
    assert list_requests(effects) == [(3, 7)]
    skip_to(later, 8)
    assert [vote.view for vote in list_own(later, N)] == [8]


@pytest.mark.parametrize("is_certificate_first", [True, False])
def test_2178_a_certificate_overrides_votes_and_no_vote_overrides_a_certificate(
    is_certificate_first: bool,
) -> None:
    """Pull request 2178: with an equivocating leader a vote for its other block, coming after the
    certificate, replaced the certified proposal of the view.

    Here only a certificate says what a view notarized, whatever votes and blocks come before or
    after it. Rule: `find_notarized`, and `judge_ancestry` asks it (docs/protocol.md#R4).
    """
    bench = Bench(seat=Bench().leader(4))
    liar = bench.leader(1)
    certified = bench.build(1)
    other = bench.build(1, time_ms=certified.block.header.time_ms + 1)
    notarization = bench.certify(N, 1, certified.block.digest)
    votes = [bench.sign(liar, kind, 1, other.block.digest) for kind in (N, F)]
    for message in (notarization, other, *votes) if is_certificate_first else (
        other, *votes, notarization
    ):  # fmt: skip
        bench.hear(liar, message)
    bench.hear(liar, certified)
    bench.hear(liar, other)
    assert bench.replica.view == 2
    lost, good = bench.build(2, other.block), bench.build(2, certified.block)
    twin = Bench(seat=bench.seat)
    twin.start(log=bench.log)
    twin.hear(liar, certified)
    bench.hear(bench.leader(2), lost)
    assert not [vote for vote in list_own(bench, N) if vote.view == 2]
    twin.hear(bench.leader(2), good)
    assert [vote.digest for vote in list_own(twin, N) if vote.view == 2] == [good.block.digest]


def test_2192_a_view_with_one_certificate_may_still_lack_the_other() -> None:
    """Issue 2149, pull request 2192: some certificates of a view did not help those who lacked the
    other one of that view, and no proposal found support.

    Here a notarization is no answer where a nullification lacks: it is asked for again, until it
    comes, and both are kept. Rule: `judge_ancestry` and `_receive_certificate` look at the kind
    (docs/protocol.md#R4, #R6).
    """
    bench = Bench(seat=Bench().leader(4))
    first = bench.build(1)
    notarization = bench.certify(N, 1, first.block.digest)
    bench.hear(bench.leader(1), first)
    bench.hear(2, notarization)
    bench.hear(2, bench.certify(Z, 2))
    skipping = bench.build(3, bench.root)
    assert list_requests(bench.hear(bench.leader(3), skipping)) == [(1, 1)]
    for _ in range(3):
        bench.hear(bench.leader(3), notarization)
        assert 3 not in {vote.view for vote in list_own(bench, N)}
        assert list_requests(bench.wait(TIMEOUT_MS // 4)) == [(1, 1)]
    bench.hear(bench.leader(3), bench.certify(Z, 1))
    assert 3 in {vote.view for vote in list_own(bench, N)}
    assert set(bench.replica.get_view(1).certificates) == {N, Z}


class Split:
    """Ten seats, three of them dead, and honest ones who hold different certificates of two views.

    The `front` knows the first view notarized and the second nullified, the `back` the other way
    round, the `lone` one both nullified; in each case exactly a quorum signed. It is the scenario
    of the test that came with pull request 2192.
    """

    def __init__(self) -> None:
        order = Bench(0, seats=10).replica.order
        self.dead = [order[1], order[2], order[9]]
        alive = [seat for seat in range(10) if seat not in self.dead]
        self.front, self.back, self.lone = alive[:3], alive[3:6], alive[6:]
        self.net = Net(10, alive)
        self.net.cut = lambda source, target: True
        self.net.hold(1)

    def run_first_view(self) -> None:
        """Notarize view 1 for the front, nullify it for the others."""
        proposal = self._get_bench(self.front).build(1)
        self.net.hear([*self.front, *self.lone], proposal.block.header.proposer, proposal)
        self._certify(self.front, N, proposal, [*self.front, *self.lone, *self.dead])
        behind = [*self.back, *self.lone]
        self.net.wait(TIMEOUT_MS, behind)
        self._certify(behind, Z, proposal, [*behind, *self.dead])

    def run_second_view(self) -> None:
        """Notarize view 2, on the root, for the back; nullify it for the others."""
        bench = self._get_bench(self.back)
        proposal = bench.build(2, bench.root)
        self.net.hear([*self.back, *self.lone], proposal.block.header.proposer, proposal)
        self._certify(self.back, N, proposal, [*self.back, *self.lone, *self.dead])
        others = [*self.front, *self.lone]
        self.net.wait(TIMEOUT_MS, others)
        self._certify(others, Z, proposal, [*others, *self.dead])

    def run_third_view(self) -> None:
        """Let view 3 time out for everybody; the votes are lost."""
        self.net.wait(2 * TIMEOUT_MS)

    def _get_bench(self, seats: list[int]) -> Bench:
        return self.net.benches[seats[0]]

    def _certify(self, told: list[int], kind: Kind, proposal: Proposal, signers: list[int]) -> None:
        bench, view = self._get_bench(told), proposal.block.header.view
        for seat in (each for each in signers if each in self.net.benches):
            own = list_own(self.net.benches[seat], kind)
            assert view in {vote.view for vote in own}, "the honest signed what they are said to"
        vote = bench.sign(signers[0], kind, view, bytes(32) if kind is Z else proposal.block.digest)
        self.net.hear(told, self.dead[0], certify_by(bench, signers, vote))


def test_2192_who_holds_different_certificates_of_the_same_views_gets_together_again() -> None:
    """Issue 2149, pull request 2192: 2f + 1 honest were up, and there was no way on, because
    nobody's proposal found the support of enough others.

    Here proofs of both kinds are asked for and given, so that the seven, which are exactly a
    quorum, make a block final. Rule: `Helper.answer_proof` gives all of a view
    (docs/protocol.md#R6).
    """
    split = Split()
    split.run_first_view()
    split.run_second_view()
    split.run_third_view()
    net = split.net
    assert set(net.list_views().values()) == {3} and set(net.list_heights()) == {0}
    net.cut = lambda source, target: False
    net.connect()
    # Three of ten leaders are dead: each may cost one time-out before a live one has its turn.
    waited_ms = net.wait_until(lambda: min(net.list_heights()) >= 1, 6 * TIMEOUT_MS)
    assert waited_ms >= 0, net.list_views()
    assert not any(find(bench.done, do.RecordEvidence) for bench in net.benches.values())


def test_4275_an_own_nullify_counts_after_a_restart() -> None:
    """Pull request 4275: exactly 2f + 1 had journaled their nullify when all crashed. After the
    restart each sent it to the others and did not count its own: one short of a quorum for ever.

    Here what the log gives back is counted like a new vote. Rule: `_restore_own` puts own votes
    into the tally (docs/protocol.md#L3).
    """
    order = Bench(0).replica.order
    dead = order[1]
    net = Net(4, [seat for seat in range(4) if seat != dead])
    assert len(net.benches) == compute_quorum(4)
    net.cut = lambda source, target: True  # the crash comes between the sync and the sends
    net.hold(1)
    net.wait(TIMEOUT_MS)
    assert all([v.view for v in list_own(b, Z)] == [1] for b in net.benches.values())
    net.cut = lambda source, target: False
    net.restart()
    assert set(net.list_views().values()) == {2}
    net.hold(2)
    assert net.wait_until(lambda: min(net.list_heights()) >= 1, 3 * TIMEOUT_MS) >= 0


def equivocate(bench: Bench) -> tuple[Proposal, Proposal]:
    """Let a bench notarize a leader's first block and restart; return both of its blocks."""
    view = bench.view_led_by(1)
    skip_to(bench, view)
    ours = bench.build(view)
    winner = bench.build(view, time_ms=ours.block.header.time_ms + 1)
    bench.hear(1, ours)
    assert [vote.digest for vote in list_own(bench, N)] == [ours.block.digest]
    bench.start()
    effects = bench.hear(1, winner)
    effects += bench.hear(1, bench.sign(1, N, view, winner.block.digest))
    assert [e.seat for e in find(effects, do.RecordEvidence)] == [1]
    return ours, winner


def test_4328_after_a_replayed_equivocation_the_notarized_block_wins_over_the_own_vote() -> None:
    """Pull request 4328: a replayed notarize for the leader's first block, then its second block,
    then a certificate for that one: the restarted node held on to the block that had lost.

    Here the certificate decides what is built on, also after another restart; the own vote is said
    again as it is, and there is no finalize for either. Rule: `find_notarized` goes by
    certificates, `may_finalize` by the own notarize (docs/protocol.md#R4, #R8).
    """
    bench = Bench()
    ours, winner = equivocate(bench)
    view, digest = winner.block.header.view, winner.block.digest
    bench.hear(2, certify_by(bench, (1, 2, 3), bench.sign(1, N, view, digest)))
    assert bench.replica.view == view + 1
    bench.start()
    assert bench.replica.view == view + 1
    bench.hear(2, winner)
    child, lost = bench.build(view + 1, winner.block), bench.build(view + 1, ours.block)
    bench.hear(lost.block.header.proposer, lost)
    assert view + 1 not in {vote.view for vote in list_own(bench, N)}
    other = Bench()
    equivocate(other)
    other.hear(2, certify_by(other, (1, 2, 3), other.sign(1, N, view, digest)))
    other.start()
    other.hear(2, winner)
    other.hear(child.block.header.proposer, child)
    assert {vote.digest for vote in list_own(other, N)} == {ours.block.digest, child.block.digest}
    for each in (bench, other):
        assert not [vote for vote in list_own(each, F) if vote.view == view]


def test_4328_after_a_replayed_equivocation_the_finalized_block_wins_over_the_own_vote() -> None:
    """Pull request 4328, with a finalization: later parents were looked up as the lost block.

    Here the final block is committed as soon as it is there, and it is fetched. Rule: `_commit`
    follows the certificate's digest, and asks for the block (docs/protocol.md#R7).
    """
    bench = Bench()
    ours, winner = equivocate(bench)
    view, digest = winner.block.header.view, winner.block.digest
    final = certify_by(bench, (1, 2, 3), bench.sign(1, F, view, digest))
    assert list_requests(bench.hear(2, final)), "the block is not here and must be asked for"
    assert not find(bench.done, do.CommitBlocks)
    (commit,) = find(bench.hear(2, winner), do.CommitBlocks)
    assert commit.blocks == (winner.block,) and bench.replica.final_view == view
    assert ours.block.digest not in bench.replica.chain.blocks
    assert not list_own(bench, F)
