"""What an engine knows of one view: the proposal, votes, certificates, its judgement."""

from quorate.core.bft.evidence import Signed, find_conflict
from quorate.core.bft.messages import Certificate, Kind, Proposal, Vote
from quorate.core.bft.quorum import build_certificate
from quorate.core.results import Judgement

LONG_AGO_MS = -1_000_000
VOTES = (Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE)


class View:
    """One view's messages; one vote of each kind per seat counts, the first one seen."""

    __slots__ = (
        "accused", "asked_ms", "certificates", "ended_ms", "judgement", "number", "own",
        "proposal", "proposals", "reason", "touched", "votes",
    )  # fmt: skip

    def __init__(self, number: int) -> None:
        self.number = number
        self.proposal: Proposal | None = None
        self.proposals: dict[bytes, Proposal] = {}
        self.votes: dict[Kind, dict[int, Vote]] = {kind: {} for kind in VOTES}
        self.certificates: dict[Kind, Certificate] = {}
        self.own: dict[Kind, Signed] = {}
        self.judgement = Judgement.UNDECIDED
        self.reason = ""
        self.touched = False
        # Seats against which evidence was recorded here.
        self.accused: set[int] = set()
        self.asked_ms = self.ended_ms = LONG_AGO_MS

    def add_proposal(self, proposal: Proposal) -> None:
        """Keep a proposal; the first one is judged, a later one only serves a certificate."""
        self.touched = True
        self.proposals[proposal.block.digest] = proposal
        if self.proposal is None:
            self.proposal = proposal

    def add_vote(self, vote: Vote, seats: int) -> Certificate | None:
        """Count a verified vote; return the certificate it completes, if there is none yet."""
        votes = self.votes[vote.kind]
        votes.setdefault(vote.seat, vote)
        if vote.kind in self.certificates:
            return None
        equal = [each for each in votes.values() if each.digest == vote.digest]
        return build_certificate(equal, seats)

    def has_vote(self, vote: Vote) -> bool:
        """Tell whether exactly this vote was counted before."""
        return self.votes[vote.kind].get(vote.seat) == vote

    def is_known_liar(self, vote: Vote) -> bool:
        """Tell whether another vote of this kind by an accused seat would add nothing."""
        return vote.seat in self.accused and vote.seat in self.votes[vote.kind]

    def find_conflict(self, seat: int, leader: int, message: Signed) -> Signed | None:
        """Return an earlier message of the seat that makes `message` evidence."""
        known: list[Signed] = [v[seat] for v in self.votes.values() if seat in v]
        if self.proposal is not None and seat == leader:
            known.append(self.proposal)
        return find_conflict(known, message)

    def is_certified(self) -> bool:
        """Tell whether the next view may be entered."""
        return bool(self.certificates)
