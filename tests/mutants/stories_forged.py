"""Stories of one traitor who forges: an honest engine takes nothing of it."""

from __future__ import annotations

from dataclasses import replace

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import TAGS, Certificate, Kind, Proposal, Vote, encode_statement
from quorate.core.blocks import Block, compute_base_fee, compute_batches_hash
from quorate.core.values import ZERO_HASH
from tests.adversaries import Adversary
from tests.mutants.stage import Stage, is_proposal, is_vote, let_all

NULLIFY = Kind.NULLIFY


def _start() -> tuple[Stage, Adversary, int]:
    stage = Stage()
    traitor, victim = 3, 0
    return stage, stage.betray(traitor), victim


def _offer(stage: Stage, victim: int, signatures: tuple[tuple[int, bytes], ...]) -> None:
    certificate = Certificate(NULLIFY, 0, 1, ZERO_HASH, 4, signatures)
    stage.tell(victim, 3, certificate)
    stage.run(100)
    assert stage.engine(victim).view == 1, "it was no certificate"


def one_seat_signs_thrice() -> None:
    """A certificate of one seat's signature, three times over."""
    stage, forger, victim = _start()
    vote = forger.sign_vote(NULLIFY, 1)
    _offer(stage, victim, ((3, vote.signature),) * 3)


def two_seats_sign_for_three() -> None:
    """A certificate with a signature less than a quorum."""
    stage, forger, victim = _start()
    votes = (stage.forger(2).sign_vote(NULLIFY, 1), forger.sign_vote(NULLIFY, 1))
    _offer(stage, victim, tuple((vote.seat, vote.signature) for vote in votes))


def signatures_are_made_up() -> None:
    """A certificate whose signatures are the traitor's, under other seats' names."""
    stage, forger, victim = _start()
    vote = forger.sign_vote(NULLIFY, 1)
    _offer(stage, victim, tuple((seat, vote.signature) for seat in (1, 2, 3)))


def votes_in_other_names() -> None:
    """Votes of others that the traitor has signed itself."""
    stage, forger, victim = _start()
    vote = forger.sign_vote(NULLIFY, 1)
    for seat in (1, 2, 3):
        stage.tell(victim, 3, replace(vote, seat=seat))
    stage.run(100)
    assert stage.engine(victim).view == 1, "the others have not voted"


def votes_of_the_next_epoch() -> None:
    """Honest votes for the same view of another epoch, where the seats have the same keys."""
    stage, _, victim = _start()
    for seat in (1, 2, 3):
        stage.tell(victim, 3, _sign_in_epoch(stage, seat, 1))
    stage.run(100)
    assert stage.engine(victim).view == 1, "nobody has voted in this epoch"


def _sign_in_epoch(stage: Stage, seat: int, epoch: int) -> Vote:
    setup = stage.node(seat).setup
    assert setup.key is not None, "a seat"
    statement = encode_statement(epoch, 1, ZERO_HASH)
    signature = setup.key.sign(TAGS[NULLIFY], setup.domain, statement)
    return Vote(NULLIFY, epoch, 1, ZERO_HASH, seat, signature)


# ---- proposals ---------------------------------------------------------------------------------


class _Rewriter(Adversary):
    """Replaces its own proposals, and votes for what they have become."""

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Broadcast each forgery with a notarize for it."""
        out: list[do.Effect] = []
        for effect in effects:
            match effect:
                case do.Broadcast(Proposal() as proposal):
                    for forged in self.list_forged(proposal):
                        view, digest = forged.block.header.view, forged.block.digest
                        out.append(do.Broadcast(forged))
                        out.append(do.Broadcast(self.sign_vote(Kind.NOTARIZE, view, digest)))
                case _:
                    out.append(effect)
        return out

    def list_forged(self, proposal: Proposal) -> list[Proposal]:
        """Return what is sent instead of a proposal."""
        return [proposal]


class _ShowsTwo(_Rewriter):
    """Shows each block that it makes with another beside it."""

    def list_forged(self, proposal: Proposal) -> list[Proposal]:
        """Return both."""
        return [proposal, self.forge(proposal, time_ms=proposal.block.header.time_ms + 1)]


class _ShowsTwoAndIsSilent(Adversary):
    """Shows two blocks as well, and votes for neither."""

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Add a second proposal to the first; leave out all votes."""
        out: list[do.Effect] = []
        for effect in effects:
            match effect:
                case do.Broadcast(Proposal() as proposal):
                    later_ms = proposal.block.header.time_ms + 1
                    out += [effect, do.Broadcast(self.forge(proposal, time_ms=later_ms))]
                case do.Broadcast(Vote()):
                    continue
                case _:
                    out.append(effect)
        return out


class _BendsTime(_Rewriter):
    """Makes blocks of long ago."""

    def list_forged(self, proposal: Proposal) -> list[Proposal]:
        """Return the block with another time."""
        return [self.forge(proposal, time_ms=1)]


class _NamesTwice(_Rewriter):
    """Names each batch twice, the weight to match."""

    def list_forged(self, proposal: Proposal) -> list[Proposal]:
        """Return the block with its batches repeated."""
        names = proposal.block.batches * 2
        bare = Proposal(Block.build(proposal.block.header, names), proposal.signature)
        weight = proposal.block.header.weight * 2
        return [self.forge(bare, batches_hash=compute_batches_hash(names), weight=weight)]


class _BuildsOnTheFirst(_Rewriter):
    """Builds on the proposal of view 1, whatever became of it."""

    def list_forged(self, proposal: Proposal) -> list[Proposal]:
        """Return an empty block on that parent."""
        engine = self.node.replica
        assert engine is not None, "it proposes"
        parent = next(iter(engine.views[1].proposals.values())).block
        above = parent.header
        bare = Proposal(Block.build(proposal.block.header, ()), proposal.signature)
        return [
            self.forge(
                bare,
                parent=parent.digest,
                parent_view=1,
                height=above.height + 1,
                time_ms=max(proposal.block.header.time_ms, above.time_ms + 1),
                batches_hash=compute_batches_hash(()),
                weight=0,
                base_fee=compute_base_fee(above.base_fee, above.weight, self.setup.params),
            )
        ]


def _run_with(kind: type[Adversary]) -> None:
    stage = Stage()
    traitor = stage.leader(1)
    stage.betray(traitor, kind)
    stage.make_batch(traitor)
    stage.await_block(*stage.others(traitor))


def both_blocks_are_shown_to_all() -> None:
    """A leader shows two blocks to everybody, and votes for both."""
    _run_with(_ShowsTwo)


def two_blocks_and_not_a_vote() -> None:
    """A leader shows two blocks to everybody; its proposals alone are the evidence."""
    _run_with(_ShowsTwoAndIsSilent)


def a_block_older_than_its_parent() -> None:
    """A leader's block is from long before its parent."""
    _run_with(_BendsTime)


def a_batch_twice_in_one_block() -> None:
    """A leader names a batch, and names it again."""
    _run_with(_NamesTwice)


def a_block_out_of_turn() -> None:
    """Who does not lead the view proposes in it; the leader's own block is held up."""
    stage = Stage()
    leader = stage.leader(1)
    traitor, *rest = stage.others(leader)
    forger = stage.betray(traitor)
    stage.gate = lambda source, target, message: not is_proposal(message, 1)
    stage.make_batch(leader)
    stage.run(100)
    proposal = stage.engine(leader).views[1].proposal
    assert proposal is not None, "the leader has proposed"
    forged = forger.forge(proposal, proposer=traitor)
    for seat in rest:
        stage.tell(seat, traitor, forged)
    stage.run(100)
    assert all(Kind.NOTARIZE not in stage.engine(seat).views[1].own for seat in rest)


def a_view_leapt_over() -> None:
    """Views 1 and 2 are notarized, neither is final; the next leader builds on view 1's block."""
    stage = Stage()
    traitor = stage.leader(3)
    stage.betray(traitor, _BuildsOnTheFirst)
    stage.gate = lambda source, target, message: getattr(message, "kind", 0) is not Kind.FINALIZE
    stage.make_batch(stage.leader(1))
    stage.run(2_000)
    assert min(stage.engine(seat).view for seat in range(4)) >= 3
    stage.gate = let_all
    stage.await_block(*stage.others(traitor), height=2)


def a_block_on_one_that_nobody_notarized() -> None:
    """The first block is seen by all and given up; the next leader builds on it all the same."""
    stage = Stage()
    traitor = stage.leader(2)
    stage.betray(traitor, _BuildsOnTheFirst)
    stage.gate = lambda source, target, message: not is_vote(message, Kind.NOTARIZE, 1)
    stage.make_batch(stage.leader(1))
    stage.await_block(*stage.others(traitor))
