"""Messages from other engines: checked for form, epoch, seat and signature, then tallied.

What fails a check is dropped here; gossip scores the node that sends too much of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core import crypto
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft import log
from quorate.core.bft.evidence import Signed, get_digest, get_kind, get_view
from quorate.core.bft.messages import (
    TAGS,
    Certificate,
    Kind,
    ProofRequest,
    Proposal,
    SeatAnswer,
    SeatQuery,
    Vote,
    encode_statement,
)
from quorate.core.bft.quorum import check_certificate
from quorate.core.bft.signing import STALE_LOG
from quorate.core.bft.views import View
from quorate.core.errors import InvalidCertificate

if TYPE_CHECKING:
    from quorate.core.bft.replica import Replica

# Votes for views further ahead than this are not kept; certificates of any view are.
VIEWS_AHEAD_MAX = 16


class Receiver:
    """The check and tally steps of one replica."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def receive(self, event: on.MessageReceived) -> bool:
        """Take one message: check it, then count or answer it.

        Returns whether anything can be decided by it that could not be before.
        """
        if event.seat is not None:
            self._replica.heard_ms[event.seat] = self._replica.now_ms
        match event.message:
            case Vote() as vote:
                return self._receive_vote(event.node, vote)
            case Proposal() as proposal:
                return self._receive_proposal(proposal)
            case Certificate() as certificate:
                return self._receive_certificate(certificate)
            case ProofRequest() as request:
                self._replica.helper.answer_proof(event.node, request)
            case SeatQuery() as query:
                self._replica.helper.answer_query(event.node, query)
            case SeatAnswer() as answer:
                self._receive_answer(event.seat, answer)
                return True
        return False

    # ---- check and tally -------------------------------------------------------------------

    def _receive_vote(self, node: bytes, vote: Vote) -> bool:
        replica = self._replica
        if (
            vote.epoch != replica.setup.epoch
            or vote.seat >= replica.seats
            or vote.seat == replica.setup.seat
        ):
            return False
        if vote.view < replica.view:
            replica.helper.help_late(node, vote.view)
        if vote.view <= replica.final_view:
            self._compare_late(vote.seat, vote)
            return False
        if vote.view > replica.view + VIEWS_AHEAD_MAX:
            return False
        view = replica.get_view(vote.view)
        if view.has_vote(vote) or view.is_known_liar(vote):
            return False
        if not self._is_authentic(vote, vote.seat):
            return False
        is_first = not view.touched
        self._note_seen(vote.seat, vote, view)
        is_certified = replica.tally(view, vote)
        is_given_up = vote.kind is Kind.NULLIFY and vote.seat == replica.leader(vote.view)
        return is_first or is_certified or is_given_up

    def _receive_proposal(self, proposal: Proposal) -> bool:
        header, replica = proposal.block.header, self._replica
        if (
            header.epoch != replica.setup.epoch
            or header.view > replica.view + VIEWS_AHEAD_MAX
            or header.proposer != replica.leader(header.view)
        ):
            return False
        if header.view <= replica.final_view:
            self._compare_late(header.proposer, proposal)
            return False
        view = replica.get_view(header.view)
        wanted = view.proposal is None or replica.is_certified(view, proposal.block.digest)
        known = proposal.block.digest in replica.chain.blocks
        if known or (header.proposer in view.accused and not wanted):
            return False
        if not self._is_authentic(proposal, header.proposer):
            return False
        self._note_seen(header.proposer, proposal, view)
        if wanted:
            replica.keep_proposal(view, proposal)
        if header.view > replica.view:
            # The leader knows how the views before ended; what told the others was lost here.
            first, last = replica.view, header.view - 1
            replica.helper.ask_proof(first, last, seat=header.proposer)
        return True

    def _receive_certificate(self, certificate: Certificate) -> bool:
        setup, replica, number = self._replica.setup, self._replica, certificate.view
        if certificate.epoch != setup.epoch or number <= replica.final_view:
            return False
        view = replica.views.get(number)
        if view is not None and certificate.kind in view.certificates:
            return False
        try:
            check_certificate(certificate, setup.keys, setup.domain, setup.epoch)
        except InvalidCertificate:
            return False
        view = replica.get_view(number)
        for seat, signature in certificate.signatures:
            kind, digest = certificate.kind, certificate.digest
            vote = Vote(kind, certificate.epoch, number, digest, seat, signature)
            if not view.has_vote(vote):
                self._note_seen(seat, vote, view)
                view.votes[kind].setdefault(seat, vote)
        replica.certify(view, certificate)
        return True

    def _receive_answer(self, seat: int | None, answer: SeatAnswer) -> None:
        own = self._replica.setup.seat
        if (
            seat is None
            or own is None
            or answer.seat != own
            or answer.epoch != self._replica.setup.epoch
        ):
            return
        if answer.message and self._replica.helper.is_missing_from_log(answer.message, own):
            self._replica.block(
                STALE_LOG, "peers hold a newer message of this seat than its vote log"
            )
        self._replica.signing.note_answer(seat)

    def _is_authentic(self, message: Signed, seat: int) -> bool:
        kind, key = get_kind(message), self._replica.setup.keys[seat]
        statement = encode_statement(
            self._replica.setup.epoch, get_view(message), get_digest(message)
        )
        return crypto.is_signed(
            key, message.signature, TAGS[kind], self._replica.setup.domain, statement
        )

    def _compare_late(self, seat: int, message: Signed) -> None:
        # A final view takes no more votes, but who shows a minority something else there is found
        # out only by what comes late: at most one vote of each kind and seat, and two proposals.
        view = self._replica.helper.find_final(get_view(message))
        if view is None or seat in view.accused:
            return
        known = (
            view.proposal if isinstance(message, Proposal) else view.votes[message.kind].get(seat)
        )
        if known == message or not self._is_authentic(message, seat):
            return
        self._note_seen(seat, message, view)
        if isinstance(message, Vote):
            view.votes[message.kind].setdefault(seat, message)
        elif view.proposal is None:
            view.proposal = message

    def _note_seen(self, seat: int, message: Signed, view: View) -> None:
        view.touched = True
        if seat == self._replica.setup.seat:
            return
        first = view.find_conflict(seat, self._replica.leader(view.number), message)
        if first is not None and seat not in view.accused:
            view.accused.add(seat)
            self._replica.send(do.RecordEvidence(seat, first, message))
        self._replica.record(log.record_audit(seat, message))
        newest = self._replica.highest.get(seat)
        if newest is None or get_view(newest) <= view.number:
            self._replica.highest[seat] = message
