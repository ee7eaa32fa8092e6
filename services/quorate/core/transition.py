"""The state machine: what a final block's transactions do (docs/protocol.md#E1 to E7).

Outcomes, in the order in which they are judged:

- SKIPPED, no effect, no fee, sequence unused: INVALID (no sound transaction, or valid for longer
  than `validity_max_blocks`), EXPIRED, SEQUENCE_PAST, SEQUENCE_GAP, FEE_TOO_LOW (weight × base fee
  is above the fee limit), FEE_NOT_COVERED (the sender can't pay fee and tip).
- FAILED, fee charged and sequence used: IDEMPOTENCY_CONFLICT (the key is bound to other payloads),
  DUPLICATE (the key took effect before: the receipt points to the first, the tip is not charged),
  INSUFFICIENT_BALANCE (a payload's signer can't pay: no payload takes effect).
- SUCCEEDED: all payloads took effect, one after the other.

A report (evidence against a seat) is free, so it is SKIPPED for whatever is wrong with it:
NOT_A_REPORTER, EVIDENCE_UNTIMELY, EVIDENCE_KNOWN, EVIDENCE_INVALID, EVIDENCE_LIMIT
(docs/protocol.md#E7). When it succeeds, the accused seat is marked.

An idempotency key is bound when its transaction succeeds; after a failure it is free to be used
again. Fees go to TREASURY, so that the sum of all balances never changes and, being below 2^63,
no balance overflows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from quorate.core import accusations, crypto
from quorate.core.accusations import Evidence, Reporter, decode_evidence
from quorate.core.blocks import Header
from quorate.core.epochs import (
    EpochStart,
    compute_end,
    compute_next_set,
    is_last_block,
    start_after,
)
from quorate.core.errors import InvalidTransaction
from quorate.core.genesis import Genesis
from quorate.core.params import IDEMPOTENCY_KEY_BYTES_MAX, Params
from quorate.core.seats import SeatSet
from quorate.core.state import (
    EPOCH_START_KEY,
    LANES_BOUND,
    Account,
    Changes,
    Idempotency,
    Mark,
    Write,
    compute_account_key,
    compute_expiry_key,
    compute_idempotency_key,
    compute_mark_key,
    compute_set_key,
    decode_expiries,
    decode_idempotency,
    encode_expiries,
)
from quorate.core.transactions import SubmitEvidence, Transaction, Transfer, is_report_form
from quorate.core.values import HASH_BYTES, TREASURY, UINT64_MAX, ZERO_HASH

# Transactions, or writes, that one step handles: under 1 ms, 2 ms when all state is cold.
SLICE: Final = 128

OUTCOME_SUCCEEDED: Final[int] = 1
OUTCOME_FAILED: Final[int] = 2
OUTCOME_SKIPPED: Final[int] = 3

# A receipt's code is an index into OUTCOMES: (outcome, reason). Stored, so never renumbered.
SUCCEEDED: Final = 0
INSUFFICIENT_BALANCE: Final = 1
IDEMPOTENCY_CONFLICT: Final = 2
DUPLICATE: Final = 3
INVALID: Final = 4
EXPIRED: Final = 5
SEQUENCE_PAST: Final = 6
SEQUENCE_GAP: Final = 7
FEE_TOO_LOW: Final = 8
FEE_NOT_COVERED: Final = 9
NOT_A_REPORTER: Final = 10
EVIDENCE_UNTIMELY: Final = 11
EVIDENCE_KNOWN: Final = 12
EVIDENCE_INVALID: Final = 13
EVIDENCE_LIMIT: Final = 14
# Codes below are of what took its sequence, codes from here on of what was skipped.
FIRST_SKIPPED: Final = INVALID
OUTCOMES: Final = (
    (OUTCOME_SUCCEEDED, ""),
    (OUTCOME_FAILED, "INSUFFICIENT_BALANCE"),
    (OUTCOME_FAILED, "IDEMPOTENCY_CONFLICT"),
    (OUTCOME_FAILED, "DUPLICATE"),
    (OUTCOME_SKIPPED, "INVALID"),
    (OUTCOME_SKIPPED, "EXPIRED"),
    (OUTCOME_SKIPPED, "SEQUENCE_PAST"),
    (OUTCOME_SKIPPED, "SEQUENCE_GAP"),
    (OUTCOME_SKIPPED, "FEE_TOO_LOW"),
    (OUTCOME_SKIPPED, "FEE_NOT_COVERED"),
    (OUTCOME_SKIPPED, accusations.NOT_A_REPORTER),
    (OUTCOME_SKIPPED, accusations.UNTIMELY),
    (OUTCOME_SKIPPED, accusations.KNOWN),
    (OUTCOME_SKIPPED, accusations.INVALID),
    (OUTCOME_SKIPPED, "EVIDENCE_LIMIT"),
)
_OBJECTIONS: Final = {
    accusations.NOT_A_REPORTER: NOT_A_REPORTER,
    accusations.UNTIMELY: EVIDENCE_UNTIMELY,
    accusations.INVALID: EVIDENCE_INVALID,
}


class Receipt(NamedTuple):
    """What executing one transaction gave; `code` indexes OUTCOMES, `fee` includes the tip."""

    id: bytes
    sender: bytes
    lane: int
    sequence: int
    code: int
    fee: int
    first_id: bytes


@dataclass(frozen=True, slots=True)
class Context:
    """What execution takes from the block and the chain; `epoch` is the block's."""

    height: int
    base_fee: int
    params: Params
    domain: bytes
    epoch: int


def list_first_keys(height: int) -> list[bytes]:
    """Return the keys that every block at `height` needs, whatever is in it."""
    return [compute_account_key(TREASURY), compute_expiry_key(height - 1)]


def list_epoch_keys(epoch: int) -> list[bytes]:
    """Return the keys of what is known of epochs around a block's: its end and reports ask."""
    sets = range(max(epoch - accusations.EPOCHS_BACK, 0), epoch + 2)
    return [EPOCH_START_KEY, *map(compute_set_key, sets)]


def list_keys(transactions: Sequence[Transaction]) -> list[bytes]:
    """Return the keys that these transactions may touch, each once."""
    keys: dict[bytes, None] = {}
    for transaction in transactions:
        keys[b"a" + transaction.sender] = None
        for payload in transaction.payloads:
            if isinstance(payload, Transfer):
                keys[b"a" + payload.signer] = None
                keys[b"a" + payload.to] = None
            elif (evidence := _decode(payload)) is not None:
                keys[compute_mark_key(evidence.epoch, evidence.seat)] = None
        if transaction.idempotency_key:
            key = compute_idempotency_key(transaction.sender, transaction.idempotency_key)
            keys[key] = None
    return list(keys)


def build_undecodable(data: bytes) -> Transaction:
    """Return what stands for bytes that decode to no transaction: it is skipped as INVALID."""
    identity = crypto.compute_hash(b"quorate/undecodable/v1", data)
    return Transaction(
        identity, ZERO_HASH, 0, 0, 0, 0, 0, b"", b"", (), b"", (), b"", len(data), 0
    )  # fmt: skip


class Execution:
    """Executes one block: `begin`, `apply` per slice of transactions, `end_epoch`, `iter_writes`.

    `records` must hold list_first_keys(height) and list_epoch_keys(epoch) from the start and
    list_keys(slice) before the slice is applied; the caller may add to the mapping between slices.
    """

    def __init__(self, context: Context, records: Mapping[bytes, bytes]) -> None:
        self._context = context
        self._height, self._base_fee = context.height, context.base_fee
        self._until_max = context.height + context.params.validity_max_blocks
        self._lanes = min(context.params.lanes_max, LANES_BOUND)
        self._changes = Changes(records)
        self._fees = 0
        self._refuted: set[bytes] = set()
        self._sets: dict[int, SeatSet | None] = {}
        self._bound: list[bytes] = []

    def begin(self) -> None:
        """Remove the idempotency records that ended with the block before."""
        key = compute_expiry_key(self._height - 1)
        record = self._changes.get(key)
        if record:
            for name in decode_expiries(record):
                self._changes.put(b"i" + name, b"")
            self._changes.put(key, b"")

    def apply(self, transactions: Sequence[Transaction]) -> list[Receipt]:
        """Execute transactions in order and return their receipts."""
        return [
            self._apply_one(transaction)
            if transaction.report is None
            else self._apply_report(transaction, transaction.report)
            for transaction in transactions
        ]

    def end_epoch(self, header: Header) -> SeatSet | None:
        """Return the set that this block gives as its epoch's last (docs/protocol.md#N4), or None.

        The set and what the next epoch starts from are writes of the block like any others.
        """
        start = EpochStart.decode(self._changes.get(EPOCH_START_KEY))
        if not is_last_block(header, compute_end(start, self._context.params)):
            return None
        following = SeatSet.decode(self._changes.get(compute_set_key(start.epoch + 1)))
        next_set = compute_next_set(following)
        self._changes.put(EPOCH_START_KEY, start_after(header).encode())
        self._changes.put(compute_set_key(next_set.epoch), next_set.encode())
        return next_set

    def iter_writes(self) -> Iterator[list[Write]]:
        """Credit the fees and yield the block's writes, ascending by key, in slices."""
        if self._fees:
            self._changes.get_account(TREASURY).balance += self._fees
        if self._bound:
            self._changes.put(compute_expiry_key(self._until_max), encode_expiries(self._bound))
        return self._changes.iter_writes(SLICE)

    def _apply_one(self, transaction: Transaction) -> Receipt:
        identity, sender, lane, sequence = transaction[:4]
        account = self._changes.get_account(sender)
        code, fee, first = self._find_obstacle(transaction, account), 0, b""
        if not code:
            fee = transaction.weight * self._base_fee + transaction.tip
            account.lanes[lane] = sequence + 1
            if transaction.idempotency_key:
                code, first = self._find_earlier(transaction)
                if code == DUPLICATE:
                    fee -= transaction.tip
            account.balance -= fee
            self._fees += fee
            if not code:
                code = self._transfer(transaction)
                if not code and transaction.idempotency_key:
                    self._bind(transaction)
        if code == INVALID:
            # Receipts are columns of fixed width.
            sender, lane = (sender if len(sender) == HASH_BYTES else ZERO_HASH), lane & 255
        return Receipt(identity, sender, lane, sequence, code, fee, first)

    def _find_obstacle(self, transaction: Transaction, account: Account) -> int:
        """Return the code for which a transaction is skipped; 0 when it is not."""
        if not _is_sound(transaction, self._lanes):
            return INVALID
        code = self._find_early_obstacle(transaction, account)
        if code:
            return code
        fee = transaction.weight * self._base_fee
        if fee > transaction.fee_limit:
            return FEE_TOO_LOW
        return FEE_NOT_COVERED if fee + transaction.tip > account.balance else 0

    def _find_early_obstacle(self, transaction: Transaction, account: Account) -> int:
        """Return the code of an obstacle that a sound transaction meets whatever it pays."""
        if not self._height <= transaction.valid_until_height <= self._until_max:
            return EXPIRED if transaction.valid_until_height < self._height else INVALID
        expected = account.lanes.get(transaction.lane, 0)
        if transaction.sequence != expected:
            return SEQUENCE_PAST if transaction.sequence < expected else SEQUENCE_GAP
        return 0

    def _find_earlier(self, transaction: Transaction) -> tuple[int, bytes]:
        """Return the code and first id that an earlier use of the idempotency key gives."""
        key = compute_idempotency_key(transaction.sender, transaction.idempotency_key)
        record = self._changes.get(key)
        if not record:
            return 0, b""
        earlier = decode_idempotency(record)
        if earlier.payload_hash != transaction.payload_hash:
            return IDEMPOTENCY_CONFLICT, b""
        return DUPLICATE, earlier.first_id

    def _bind(self, transaction: Transaction) -> None:
        key = compute_idempotency_key(transaction.sender, transaction.idempotency_key)
        bound = Idempotency(transaction.payload_hash, transaction.id, self._until_max)
        self._changes.put(key, bound.encode())
        self._bound.append(key[1:])

    def _apply_report(self, transaction: Transaction, report: SubmitEvidence) -> Receipt:
        """Mark the accused seat, or skip: a report costs nothing, so nothing may come of a bad one.

        The sequence is used only when it succeeds, as with all that is skipped.
        """
        identity, sender, lane, sequence = transaction[:4]
        account, evidence = self._changes.get_account(sender), _decode(report)
        if evidence is None or not _is_sound_report(transaction):
            code = INVALID
        else:
            code = self._find_early_obstacle(transaction, account)
            code = code or self._judge(evidence, report)
        if not code and evidence is not None:
            account.lanes[lane] = sequence + 1
            mark = Mark(evidence.view, self._height, evidence.compute_hash())
            self._changes.put(compute_mark_key(evidence.epoch, evidence.seat), mark.encode())
        if code == INVALID:
            sender, lane = (sender if len(sender) == HASH_BYTES else ZERO_HASH), lane & 255
        return Receipt(identity, sender, lane, sequence, code, 0, b"")

    def _judge(self, evidence: Evidence, report: SubmitEvidence) -> int:
        """Return the code for which a report that is right in form is skipped; 0 when it is not."""
        context = self._context
        reporter = Reporter(report.reporter, report.signer)
        objection = accusations.find_objection(
            evidence, reporter, context.epoch, self._get_seat_key
        )
        if objection:
            return _OBJECTIONS[objection]
        if self._changes.get(compute_mark_key(evidence.epoch, evidence.seat)):
            return EVIDENCE_KNOWN
        if report.signer in self._refuted:
            return EVIDENCE_LIMIT
        if accusations.are_signed(evidence, self._get_seat_key, context.domain):
            return 0
        # One false report per seat and block: so checks are bounded by the seats, and nobody can
        # crowd out the reports of others.
        self._refuted.add(report.signer)
        return EVIDENCE_INVALID

    def _get_seat_key(self, epoch: int, seat: int) -> bytes | None:
        """Return the key of a seat; None when there is no such seat, or its set is not around."""
        if epoch not in self._sets:
            record = self._changes.get(compute_set_key(epoch))
            self._sets[epoch] = SeatSet.decode(record) if record else None
        found = self._sets[epoch]
        return None if found is None else found.get_key(seat)

    def _transfer(self, transaction: Transaction) -> int:
        """Move all amounts one after the other, or none; return 0 or INSUFFICIENT_BALANCE."""
        get = self._changes.get_account
        done: list[tuple[Account, Account, int]] = []
        for payload in transaction.payloads:
            assert isinstance(payload, Transfer), "a sound transaction of another kind is a report"
            signer, to, amount = payload
            source = get(signer)
            if source.balance < amount:
                for giver, taker, moved in reversed(done):
                    taker.balance -= moved
                    giver.balance += moved
                return INSUFFICIENT_BALANCE
            target = get(to)
            source.balance -= amount
            target.balance += amount
            done.append((source, target, amount))
        return 0


def compute_genesis_writes(genesis: Genesis) -> list[Write]:
    """Return the writes that make the state of block 0, ascending by key."""
    accounts = [(address, Account(balance, {})) for address, balance in genesis.balances if balance]
    writes = [(compute_account_key(address), each.encode()) for address, each in accounts]
    writes += [(compute_set_key(each.epoch), each.encode()) for each in genesis.sets]
    return sorted([*writes, (EPOCH_START_KEY, genesis.start.encode())])


def _is_sound(transaction: Transaction, lanes: int) -> bool:
    # Whoever batched it checked much more (core/transactions.py). This keeps the state's layout
    # whole whatever a quorum of faulty validators might order.
    payloads = transaction.payloads
    if not payloads or len(transaction.sender) != HASH_BYTES or transaction.lane >= lanes:
        return False
    for payload in payloads:
        if not isinstance(payload, Transfer):
            return False
        signer, to, amount = payload
        if len(to) != HASH_BYTES or len(signer) != HASH_BYTES or amount < 1:
            return False
    return (
        transaction.sequence < UINT64_MAX
        and transaction.fee_limit + transaction.tip <= UINT64_MAX
        and len(transaction.idempotency_key) <= IDEMPOTENCY_KEY_BYTES_MAX
    )


def _is_sound_report(transaction: Transaction) -> bool:
    is_addressed = len(transaction.sender) == HASH_BYTES
    return is_addressed and is_report_form(transaction) and transaction.sequence < UINT64_MAX


def _decode(report: SubmitEvidence) -> Evidence | None:
    # Under a certificate nothing is known of what is inside, not even that it is evidence.
    try:
        return decode_evidence(report.first, report.second)
    except InvalidTransaction:
        return None
