"""What the network says of fees, dry runs and obstacles, as plain values."""

from enum import IntEnum
from typing import NamedTuple

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.sdk.contract_messages import Trial, to_trial
from quorate.sdk.values import Receipt, Stage, to_receipt


class Remedy(IntEnum):
    """What one can do about a blocker; the blocker's fields say with which figures."""

    NOTHING = 0
    WAIT = 1
    SEND_SEQUENCE = 2
    RAISE_TIP = 3
    RAISE_FEE_LIMIT = 4
    FUND = 5
    SEND_AGAIN = 6
    MAKE_ANEW = 7


class Queue(NamedTuple):
    """One validator's queue: `ladder` is (tip per 1,000 weight, weight that waits at it).

    `price` is the lowest at which it would have a transaction in a block in time, after `blocks`;
    `paid_prices` are percentiles 10, 25, 50, 75 and 90 of what the last blocks took.
    """

    validator: str
    price: int
    blocks: int
    height: int
    ready_weight: int
    ladder: tuple[tuple[int, int], ...]
    unfinalized_weight: int
    lag_blocks: int
    block_weight: int
    paid_prices: tuple[int, ...]
    paid_blocks: int
    used_bytes: int
    room_bytes: int


class FeeEstimate(NamedTuple):
    """Fee limit and tip to use, and the figures they come of.

    `blocks` above `within_blocks`: no tip can have it executed in time. `base_fee` is the next
    block's, `base_fee_max` the highest that the last of the blocks asked for can have.
    """

    fee_limit: int
    tip: int
    weight: int
    within_blocks: int
    blocks: int
    height: int
    base_fee: int
    base_fee_max: int
    block_weight: int
    block_weight_max: int
    price: int
    queues: tuple[Queue, ...]


class BalanceChange(NamedTuple):
    """What an account has before and after."""

    address: bytes
    before: int
    after: int


class Simulation(NamedTuple):
    """The receipt that the next block would give, on the state at `height`.

    `signers` have to sign, `unsigned` of them have not yet; `changes` counts changed records;
    `trial` tells what contract payloads would do, None without any.
    """

    receipt: Receipt
    height: int
    base_fee: int
    weight: int
    balances: tuple[BalanceChange, ...]
    signers: tuple[bytes, ...]
    unsigned: tuple[bytes, ...]
    changes: int
    trial: Trial | None = None


class Blocker(NamedTuple):
    """What is in the way, and what removes it.

    `amount` is a tip, a fee limit, or what is missing at `address`; `sequence` the place in the
    lane that it is about.
    """

    reason: str
    message: str
    remedy: Remedy
    advice: str
    sequence: int
    amount: int
    blocks: int
    address: bytes


class Position(NamedTuple):
    """Where a transaction stands at a validator that holds it; `blocks` 0: not known."""

    validator: str
    stage: Stage
    sender: bytes
    lane: int
    sequence: int
    next_sequence: int
    ahead_in_lane: int
    ahead_weight: int
    price: int
    weight: int
    fee_limit: int
    tip: int
    valid_until_height: int
    height: int
    base_fee: int
    holders: int
    quorum: int
    blocks: int
    blockers: tuple[Blocker, ...]


class Explanation(NamedTuple):
    """What is known of a transaction; `blockers` are those that hold wherever it is."""

    stage: Stage
    receipt: Receipt | None
    reason: str
    positions: tuple[Position, ...]
    blockers: tuple[Blocker, ...]
    sent_to: str

    def list_blockers(self) -> list[Blocker]:
        """Return everything that is in its way, the first to be removed first."""
        return [*[b for each in self.positions for b in each.blockers], *self.blockers]


def to_estimate(answer: pb.EstimateFeeResponse) -> FeeEstimate:
    """Return the values of an estimate."""
    values = {name: getattr(answer, name) for name in FeeEstimate._fields if name != "queues"}
    return FeeEstimate(**values, queues=tuple([_to_queue(each) for each in answer.validators]))


def _to_queue(basis: pb.QueueBasis) -> Queue:
    report = basis.report
    return Queue(
        validator=basis.validator,
        price=basis.price,
        blocks=basis.blocks,
        height=report.height,
        ready_weight=report.ready_weight,
        ladder=tuple(zip(report.prices, report.weights, strict=True)),
        unfinalized_weight=report.unfinalized_weight,
        lag_blocks=report.lag_blocks,
        block_weight=report.block_weight,
        paid_prices=tuple(report.paid_prices),
        paid_blocks=report.paid_blocks,
        used_bytes=report.used_bytes,
        room_bytes=report.room_bytes,
    )


def to_simulation(answer: pb.SimulateResponse) -> Simulation:
    """Return the values of a dry run."""
    balances = [BalanceChange(each.address, each.before, each.after) for each in answer.balances]
    return Simulation(
        receipt=to_receipt(answer.receipt),
        height=answer.height,
        base_fee=answer.base_fee,
        weight=answer.weight,
        balances=tuple(balances),
        signers=tuple(answer.signers),
        unsigned=tuple(answer.unsigned),
        changes=answer.changes,
        trial=to_trial(answer.trial) if answer.HasField("trial") else None,
    )


def to_explanation(answer: pb.ExplainResponse) -> Explanation:
    """Return the values of an explanation."""
    has_receipt = answer.HasField("receipt")
    return Explanation(
        stage=Stage(answer.stage),
        receipt=to_receipt(answer.receipt) if has_receipt else None,
        reason=answer.reason,
        positions=tuple([_to_position(each) for each in answer.positions]),
        blockers=tuple([_to_blocker(each) for each in answer.blockers]),
        sent_to=answer.sent_to,
    )


def _to_position(position: pb.Position) -> Position:
    special = ("stage", "blockers")
    values = {name: getattr(position, name) for name in Position._fields if name not in special}
    blockers = tuple([_to_blocker(each) for each in position.blockers])
    return Position(**values, stage=Stage(position.stage), blockers=blockers)


def _to_blocker(blocker: pb.Blocker) -> Blocker:
    values = {name: getattr(blocker, name) for name in Blocker._fields if name != "remedy"}
    known = {each.value for each in Remedy}
    remedy = Remedy(blocker.remedy) if blocker.remedy in known else Remedy.NOTHING
    return Blocker(**values, remedy=remedy)
