"""The engine of one epoch: `handle(event) -> effects`, the only place that changes its state.

Every message takes the same way: check (form, epoch, seat, signature), tally (views.py), decide
(`settle`: commit, enter, judge, propose, until nothing moves), effects. Rules are Simplex's (Chan
and Pass 2023); docs/protocol.md#R1 to R8 states them, and comments name them.
"""

from dataclasses import dataclass

from quorate.core import crypto
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft import log
from quorate.core.bft.bounds import EpochBounds
from quorate.core.bft.chain import Chain
from quorate.core.bft.committing import Committer
from quorate.core.bft.evidence import Signed
from quorate.core.bft.finality import Finality
from quorate.core.bft.helping import Helper
from quorate.core.bft.judging import Judge
from quorate.core.bft.leader import compute_leader_order
from quorate.core.bft.messages import Certificate, Kind, Proposal, Vote
from quorate.core.bft.pool import Pool
from quorate.core.bft.proposing import Proposer
from quorate.core.bft.receiving import Receiver
from quorate.core.bft.restoring import restore_replica
from quorate.core.bft.signing import DIVERGED, STORAGE, Signing
from quorate.core.bft.suspecting import Suspecter
from quorate.core.bft.timers import Timers
from quorate.core.bft.views import View
from quorate.core.bft.waiting import Waiter
from quorate.core.blocks import Block
from quorate.core.epochs import EpochEnd
from quorate.core.params import Params
from quorate.core.results import Judgement, Result
from quorate.core.values import ZERO_HASH


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an epoch's engine is made from; `seat` and `key` are None for an observer.

    `end` is None for an epoch without end; `before` are the keys of the epoch before.
    """

    epoch: int
    domain: bytes
    keys: tuple[bytes, ...]
    carried: bytes
    params: Params
    seat: int | None = None
    key: crypto.SigningKey | None = None
    end: EpochEnd | None = None
    before: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Where the chain stands when an engine starts, and what its vote log holds."""

    head: Block
    finality: Finality | None
    recent: tuple[tuple[int, bytes], ...] = ()
    results: tuple[Result, ...] = ()
    restored: log.Restored

    def build_chain(self, window: int) -> Chain:
        """Return the chain as storage knows it; all up to its head is executed."""
        chain = Chain(self.head, self.finality, window)
        chain.add_recent(self.recent)
        chain.add_results(self.results)
        chain.executed_height = max(chain.executed_height, self.head.header.height)
        return chain


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession:
    """How an engine starts that follows another one in the same process."""

    chain: Chain
    restored: log.Restored

    def build_chain(self, window: int) -> Chain:
        """Return the chain as the engine before left it."""
        return self.chain


class Replica:
    """One epoch's engine of one validator; an observer's follows and signs nothing.

    `last` is the epoch's last block once that is final: nothing more is decided then.
    """

    def __init__(self, setup: Setup, opening: Opening | Succession) -> None:
        self.setup, self.params = setup, setup.params
        self.seats = len(setup.keys)
        self.order = compute_leader_order(setup.domain, setup.epoch, setup.carried, self.seats)
        self.chain = opening.build_chain(self.params.batch_validity_blocks)
        self.pool = Pool(self.seats, setup.seat, self.params, setup.epoch)
        self.signing = Signing(setup.seat, setup.key, self.seats)
        self.timers = Timers(self.params, self.seats)
        self.views: dict[int, View] = {}
        # View of the final head; nothing at or below it matters any more.
        self.final_view = self.chain.head.header.view
        self.view = self.final_view + 1
        self.last: Block | None = None
        self.highest: dict[int, Signed] = {}
        self.heard_ms: dict[int, int] = {}
        self.missed_ms: dict[int, int] = {}
        self.seen_ms: dict[bytes, int] = {}
        self.epoch = EpochBounds(self)
        self.committer = Committer(self)
        self.helper = Helper(self)
        self.waiter = Waiter(self)
        self._receiver = Receiver(self)
        self._judge = Judge(self)
        self.suspecter = Suspecter(self)
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
        if self._take(event) or self._is_timer_due():
            self.settle()
            return self._finish()
        return self._list_effects()

    def _take(self, event: on.Event) -> bool:
        """Note what happened; tell whether anything can be decided now that could not before."""
        match event:
            case on.MessageReceived():
                return self._receiver.receive(event)
            case on.BatchesHeld():
                came = [each for each in event.batches if not self.chain.is_recent(each[0])]
                are_ready = [self.pool.add_held(name, header) for name, header in came]
                return True in are_ready or self._is_undecided()
            case on.BatchesReported(seat=int(seat)):
                news = [n for n in event.names if not self.chain.is_recent(n)]
                became_ready = [self.pool.add_report(seat, name) for name in news]
                return True in became_ready
            case on.BlocksExecuted():
                # Mostly nobody waits for a result: it will stand in a later header.
                waited = self.proposer.is_waiting_for_results() or self._is_undecided()
                self.chain.add_results(event.results)
                self.suspecter.note_executed(self.chain.executed_height)
                return waited or self.chain.is_diverged()
            case on.BlocksSynced():
                self.committer.prune(event.height)
                return False
            case on.CaughtUp():
                self.committer.jump(event)
            case on.StorageFaulted():
                self.block(STORAGE, event.reason)
            case on.RunnerDied():
                self.suspecter.suspect(event.suspect)
            case on.RunnerSurvived():
                self.suspecter.take_back(event.height, event.ticket)
            case on.PeerConnected():
                self.helper.greet(event.node)
            case on.Started():
                self.committer.final_ms = self.now_ms
                self.waiter.resend_own()
        return True

    def _is_undecided(self) -> bool:
        view = self.views.get(self.view)
        if view is None or view.proposal is None:
            return False
        return view.judgement is Judgement.UNDECIDED

    def _is_timer_due(self) -> bool:
        return self._timer is not None and self.now_ms >= self._timer

    def ask_end(self, event: on.MessageReceived) -> list[do.Effect]:
        """Return the request for how this epoch ended, to a node that is past it."""
        self.now_ms, self.clock_ms = event.now_ms, event.clock_ms
        self._out, self._records, self._synced = [], [], False
        if self.last is None:
            self.helper.ask_node(event.node)
        return self._out

    def tally(self, view: View, vote: Vote) -> bool:
        """Count a verified vote; certify what it completes, and tell whether it did."""
        certificate = view.add_vote(vote, self.seats)
        if certificate is not None:
            self.certify(view, certificate)
        return certificate is not None

    def certify(self, view: View, certificate: Certificate) -> None:
        """Take a certificate that holds: keep it, relay it, act on it."""
        if not view.certificates:
            view.ended_ms = self.now_ms
        view.certificates[certificate.kind] = certificate
        view.touched = True
        self.record(log.record_certificate(certificate))
        if certificate.kind is Kind.FINALIZE:
            final = self.committer.finalization
            if final is None or certificate.view > final.view:
                self.committer.finalization = certificate
            return
        self._out.append(do.Broadcast(certificate))
        if certificate.kind is Kind.NOTARIZE and certificate.digest in self.chain.blocks:
            self.chain.watch_claim(self.chain.blocks[certificate.digest])

    # ---- decide ----------------------------------------------------------------------------

    def settle(self) -> None:
        """Decide until nothing moves any more, then set the timers.

        Once the epoch's last block is final there is nothing left to decide or to sign.
        """
        # Each step that returns True moved the engine on; views only rise, so this ends.
        while self.last is None and (
            self._halt_if_diverged()
            or self._finalize()
            or self.committer.commit()
            or self._enter()
            or self._judge.judge()
            or self._propose()
        ):
            pass
        if self.last is None:
            self.suspecter.settle()
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
                self.vote(Kind.FINALIZE, view, notarization.digest)
                return True
        return False

    def moved_head(self, final_view: int) -> None:
        """Drop what lies at or below a new final head, and leave its view."""
        self.final_view = final_view
        self.helper.archive([v for number, v in self.views.items() if number <= final_view])
        self.views = {number: v for number, v in self.views.items() if number > final_view}
        self.signing.forget(final_view)
        digests = {self.chain.head.digest, *self.chain.blocks}
        self.seen_ms = {d: at for d, at in self.seen_ms.items() if d in digests}
        if self.view <= final_view:
            self._enter_view(final_view + 1, failed=False)

    def _enter(self) -> bool:
        target = self.view
        for number, view in self.views.items():
            if number >= target and view.certificates:
                target = number + 1
        if target == self.view:
            return False
        left = self.get_view(target - 1)
        failed = Kind.NOTARIZE not in left.certificates and Kind.FINALIZE not in left.certificates
        if failed:
            self.missed_ms[self.leader(target - 1)] = self.now_ms
        else:
            self.missed_ms.pop(self.leader(target - 1), None)
        self._enter_view(target, failed=failed, gave_up=Kind.NULLIFY in left.own)
        return True

    def _enter_view(self, number: int, *, failed: bool, gave_up: bool = False) -> None:
        self.view = number
        self.timers.enter_view(failed=failed, gave_up=gave_up)
        if self.last is None and self._is_silent(self.leader(number)):
            self.nullify(self.get_view(number))

    def _is_silent(self, seat: int) -> bool:
        missed_ms = self.missed_ms.get(seat, -1)
        if seat == self.setup.seat or missed_ms < 0:
            return False
        return self.heard_ms.get(seat, -1) < missed_ms

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

    def vote(self, kind: Kind, view: View, digest: bytes) -> None:
        """Make the own vote; the caller has asked whether that is lawful."""
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
        self.vote(Kind.NULLIFY, view, ZERO_HASH)
        return True

    # ---- small things ----------------------------------------------------------------------

    def block(self, why: str, reason: str) -> None:
        """Forbid signing for a reason, or, when the reason is empty, allow it again."""
        if reason:
            self.signing.blocks[why] = reason
        else:
            self.signing.blocks.pop(why, None)

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
        if self.last is not None:
            return "catching_up", "the set of the next epoch is not known here yet"
        state, detail = self.signing.get_state()
        if state == "voting" and self.view in self.views:
            detail = self.views[self.view].reason
        return state, detail

    def _list_effects(self) -> list[do.Effect]:
        if self._records:
            return [do.Persist(tuple(self._records), self._synced), *self._out]
        return self._out

    def _finish(self) -> list[do.Effect]:
        out = self._list_effects()
        state = self.get_state()
        if state[0] != self._state[0] or (state[0] != "voting" and state != self._state):
            out.append(do.ReportState(*state))
        self._state = state
        at_ms = self.waiter.compute_wake_ms()
        if at_ms != self._timer:
            self._timer = at_ms
            out.append(do.SetTimer(at_ms))
        return out
