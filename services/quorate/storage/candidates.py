"""Candidates as the ledger's reads show them."""

from quorate.api.ledger.v1 import ledger_pb2 as pb
from quorate.core.staking.records import Candidate
from quorate.core.values import ZERO_HASH


def build_candidate(owner: bytes, candidate: Candidate) -> pb.Candidate:
    """Return a candidate's record as a message."""
    return pb.Candidate(
        owner=owner,
        operator=candidate.operator,
        seat_key=candidate.seat_key,
        next_key=b"" if candidate.next_key == ZERO_HASH else candidate.next_key,
        name=candidate.name,
        description=candidate.description,
        commission_bp=candidate.commission_bp,
        stake=candidate.stake,
        self_stake=candidate.self_stake,
        ready_epoch=candidate.ready_epoch,
        jailed_until=candidate.jailed_until,
        missed=candidate.missed,
        missed_epoch=candidate.missed_epoch,
        pot=candidate.pot,
        commission_due=candidate.commission_due,
        resigned=candidate.is_resigned,
        slashed=candidate.is_slashed,
    )
