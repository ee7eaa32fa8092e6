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

    def receive(self, event: on.MessageReceived) -> None:
        """Take one message: check it, then count or answer it."""
        if event.seat is not None:
            self._replica.heard_ms[event.seat] = self._replica.now_ms
        match event.message:
            case Vote() as vote:
                self._receive_vote(event.node, vote)
            case Proposal() as proposal:
                self._receive_proposal(proposal)
            case Certificate() as certificate:
                self._receive_certificate(certificate)
            case ProofRequest() as request:
                self._replica.helper.answer_proof(event.node, request)
            case SeatQuery() as query:
                self._replica.helper.answer_query(event.node, query)
            case SeatAnswer() as answer:
                self._receive_answer(event.seat, answer)

    # ---- check and tally -------------------------------------------------------------------

    def _receive_vote(self, node: bytes, vote: Vote) -> None:
        if (
            vote.epoch != self._replica.setup.epoch
            or vote.seat >= self._replica.seats
            or vote.seat == self._replica.setup.seat
        ):
            return
        if vote.view < self._replica.view:
            self._replica.helper.help_late(node, vote.view)
        if (
            vote.view <= self._replica.final_view
            or vote.view > self._replica.view + VIEWS_AHEAD_MAX
        ):
            return
        view = self._replica.get_view(vote.view)
        if view.has_vote(vote) or view.is_known_liar(vote):
            return
        if not self._is_authentic(vote, vote.seat):
            return
        self._note_seen(vote.seat, vote, view)
        self._replica.tally(view, vote)

    def _receive_proposal(self, proposal: Proposal) -> None:
        header = proposal.block.header
        if header.epoch != self._replica.setup.epoch or header.view <= self._replica.final_view:
            return
        if (
            header.view > self._replica.view + VIEWS_AHEAD_MAX
            or header.proposer != self._replica.leader(header.view)
        ):
            return
        view = self._replica.get_view(header.view)
        wanted = view.proposal is None or self._replica.is_certified(view, proposal.block.digest)
        known = proposal.block.digest in self._replica.chain.blocks
        if known or (header.proposer in view.accused and not wanted):
            return
        if not self._is_authentic(proposal, header.proposer):
            return
        self._note_seen(header.proposer, proposal, view)
        if wanted:
            self._replica.keep_proposal(view, proposal)
        if header.view > self._replica.view:
            # The leader knows how the views before ended; what told the others was lost here.
            first, last = self._replica.view, header.view - 1
            self._replica.helper.ask_proof(first, last, seat=header.proposer)

    def _receive_certificate(self, certificate: Certificate) -> None:
        if (
            certificate.epoch != self._replica.setup.epoch
            or certificate.view <= self._replica.final_view
        ):
            return
        view = self._replica.views.get(certificate.view)
        if view is not None and certificate.kind in view.certificates:
            return
        try:
            check_certificate(
                certificate,
                self._replica.setup.keys,
                self._replica.setup.domain,
                self._replica.setup.epoch,
            )
        except InvalidCertificate:
            return
        for seat, signature in certificate.signatures:
            kind, number, digest = certificate.kind, certificate.view, certificate.digest
            vote = Vote(kind, certificate.epoch, number, digest, seat, signature)
            if not self._replica.get_view(number).has_vote(vote):
                self._note_seen(seat, vote, self._replica.get_view(number))
                self._replica.get_view(number).votes[kind].setdefault(seat, vote)
        self._replica.certify(self._replica.get_view(certificate.view), certificate)

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
