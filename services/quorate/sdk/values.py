"""What the network answers with, as plain values; the client turns messages into these."""

from enum import IntEnum
from typing import NamedTuple

from quorate.api.ledger.v1 import ledger_pb2
from quorate.api.network.v1 import network_pb2
from quorate.api.transaction.v1 import transaction_pb2


class Stage(IntEnum):
    """How far a transaction got."""

    UNKNOWN = 0
    RECEIVED = 1
    BATCHED = 2
    PROPOSED = 3
    FINAL = 4
    EXECUTED = 5
    DROPPED = 6


class Outcome(IntEnum):
    """What executing a transaction gave."""

    UNKNOWN = 0
    SUCCEEDED = 1
    FAILED = 2
    SKIPPED = 3


class Receipt(NamedTuple):
    """The lasting record of an execution; `reason` is empty on success."""

    id: bytes
    height: int
    position: int
    outcome: Outcome
    reason: str
    fee: int
    first_id: bytes = b""
    block: bytes = b""


class Status(NamedTuple):
    """The chain as a gateway sees it."""

    chain_id: str
    domain: bytes
    genesis_hash: bytes
    height: int
    view: int
    epoch: int
    time_ms: int
    base_fee: int
    validity_max_blocks: int
    validators_reachable: int
    validators_total: int
    version: str


class Account(NamedTuple):
    """An account at one height; `lanes` maps used lanes to the sequence that must come next."""

    address: bytes
    balance: int
    lanes: dict[int, int]
    height: int
    base_fee: int


class Validator(NamedTuple):
    """One validator; `state` is voting, catching_up, halted, unreachable, observing or unknown.

    `contracts` tells in a few words how its contract-runner is doing, "" when that is not known.
    """

    seat: int | None
    name: str
    public_key: bytes
    state: str
    height: int
    view: int
    detail: str
    peers: int
    contracts: str = ""


class Seat(NamedTuple):
    """One seat of an epoch's set; `evidence` is empty unless it is marked.

    A marked seat signed two messages of `view` that conflict; the mark was executed at `height`.
    `stake` was bonded to `candidate` at its election. Of the running epoch only: leader views
    `missed` so far, and `views_left` until it is due for jail (negative: it is due).
    """

    seat: int
    name: str
    public_key: bytes
    view: int
    height: int
    evidence: bytes
    candidate: bytes
    stake: int
    missed: int
    views_left: int | None


class SeatSet(NamedTuple):
    """The set of an epoch, read at a height; `running_epoch` is that of the block after it."""

    epoch: int
    running_epoch: int
    height: int
    hash: bytes
    seats: tuple[Seat, ...]


class Block(NamedTuple):
    """A final block; `transaction_ids` and `certificate` only where asked for."""

    height: int
    digest: bytes
    view: int
    epoch: int
    parent: bytes
    time_ms: int
    proposer: int
    weight: int
    base_fee: int
    batches: tuple[bytes, ...]
    transactions: int
    write_digest: bytes
    header: bytes
    transaction_ids: tuple[bytes, ...]
    certificate: bytes


class Rejection(NamedTuple):
    """Why a transaction was refused."""

    reason: str
    message: str
    fields: dict[str, str]


class Staged(NamedTuple):
    """A hint: transactions reached a stage before execution, or were dropped."""

    stage: Stage
    ids: tuple[bytes, ...]
    holders: int
    height: int
    reason: str


class Executed(NamedTuple):
    """Transactions of one block that a watch follows."""

    height: int
    block: bytes
    receipts: tuple[Receipt, ...]


Update = Staged | Executed


def to_receipt(message: transaction_pb2.Receipt) -> Receipt:
    """Return the receipt of a message."""
    return Receipt(
        message.id,
        message.height,
        message.position,
        Outcome(message.outcome),
        message.reason,
        message.fee,
        message.first_id,
        message.block,
    )


def to_update(message: transaction_pb2.WatchResponse) -> Update | None:
    """Return what a watch's frame tells; None when it only moves the cursor."""
    kind = message.WhichOneof("frame")
    if kind == "executed":
        return _to_executed(message.executed)
    if kind != "stage":
        return None
    frame = message.stage
    ids = _split(frame.ids)
    return Staged(Stage(frame.stage), ids, frame.holders, frame.height, frame.reason)


def _to_executed(frame: transaction_pb2.ExecutedFrame) -> Executed:
    height, block = frame.height, frame.block
    columns = zip(
        _split(frame.ids), frame.positions, frame.outcomes, frame.reasons, frame.fees, strict=True
    )
    receipts = tuple(
        [
            Receipt(id_, height, position, Outcome(outcome), reason, fee, b"", block)
            for id_, position, outcome, reason, fee in columns
        ]
    )
    return Executed(height, block, receipts)


def to_status(message: network_pb2.StatusResponse) -> Status:
    """Return the status of a message."""
    return Status(
        message.chain_id,
        message.domain,
        message.genesis_hash,
        message.height,
        message.view,
        message.epoch,
        message.time_ms,
        message.base_fee,
        message.validity_max_blocks,
        message.validators_reachable,
        message.validators_total,
        message.version,
    )


def to_account(message: ledger_pb2.GetAccountResponse) -> Account:
    """Return the account of a message."""
    account = message.account
    lanes = {lane.lane: lane.next_sequence for lane in account.lanes}
    return Account(account.address, account.balance, lanes, message.height, message.base_fee)


def to_validator(message: network_pb2.Validator) -> Validator:
    """Return the validator of a message."""
    name = network_pb2.ValidatorState.Name(message.state)
    state = name.removeprefix("VALIDATOR_STATE_").lower().replace("unspecified", "unknown")
    return Validator(
        message.seat if message.HasField("seat") else None,
        message.name,
        message.public_key,
        state,
        message.height,
        message.view,
        message.detail,
        message.peers,
        message.contracts,
    )


def to_seat_set(message: ledger_pb2.ListSeatsResponse) -> SeatSet:
    """Return the set of a message."""
    seats = tuple(
        Seat(
            each.seat,
            each.name,
            each.public_key,
            each.mark.view,
            each.mark.height,
            each.mark.evidence,
            each.candidate,
            each.stake,
            each.missed,
            each.views_left if each.HasField("views_left") else None,
        )
        for each in message.seats
    )
    return SeatSet(message.epoch, message.running_epoch, message.height, message.hash, seats)


def to_block(message: ledger_pb2.Block) -> Block:
    """Return the block of a message."""
    return Block(
        message.height,
        message.digest,
        message.view,
        message.epoch,
        message.parent,
        message.time_ms,
        message.proposer,
        message.weight,
        message.base_fee,
        tuple(message.batches),
        message.transactions,
        message.write_digest,
        message.header,
        _split(message.transaction_ids),
        message.certificate,
    )


def _split(packed: bytes) -> tuple[bytes, ...]:
    return tuple([packed[i : i + 32] for i in range(0, len(packed), 32)])
