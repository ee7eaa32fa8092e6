"""What the network answers about stake, as plain values."""

from enum import IntEnum
from typing import Any, NamedTuple

from quorate.api.ledger.v1 import ledger_pb2 as pb


class Obstacle(IntEnum):
    """What would keep a candidate from being elected, were the epoch to end now."""

    NONE = 0
    SLASHED = 1
    RESIGNED = 2
    MISSED = 3
    JAILED = 4
    SELF_STAKE = 5
    NOT_READY = 6


class Chances(NamedTuple):
    """How a candidate stands at `height`; `seat_elected` is of an election held now.

    `views_left` is how many leader views it may still miss before it is due for jail; negative: it
    is due; None: it holds no seat now.
    """

    obstacle: Obstacle
    rank: int
    seat_running: int | None
    seat_next: int | None
    seat_elected: int | None
    is_runner_up: bool
    missed: int
    views_left: int | None
    height: int


class Candidate(NamedTuple):
    """Who may be elected; its owner's address names it.

    `ready_epoch` is the last epoch, plus one, for which a Ready was given (0: none), `jailed_until`
    the epoch until which it can't be elected (0: it is not jailed).
    """

    owner: bytes
    operator: bytes
    seat_key: bytes
    next_key: bytes
    name: str
    description: str
    commission_bp: int
    stake: int
    self_stake: int
    ready_epoch: int
    jailed_until: int
    missed: int
    missed_epoch: int
    pot: int
    commission_due: int
    is_resigned: bool
    is_slashed: bool
    commission_changed_ms: int
    slash_bp: int
    chances: Chances

    @property
    def is_standing(self) -> bool:
        """Whether it may be elected and delegated to at all."""
        return not (self.is_resigned or self.is_slashed)


class Candidates(NamedTuple):
    """A page of candidates by stake, read at a height; `total` and `electable` count all."""

    candidates: tuple[Candidate, ...]
    next_page_token: str
    height: int
    total: int
    electable: int
    epoch: int


class Unbonding(NamedTuple):
    """Stake that unbonds since an epoch; a slash takes `cut` of it when it is claimed."""

    epoch: int
    amount: int
    claimable_epoch: int
    cut: int


class Moved(NamedTuple):
    """Stake that was redelegated to `target`; in `safe_epoch` the source's slash can't reach it."""

    target: bytes
    epoch: int
    amount: int
    safe_epoch: int


class Delegation(NamedTuple):
    """What an account has at one candidate; a slash now would take `at_risk` of it.

    In `movable_epoch` stake that came by redelegation may move on (0: at once).
    """

    candidate: bytes
    name: str
    amount: int
    rewards: int
    commission: int
    unbonded: int
    unbonding: tuple[Unbonding, ...]
    moved: tuple[Moved, ...]
    at_risk: int
    movable_epoch: int
    is_resigned: bool
    is_slashed: bool

    @property
    def claimable(self) -> int:
        """What ClaimRewards would pay now."""
        return self.rewards + self.commission + self.unbonded


class Delegations(NamedTuple):
    """A page of an account's delegations, read at a height of the running epoch."""

    delegations: tuple[Delegation, ...]
    next_page_token: str
    height: int
    epoch: int


class Supply(NamedTuple):
    """Where all native units are from."""

    genesis: int
    issued: int
    issue_per_block: int
    treasury: int


class Epoch(NamedTuple):
    """The running epoch: it ends with the first block of `end_height` or `end_ms`."""

    epoch: int
    start_height: int
    start_ms: int
    end_height: int
    end_ms: int
    time_ms: int


class Concentration(NamedTuple):
    """How spread the seats are; owners with the same operator count as one holder."""

    seats: int
    faults: int
    holders: int
    holders_to_stop: int
    stake: int
    holders_third_stake: int


class Economy(NamedTuple):
    """Supply, epoch and spread of seats at a height."""

    height: int
    supply: Supply
    epoch: Epoch
    concentration: Concentration
    candidates: int


def to_candidate(message: pb.Candidate) -> Candidate:
    """Return the candidate of a message."""
    values: dict[str, Any] = {
        name: getattr(message, name.removeprefix("is_")) for name in Candidate._fields
    }
    return Candidate(**{**values, "chances": _to_chances(message.chances)})


def _to_chances(message: pb.Chances) -> Chances:
    return Chances(
        Obstacle(message.obstacle),
        message.rank,
        message.seat_running if message.HasField("seat_running") else None,
        message.seat_next if message.HasField("seat_next") else None,
        message.seat_elected if message.HasField("seat_elected") else None,
        message.runner_up,
        message.missed,
        message.views_left if message.HasField("views_left") else None,
        message.height,
    )


def to_candidates(message: pb.ListCandidatesResponse) -> Candidates:
    """Return the page of a message."""
    return Candidates(
        tuple([to_candidate(each) for each in message.candidates]),
        message.next_page_token,
        message.height,
        message.total,
        message.electable,
        message.epoch,
    )


def to_delegations(message: pb.ListDelegationsResponse) -> Delegations:
    """Return the page of a message."""
    return Delegations(
        tuple([_to_delegation(each) for each in message.delegations]),
        message.next_page_token,
        message.height,
        message.epoch,
    )


def _to_delegation(message: pb.Delegation) -> Delegation:
    return Delegation(
        message.candidate,
        message.name,
        message.amount,
        message.rewards,
        message.commission,
        message.unbonded,
        tuple([Unbonding(e.epoch, e.amount, e.claimable_epoch, e.cut) for e in message.unbonding]),
        tuple([Moved(e.target, e.epoch, e.amount, e.safe_epoch) for e in message.moved]),
        message.at_risk,
        message.movable_epoch,
        message.resigned,
        message.slashed,
    )


def to_economy(message: pb.GetEconomyResponse) -> Economy:
    """Return the figures of a message."""
    supply, epoch, spread = message.supply, message.epoch, message.concentration
    return Economy(
        message.height,
        Supply(*[getattr(supply, name) for name in Supply._fields]),
        Epoch(*[getattr(epoch, name) for name in Epoch._fields]),
        Concentration(*[getattr(spread, name) for name in Concentration._fields]),
        message.candidates,
    )
