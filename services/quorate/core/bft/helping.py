"""Proofs between engines: asking for what an ancestry lacks, and helping who is behind.

Nobody is answered without bound: proofs cover at most RANGE_MAX views per request, and each node
gets at most one unsolicited help per HELP_EVERY_MS (docs/protocol.md#R6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core import crypto
from quorate.core.bft import effects as do
from quorate.core.bft.evidence import get_kind, get_view
from quorate.core.bft.messages import (
    RANGE_MAX,
    TAGS,
    Certificate,
    Kind,
    Message,
    ProofRequest,
    Proposal,
    SeatAnswer,
    SeatQuery,
    Vote,
    decode_message,
    encode_statement,
)
from quorate.core.bft.rules import INVALID, UNDECIDED, VALID, Verdict
from quorate.core.bft.views import View
from quorate.core.blocks import Header
from quorate.core.errors import MalformedBytes

if TYPE_CHECKING:
    from quorate.core.bft.log import Restored
    from quorate.core.bft.replica import Replica

HELP_EVERY_MS = 50
LATE_MS = 200
ASK_EVERY_MS = 250
# Final views whose proofs are kept in memory for who is only a little behind.
HISTORY_VIEWS = 64
OWN_VIEWS_MAX = 16
NODES_MAX = 1_024


class Helper:
    """Answers and asks on behalf of one replica; keeps proofs of recent final views."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._history: dict[int, View] = {}
        self._helped_ms: dict[bytes, int] = {}
        self._answered_ms: dict[bytes, int] = {}
        self._ahead_ms: dict[bytes, int] = {}
        self._asked: dict[int, tuple[int, int]] = {}
        self._logged: set[bytes] = set()

    def remember(self, restored: Restored) -> None:
        """Keep what the log held of this seat, to compare with what peers saw."""
        self._logged = {message.encode() for message in restored.own}

    def archive(self, views: list[View]) -> None:
        """Keep the proofs of views that became final; the oldest go."""
        self._history.update((view.number, view) for view in views)
        while len(self._history) > HISTORY_VIEWS:
            del self._history[min(self._history)]
        floor = self._replica.final_view
        self._asked = {view: each for view, each in self._asked.items() if view > floor}

    def find_final(self, number: int) -> View | None:
        """Return what is kept of a recent final view, also of one that was not seen before."""
        if number <= self._replica.final_view - HISTORY_VIEWS:
            return None
        return self._history.setdefault(number, View(number))

    def greet(self, node: bytes) -> None:
        """Tell a node that connected where this replica stands, and ask what it saw of us."""
        replica = self._replica
        if replica.chain.finality is not None:
            self._send(node, replica.chain.finality.certificate)
        # Views beyond this one that only a flood has touched must not push these out.
        known = [n for n, view in replica.views.items() if n <= replica.view or view.certificates]
        for number in sorted(known)[-OWN_VIEWS_MAX:]:
            for message in (
                *_list_proofs(replica.views[number]),
                *replica.views[number].own.values(),
            ):
                self._send(node, message)
        if replica.signing.is_waiting() and replica.setup.seat is not None:
            self._send(node, SeatQuery(replica.setup.epoch, replica.setup.seat))

    def help_late(self, node: bytes, number: int) -> None:
        """Send a node that still votes in an old view what lets it leave that view.

        The last votes of a view always come after its certificate; only who votes in a view that
        ended a while ago is behind.
        """
        replica = self._replica
        view = replica.views.get(number) or self._history.get(number)
        if view is not None and replica.now_ms - view.ended_ms < LATE_MS:
            return
        if not _may_send(self._helped_ms, node, replica.now_ms):
            return
        for message in self._find_proofs(number):
            self._send(node, message)
        for certificate in self._list_entry_proof():
            self._send(node, certificate)
        if replica.chain.finality is not None:
            self._send(node, replica.chain.finality.certificate)

    def send_entry_proof(self) -> None:
        """Broadcast why the current view was entered; others may have missed it."""
        for certificate in self._list_entry_proof():
            self._replica.send(do.Broadcast(certificate))

    def answer_proof(self, node: bytes, request: ProofRequest) -> None:
        """Answer with blocks and certificates of the views asked for, oldest first."""
        if request.epoch != self._replica.setup.epoch:
            return
        if not _may_send(self._answered_ms, node, self._replica.now_ms):
            return
        last = min(request.to_view, request.from_view + RANGE_MAX - 1)
        for number in range(request.from_view, last + 1):
            for message in self._find_proofs(number):
                self._send(node, message)
        finality = self._replica.chain.finality
        if request.from_view <= self._replica.final_view and finality is not None:
            self._send(node, finality.certificate)

    def answer_query(self, node: bytes, query: SeatQuery) -> None:
        """Tell a seat the newest message of its own that was seen here (docs/protocol.md#L4)."""
        if query.epoch == self._replica.setup.epoch:
            seen = self._replica.highest.get(query.seat)
            message = b"" if seen is None else seen.encode()
            self._send(node, SeatAnswer(query.epoch, query.seat, message))

    def is_missing_from_log(self, data: bytes, seat: int) -> bool:
        """Tell whether a peer shows an authentic own message that the vote log lacks."""
        try:
            message = decode_message(data)
        except MalformedBytes:
            return False
        if not isinstance(message, Vote | Proposal):
            return False
        setup, number = self._replica.setup, get_view(message)
        if number <= self._replica.final_view or data in self._logged:
            return False
        view = self._replica.views.get(number)
        if view is not None and view.own.get(get_kind(message)) == message:
            return False
        digest = message.digest if isinstance(message, Vote) else message.block.digest
        statement = encode_statement(setup.epoch, number, digest)
        tag = TAGS[get_kind(message)]
        return crypto.is_signed(setup.keys[seat], message.signature, tag, setup.domain, statement)

    def judge_ancestry(self, header: Header) -> Verdict:
        """Judge whether the parent is notarized and every view between nullified; ask if not."""
        replica = self._replica
        views = replica.views
        missing = [
            number
            for number in range(header.parent_view + 1, header.view)
            if number not in views or Kind.NULLIFY not in views[number].certificates
        ]
        if header.parent_view == replica.final_view:
            if header.parent != replica.chain.head.digest:
                return Verdict(INVALID, "PARENT_NOT_FINAL")
        else:
            digest = find_notarized(views.get(header.parent_view))
            if digest is not None and digest != header.parent:
                return Verdict(INVALID, "PARENT_NOT_NOTARIZED")
            gap = replica.chain.find_gap(header.parent, header.parent_view)
            if gap is not None or digest is None:
                missing.insert(0, header.parent_view if gap is None else gap)
        if not missing:
            return Verdict(VALID)
        self.ask_proof(missing[0], missing[-1], seat=header.proposer)
        return Verdict(UNDECIDED, "ANCESTRY_UNPROVED")

    def ask_proof(self, from_view: int, to_view: int, *, seat: int | None = None) -> None:
        """Ask for proofs of views: first the given seat, then, when asked again, everyone."""
        replica = self._replica
        asked_ms, count = self._asked.get(from_view, (-ASK_EVERY_MS, 0))
        if replica.now_ms - asked_ms < ASK_EVERY_MS:
            return
        self._asked[from_view] = (replica.now_ms, count + 1)
        last = min(to_view, from_view + RANGE_MAX - 1)
        request = ProofRequest(replica.setup.epoch, from_view, last)
        if count == 0 and seat is not None and seat != replica.setup.seat:
            replica.send(do.SendToSeat(seat, request))
        else:
            replica.send(do.Broadcast(request))

    def ask_node(self, node: bytes) -> None:
        """Ask a node that is ahead for what follows the final head here."""
        replica = self._replica
        if _may_send(self._ahead_ms, node, replica.now_ms):
            first = replica.final_view + 1
            last = max(replica.view, first + RANGE_MAX - 1)
            self._send(node, ProofRequest(replica.setup.epoch, first, last))

    def _find_proofs(self, number: int) -> list[Message]:
        view = self._replica.views.get(number) or self._history.get(number)
        return [] if view is None else _list_proofs(view)

    def _list_entry_proof(self) -> list[Certificate]:
        view = self._replica.views.get(self._replica.view - 1)
        return [] if view is None else list(view.certificates.values())

    def _send(self, node: bytes, message: Message) -> None:
        self._replica.send(do.SendToNode(node, message))


def find_notarized(view: View | None) -> bytes | None:
    """Return the digest that is notarized (or final) in a view."""
    if view is None:
        return None
    for kind in (Kind.NOTARIZE, Kind.FINALIZE):
        if kind in view.certificates:
            return view.certificates[kind].digest
    return None


def _list_proofs(view: View) -> list[Message]:
    # Certificates first: who has seen another block of the leader takes this one only under one.
    digest = find_notarized(view)
    blocks = [p for p in view.proposals.values() if digest in (None, p.block.digest)]
    return [*view.certificates.values(), *blocks]


def _may_send(sent_ms: dict[bytes, int], node: bytes, now_ms: int) -> bool:
    if now_ms - sent_ms.get(node, -HELP_EVERY_MS) < HELP_EVERY_MS:
        return False
    if len(sent_ms) > NODES_MAX:
        sent_ms.clear()
    sent_ms[node] = now_ms
    return True
