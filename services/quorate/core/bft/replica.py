"""The engine of one epoch: `handle(event) -> effects`, the only place that changes its state.

Every message takes the same way: check (form, epoch, seat, signature), tally (views.py), decide
(`settle`: commit, enter, judge, propose, until nothing moves), effects. Rules are Simplex's (Chan
and Pass 2023); docs/protocol.md#R1 to R8 states them, and comments name them.
"""

from dataclasses import dataclass

from quorate.core import crypto
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft import log, rules
from quorate.core.bft.chain import Chain
from quorate.core.bft.evidence import Signed
from quorate.core.bft.helping import Helper
from quorate.core.bft.leader import compute_leader_order
from quorate.core.bft.messages import Certificate, Kind, Proposal, Vote
from quorate.core.bft.pool import Pool
from quorate.core.bft.proposing import Proposer
from quorate.core.bft.receiving import Receiver
from quorate.core.bft.restoring import restore_replica
from quorate.core.bft.signing import DIVERGED, STORAGE, Signing
from quorate.core.bft.timers import Timers
from quorate.core.bft.views import View
from quorate.core.bft.waiting import Waiter
from quorate.core.blocks import Block
from quorate.core.params import Params
from quorate.core.results import Judgement, Result
from quorate.core.values import ZERO_HASH

ASK_AGAIN_MS = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an epoch's engine is made from; `seat` and `key` are None for an observer."""

    epoch: int
    domain: bytes
    keys: tuple[bytes, ...]
    carried: bytes
    params: Params
    seat: int | None = None
    key: crypto.SigningKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Where the chain stands when an engine starts, and what its vote log holds."""

    head: Block
    certificate: Certificate | None
    recent: tuple[tuple[int, bytes], ...] = ()
    results: tuple[Result, ...] = ()
    restored: log.Restored


class Replica:
    """One validator's engine; an observer's follows and signs nothing."""

    def __init__(self, setup: Setup, opening: Opening) -> None:
        self.setup, self.params = setup, setup.params
        self.seats = len(setup.keys)
        self.order = compute_leader_order(setup.domain, setup.epoch, setup.carried, self.seats)
        self.chain = Chain(opening.head, opening.certificate, self.params.batch_validity_blocks)
        self.chain.add_recent(opening.recent)
        self.chain.add_results(opening.results)
        self.chain.executed_height = max(self.chain.executed_height, opening.head.header.height)
        self.pool = Pool(self.seats, setup.seat, self.params)
        self.signing = Signing(setup.seat, setup.key, self.seats)
        self.timers = Timers(self.params, self.seats)
        self.views: dict[int, View] = {}
        self.view = opening.head.header.view + 1
        self.finalization: Certificate | None = None
        self.highest: dict[int, Signed] = {}
        self.heard_ms: dict[int, int] = {}
        self.missed_ms: dict[int, int] = {}
        self.final_ms = 0
        self.seen_ms: dict[bytes, int] = {}
        self._commits: list[tuple[int, int]] = []
        self.helper = Helper(self)
        self.waiter = Waiter(self)
        self._receiver = Receiver(self)
        self.proposer = Proposer(self)
        self._out: list[do.Effect] = []
        self._records: list[log.Record] = []
        self._synced = False
        self._timer: int | None = None
        self._state = ("", "")
        self.now_ms = self.clock_ms = 0
        restore_replica(self, opening.restored)

    # ---- events ----------------------------------------------------------------------------

    def handle(self, event: on.Event) -> list[do.Effect]:
        """Take one event; return what must be done, a Persist always first."""
        self.now_ms, self.clock_ms = event.now_ms, event.clock_ms
        self._out, self._records, self._synced = [], [], False
        match event:
            case on.MessageReceived():
                self._receiver.receive(event)
            case on.BatchesHeld():
                for name, header in event.batches:
                    if not self.chain.is_recent(name):
                        self.pool.add_held(name, header)
            case on.BatchesReported():
                for name in event.names:
                    if not self.chain.is_recent(name):
                        self.pool.add_report(event.seat, name)
            case on.BlocksExecuted():
                self.chain.add_results(event.results)
            case on.BlocksSynced():
                self._prune_log(event.height)
            case on.CaughtUp():
                self._jump(event)
            case on.StorageFaulted():
                self.block(STORAGE, event.reason)
            case on.PeerConnected():
                self.helper.greet(event.node)
            case on.Started():
                self.final_ms = self.now_ms
                self.waiter.resend_own()
        self.settle()
        return self._finish()

    def tally(self, view: View, vote: Vote) -> None:
        """Count a verified vote; certify what it completes."""
        certificate = view.add_vote(vote, self.seats)
        if certificate is not None:
            self.certify(view, certificate)

    def certify(self, view: View, certificate: Certificate) -> None:
        """Take a certificate that holds: keep it, relay it, act on it."""
        if not view.certificates:
            view.ended_ms = self.now_ms
        view.certificates[certificate.kind] = certificate
        view.touched = True
        self.record(log.record_certificate(certificate))
        if certificate.kind is Kind.FINALIZE:
            if self.finalization is None or certificate.view > self.finalization.view:
                self.finalization = certificate
            return
        self._out.append(do.Broadcast(certificate))
        if certificate.kind is Kind.NOTARIZE and certificate.digest in self.chain.blocks:
            self.chain.watch_claim(self.chain.blocks[certificate.digest])

    # ---- decide ----------------------------------------------------------------------------

    def settle(self) -> None:
        """Decide until nothing moves any more, then set the timers."""
        # Each step that returns True moved the engine on; views only rise, so this ends.
        while (
            self._halt_if_diverged()
            or self._finalize()
            or self._commit()
            or self._enter()
            or self._judge()
            or self._propose()
        ):
            pass
        self.waiter.arm()

    def _halt_if_diverged(self) -> bool:
        # First of all: what a certificate has just shown forbids to sign because of it.
        if DIVERGED in self.signing.blocks or not self.chain.is_diverged():
            return False
        self.block(DIVERGED, "a quorum's result differs from the own one: restore this state")
        return True

    def _finalize(self) -> bool:
        for number, view in self.views.items():
            notarization = view.certificates.get(Kind.NOTARIZE)
            if notarization is None:
                continue
            if self.signing.may_finalize(number, notarization.digest):
                self._vote(Kind.FINALIZE, view, notarization.digest)
                return True
        return False

    def _commit(self) -> bool:
        certificate = self.finalization
        if certificate is None or certificate.view <= self.final_view:
            return False
        branch = self.chain.find_branch(certificate.digest)
        if branch is None:
            self.helper.ask_proof(self.final_view + 1, certificate.view)
            return False
        for block in branch:
            self.chain.watch_claim(block)
        self._out.append(do.CommitBlocks(tuple(branch), certificate))
        self.chain.advance(branch, certificate)
        self.pool.forget(name for block in branch for name in block.batches)
        self._moved_head()
        return True

    def _moved_head(self) -> None:
        head = self.chain.head.header
        self.final_ms = self.now_ms
        self.timers.failures = 0
        self.pool.expire(head.height)
        self._commits.append((head.height, head.view))
        self.helper.archive([v for number, v in self.views.items() if number <= head.view])
        self.views = {number: v for number, v in self.views.items() if number > head.view}
        self.signing.forget(head.view)
        digests = {self.chain.head.digest, *self.chain.blocks}
        self.seen_ms = {d: at for d, at in self.seen_ms.items() if d in digests}
        if self.view <= head.view:
            self._enter_view(head.view + 1, failed=False)

    def _enter(self) -> bool:
        target = max((n for n, v in self.views.items() if v.is_certified()), default=0) + 1
        if target <= self.view:
            return False
        left = self.get_view(target - 1)
        failed = Kind.NOTARIZE not in left.certificates and Kind.FINALIZE not in left.certificates
        if failed:
            self.missed_ms[self.leader(target - 1)] = self.now_ms
        else:
            self.missed_ms.pop(self.leader(target - 1), None)
        self._enter_view(target, failed=failed)
        return True

    def _enter_view(self, number: int, *, failed: bool) -> None:
        self.view = number
        self.timers.enter_view(failed=failed)
        if self._is_silent(self.leader(number)):
            self.nullify(self.get_view(number))

    def _is_silent(self, seat: int) -> bool:
        missed_ms = self.missed_ms.get(seat, -1)
        if seat == self.setup.seat or missed_ms < 0:
            return False
        return self.heard_ms.get(seat, -1) < missed_ms

    def _judge(self) -> bool:
        view = self.get_view(self.view)
        if view.proposal is None or view.judgement is not Judgement.UNDECIDED:
            return self._give_up_early(view)
        if not self.signing.may_notarize(view.number):
            return False
        verdict = self._judge_proposal(view.proposal.block)
        view.judgement, view.reason = verdict.judgement, verdict.reason
        if verdict.missing and self._may_ask(view):
            seats = (view.proposal.block.header.proposer, *view.votes[Kind.NOTARIZE])
            self._out.append(do.FetchBatches(verdict.missing, seats))
        if verdict.judgement is Judgement.VALID:
            self.record(log.record_block(view.proposal))
            self._vote(Kind.NOTARIZE, view, view.proposal.block.digest)
            return True
        if verdict.judgement is Judgement.INVALID:
            return self.nullify(view)
        return False

    def _give_up_early(self, view: View) -> bool:
        # The leader's own nullify says that no proposal will come (docs/protocol.md#W3).
        leader = self.leader(view.number)
        return (
            leader in view.votes[Kind.NULLIFY] and leader != self.setup.seat and self.nullify(view)
        )

    def _judge_proposal(self, block: Block) -> rules.Verdict:
        header = block.header
        if header.parent_view >= header.view or header.parent_view < self.final_view:
            return rules.Verdict(Judgement.INVALID, "PARENT_BELOW_FINAL")
        ancestry = self.helper.judge_ancestry(header)
        if ancestry.judgement is not Judgement.VALID:
            return ancestry
        parent = self.chain.find(header.parent)
        assert parent is not None, "judge_ancestry has found it"
        return rules.judge_block(
            block, parent, self.chain, self.pool, self.params, clock_ms=self.clock_ms
        )

    def _propose(self) -> bool:
        if self.leader(self.view) != self.setup.seat or not self.signing.may_propose(self.view):
            return False
        block = self.proposer.build()
        if block is None:
            return False
        signature = self.signing.sign_proposal(
            self.setup.epoch, self.view, block.digest, self.setup.domain
        )
        proposal = Proposal(block, signature)
        view = self.get_view(self.view)
        view.own[Kind.PROPOSAL] = proposal
        self.record(log.record_own(proposal))
        self._synced = True
        self._out.append(do.Broadcast(proposal))
        self.keep_proposal(view, proposal)
        return True

    def keep_proposal(self, view: View, proposal: Proposal) -> None:
        """Keep an authentic proposal of a view's leader."""
        view.add_proposal(proposal)
        self.seen_ms[proposal.block.digest] = self.now_ms
        self.chain.add(proposal.block)
        if proposal.block.batches:
            header = proposal.block.header
            self._out.append(do.AnnounceProposal(header.height, proposal.block.batches))
        if self.is_certified(view, proposal.block.digest):
            self.chain.watch_claim(proposal.block)

    def _vote(self, kind: Kind, view: View, digest: bytes) -> None:
        setup = self.setup
        vote = self.signing.sign_vote(kind, setup.epoch, view.number, digest, setup.domain)
        view.own[kind] = vote
        self.record(log.record_own(vote))
        self._synced = True
        self._out.append(do.Broadcast(vote))
        self.tally(view, vote)

    def nullify(self, view: View) -> bool:
        """Give up on a view unless that is unlawful; tell whether a vote was made."""
        if not self.signing.may_nullify(view.number):
            return False
        self._vote(Kind.NULLIFY, view, ZERO_HASH)
        return True

    def _may_ask(self, view: View) -> bool:
        if self.now_ms - view.asked_ms < ASK_AGAIN_MS:
            return False
        view.asked_ms = self.now_ms
        return True

    # ---- state from outside ----------------------------------------------------------------

    def _jump(self, event: on.CaughtUp) -> None:
        if event.block.header.height <= self.chain.head.header.height:
            return
        self.chain.add_recent(event.batches)
        self.chain.jump(event.block, event.certificate)
        self.pool.forget(name for _, name in event.batches)
        self._moved_head()

    def _prune_log(self, height: int) -> None:
        done = [view for at, view in self._commits if at <= height]
        self._commits = [(at, view) for at, view in self._commits if at > height]
        if done:
            self._out.append(do.PruneLog(max(done)))

    def block(self, why: str, reason: str) -> None:
        """Forbid signing for a reason, or, when the reason is empty, allow it again."""
        if reason:
            self.signing.blocks[why] = reason
        else:
            self.signing.blocks.pop(why, None)

    # ---- small things ----------------------------------------------------------------------

    @property
    def final_view(self) -> int:
        """View of the final head; nothing at or below it matters any more."""
        return self.chain.head.header.view

    def leader(self, view: int) -> int:
        """Return the seat that leads a view."""
        return self.order[view % self.seats]

    def get_view(self, number: int) -> View:
        """Return a view's record, made when it is first touched."""
        view = self.views.get(number)
        if view is None:
            view = self.views[number] = View(number)
        return view

    def record(self, record: log.Record) -> None:
        """Add a record to the Persist of the event at hand."""
        self._records.append(record)

    def send(self, effect: do.Effect) -> None:
        """Add an effect to the batch of the event at hand."""
        self._out.append(effect)

    def is_certified(self, view: View, digest: bytes) -> bool:
        """Tell whether a certificate of the view is for this digest."""
        return any(each.digest == digest for each in view.certificates.values())

    def get_state(self) -> tuple[str, str]:
        """Return the state and its detail for ReportState."""
        state, detail = self.signing.get_state()
        if state == "voting" and self.view in self.views:
            detail = self.views[self.view].reason
        return state, detail

    def _finish(self) -> list[do.Effect]:
        out: list[do.Effect] = []
        if self._records:
            out.append(do.Persist(tuple(self._records), self._synced))
        out += self._out
        state = self.get_state()
        if state[0] != self._state[0] or (state[0] != "voting" and state != self._state):
            out.append(do.ReportState(*state))
        self._state = state
        at_ms = self.waiter.compute_wake_ms()
        if at_ms != self._timer:
            self._timer = at_ms
            out.append(do.SetTimer(at_ms))
        return out
