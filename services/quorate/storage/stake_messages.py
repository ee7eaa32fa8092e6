"""Candidates as messages: what they are, and how they stand for the next election."""

from quorate.api.ledger.v1 import ledger_pb2 as pb
from quorate.core.seats import SeatSet
from quorate.core.staking.election import Obstacle
from quorate.core.staking.records import SLASHED, Candidate, peek_candidate
from quorate.core.values import ZERO_HASH
from quorate.storage.conduct import compute_missed
from quorate.storage.standings import Standings


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
        commission_changed_ms=candidate.commission_changed_ms,
        slash_bp=candidate.slash_bp if candidate.is_slashed else 0,
    )


def build_chances(owner: bytes, record: bytes, standings: Standings) -> pb.Chances:
    """Return how a candidate stands in the known sets and in an election now."""
    obstacle = _find_obstacle(owner, record, standings)
    rank = standings.ranks.get(owner, 0)
    running = _find_seat(standings.running, owner)
    elected = _find_seat(standings.elected, owner)
    chances = pb.Chances(
        obstacle=pb.Obstacle.ValueType(obstacle),
        rank=rank,
        seat_running=running,
        seat_next=_find_seat(standings.following, owner),
        seat_elected=elected,
        runner_up=bool(rank) and elected is None,
        height=standings.height,
    )
    if running is not None:
        missed = compute_missed(standings.performance, running, record, standings.params)
        chances.missed = missed.views
        if missed.left is not None:
            chances.views_left = missed.left
    return chances


def _find_obstacle(owner: bytes, record: bytes, standings: Standings) -> Obstacle:
    found = standings.obstacles.get(owner)
    if found is None:
        # Registered after the standings were computed.
        return Obstacle.NOT_READY
    flags = peek_candidate(record).flags
    if flags:
        return Obstacle.SLASHED if flags & SLASHED else Obstacle.RESIGNED
    return found


def _find_seat(seats: SeatSet, owner: bytes) -> int | None:
    return next((seat.index for seat in seats.seats if seat.candidate == owner), None)
