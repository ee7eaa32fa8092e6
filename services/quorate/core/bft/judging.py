"""What a replica makes of the current view's proposal: notarize, give up, or wait (#R4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft import log, rules
from quorate.core.bft.messages import Kind
from quorate.core.bft.views import View
from quorate.core.blocks import Block
from quorate.core.results import Judgement

if TYPE_CHECKING:
    from quorate.core.bft.replica import Replica

ASK_AGAIN_MS = 250


class Judge:
    """The judging side of one replica."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def judge(self) -> bool:
        """Judge the current view's proposal; tell whether a vote was made."""
        replica = self._replica
        view = replica.get_view(replica.view)
        if view.proposal is None or view.judgement is not Judgement.UNDECIDED:
            return self._give_up_early(view)
        if not replica.signing.may_notarize(view.number):
            return False
        verdict = self._judge_block(view.proposal.block)
        view.judgement, view.reason = verdict.judgement, verdict.reason
        if verdict.missing and self._may_ask(view):
            seats = (view.proposal.block.header.proposer, *view.votes[Kind.NOTARIZE])
            replica.send(do.FetchBatches(verdict.missing, seats))
        if verdict.judgement is Judgement.VALID:
            replica.record(log.record_block(view.proposal))
            replica.vote(Kind.NOTARIZE, view, view.proposal.block.digest)
            return True
        if verdict.judgement is Judgement.INVALID:
            return replica.nullify(view)
        return False

    def _give_up_early(self, view: View) -> bool:
        # The leader's own nullify says that no proposal will come (docs/protocol.md#W3).
        replica = self._replica
        leader = replica.leader(view.number)
        return (
            leader in view.votes[Kind.NULLIFY]
            and leader != replica.setup.seat
            and replica.nullify(view)
        )

    def _judge_block(self, block: Block) -> rules.Verdict:
        replica, header = self._replica, block.header
        if header.parent_view >= header.view or header.parent_view < replica.final_view:
            return rules.Verdict(Judgement.INVALID, "PARENT_BELOW_FINAL")
        ancestry = replica.helper.judge_ancestry(header)
        if ancestry.judgement is not Judgement.VALID:
            return ancestry
        parent = replica.chain.find(header.parent)
        assert parent is not None, "judge_ancestry has found it"
        if replica.epoch.needs_tail(parent):
            return replica.epoch.judge_tail(block, parent)
        if not replica.epoch.is_opened_well(block, parent):
            return rules.Verdict(Judgement.INVALID, "WRONG_HANDOVER")
        return rules.judge_block(
            block, parent, replica.chain, replica.pool, replica.params, clock_ms=replica.clock_ms
        )

    def _may_ask(self, view: View) -> bool:
        if self._replica.now_ms - view.asked_ms < ASK_AGAIN_MS:
            return False
        view.asked_ms = self._replica.now_ms
        return True
