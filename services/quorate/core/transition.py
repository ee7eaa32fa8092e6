"""The state machine: what a final block's transactions do (docs/protocol.md#E1 to E7).

Outcomes, in the order in which they are judged:

- SKIPPED, no effect, no fee, sequence unused: INVALID (no sound transaction, or valid for longer
  than `validity_max_blocks`), EXPIRED, SEQUENCE_PAST, SEQUENCE_GAP, FEE_TOO_LOW (weight × base fee
  is above the fee limit), FEE_NOT_COVERED (the sender can't pay fee and tip).
- FAILED, fee charged and sequence used: IDEMPOTENCY_CONFLICT (the key is bound to other payloads),
  DUPLICATE (the key took effect before: the receipt points to the first, the tip is not charged),
  INSUFFICIENT_BALANCE and the other reasons of outcomes.py for which a payload can't take effect:
  then none does.
- SUCCEEDED: all payloads took effect, one after the other.

A report (evidence against a seat) is free, so it is SKIPPED for whatever is wrong with it:
NOT_A_REPORTER, EVIDENCE_UNTIMELY, EVIDENCE_KNOWN, EVIDENCE_INVALID, EVIDENCE_LIMIT
(docs/protocol.md#E7). When it succeeds, the accused seat is marked.

An idempotency key is bound when its transaction succeeds; after a failure it is free to be used
again. Whatever happens, the sum of everything changes only by what blocks issue (#E5).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from quorate.core import accusations, crypto
from quorate.core.accusations import Evidence, Reporter, decode_evidence
from quorate.core.blocks import Header
from quorate.core.closing import Closing
from quorate.core.context import Call, Context, Ledger
from quorate.core.errors import InvalidTransaction
from quorate.core.governance.parameters import CHANGES_KEY, load_params
from quorate.core.governance.upgrades import UPGRADES_KEY
from quorate.core.kinds import get_kind
from quorate.core.outcomes import (
    DUPLICATE,
    EVIDENCE_INVALID,
    EVIDENCE_KNOWN,
    EVIDENCE_LIMIT,
    EVIDENCE_UNTIMELY,
    EXPIRED,
    FEE_NOT_COVERED,
    FEE_TOO_LOW,
    IDEMPOTENCY_CONFLICT,
    INSUFFICIENT_BALANCE,
    INVALID,
    NOT_A_REPORTER,
    SEQUENCE_GAP,
    SEQUENCE_PAST,
    Failed,
)
from quorate.core.params import IDEMPOTENCY_KEY_BYTES_MAX
from quorate.core.records import Records
from quorate.core.seats import SeatSet
from quorate.core.staking.records import PERFORMANCE_KEY
from quorate.core.state import (
    EPOCH_START_KEY,
    LANES_BOUND,
    Account,
    Changes,
    Draft,
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
from quorate.core.transactions import (
    Payload,
    SubmitEvidence,
    Transaction,
    Transfer,
    check_payload,
    is_report_form,
)
from quorate.core.values import HASH_BYTES, TREASURY, UINT64_MAX, ZERO_HASH

# Transactions, or writes, that one step handles: under 1 ms, 2 ms when all state is cold.
SLICE: Final = 128

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


def list_block_keys(header: Header) -> list[bytes]:
    """Return the keys that every block needs, whatever is in it, to be loaded beforehand."""
    sets = range(max(header.epoch - accusations.EPOCHS_BACK, 0), header.epoch + 2)
    return [
        compute_account_key(TREASURY), compute_expiry_key(header.height - 1), EPOCH_START_KEY,
        PERFORMANCE_KEY, CHANGES_KEY, UPGRADES_KEY, *map(compute_set_key, sets),
    ]  # fmt: skip


def list_keys(transactions: Sequence[Transaction]) -> list[bytes]:
    """Return the keys that these transactions name, each once, to be loaded beforehand."""
    keys: dict[bytes, None] = {}
    for transaction in transactions:
        keys[b"a" + transaction.sender] = None
        for payload in transaction.payloads:
            if isinstance(payload, Transfer):
                keys[b"a" + payload.signer] = None
                keys[b"a" + payload.to] = None
            elif not isinstance(payload, SubmitEvidence):
                keys[b"a" + payload.signer] = None
                keys |= dict.fromkeys(get_kind(payload).list_keys(payload))
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
    """Executes one block: `begin`, `apply` per slice of transactions, `iter_close`, `iter_writes`.

    `records` is the state at the block's parent. To load what list_block_keys and list_keys name
    beforehand saves time and changes nothing.
    """

    def __init__(self, context: Context, records: Records) -> None:
        header, params = context.header, load_params(records, context.params)
        if params is not context.params:
            context = replace(context, params=params)
        self._context = context
        self._height, self._base_fee = header.height, header.base_fee
        self._until_max = header.height + params.validity_max_blocks
        self._lanes = min(params.lanes_max, LANES_BOUND)
        self._changes = Changes(records)
        self._closing = Closing(context, self._changes)
        self._fees = 0
        self._refuted: set[bytes] = set()
        self._sets: dict[int, SeatSet | None] = {}
        self._bound: list[bytes] = []
        # What the last block of an epoch gives, once `iter_close` is through.
        self.next_set: SeatSet | None = None

    def begin(self) -> None:
        """Count views, and remove the idempotency records that ended with the block before."""
        self._closing.count_views()
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

    def iter_close(self) -> Iterator[None]:
        """Pay the proposer and, in an epoch's last block, end the epoch; in bounded steps."""
        self._closing.pay(self._fees)
        if self._bound:
            self._changes.put(compute_expiry_key(self._until_max), encode_expiries(self._bound))
        if self._closing.is_last():
            for next_set in self._closing.iter_end():
                self.next_set = next_set
                yield

    def iter_writes(self) -> Iterator[list[Write]]:
        """Yield the block's writes, ascending by key, in slices."""
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
                code = self._take_effect(transaction)
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
            evidence, reporter, context.header.epoch, self._get_seat_key
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

    def _take_effect(self, transaction: Transaction) -> int:
        """Let all payloads take effect one after the other, or none; return 0 or why not."""
        for payload in transaction.payloads:
            if type(payload) is not Transfer:
                return self._apply_together(transaction)
        return self._transfer(transaction)

    def _apply_together(self, transaction: Transaction) -> int:
        """Apply payloads of any kind on a draft; return 0, or the code for which it is dropped."""
        draft = Draft(self._changes)
        try:
            for position, payload in enumerate(transaction.payloads):
                assert not isinstance(payload, SubmitEvidence), "a sound one stands alone"
                if isinstance(payload, Transfer):
                    _move(draft, payload)
                else:
                    call = Call(self._context, transaction.id, position)
                    get_kind(payload).apply(payload, draft, call)
        except Failed as failed:
            return failed.code
        draft.commit()
        return 0

    def _transfer(self, transaction: Transaction) -> int:
        """Move all amounts one after the other, or none: the path of most transactions."""
        get = self._changes.get_account
        done: list[tuple[Account, Account, int]] = []
        for payload in transaction.payloads:
            assert isinstance(payload, Transfer), "others are applied together"
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


def _move(ledger: Ledger, payload: Transfer) -> None:
    source = ledger.get_account(payload.signer)
    if source.balance < payload.amount:
        raise Failed("INSUFFICIENT_BALANCE")
    source.balance -= payload.amount
    ledger.get_account(payload.to).balance += payload.amount


def _is_sound(transaction: Transaction, lanes: int) -> bool:
    # Whoever batched it checked much more (core/transactions.py). This keeps the state's layout
    # whole whatever a quorum of faulty validators might order.
    payloads = transaction.payloads
    if not payloads or len(transaction.sender) != HASH_BYTES or transaction.lane >= lanes:
        return False
    for payload in payloads:
        if type(payload) is not Transfer:
            if not _is_sound_action(payload):
                return False
            continue
        signer, to, amount = payload
        if len(to) != HASH_BYTES or len(signer) != HASH_BYTES or amount < 1:
            return False
    return (
        transaction.sequence < UINT64_MAX
        and transaction.fee_limit + transaction.tip <= UINT64_MAX
        and len(transaction.idempotency_key) <= IDEMPOTENCY_KEY_BYTES_MAX
    )


def _is_sound_action(payload: Payload) -> bool:
    if isinstance(payload, SubmitEvidence):
        return False
    try:
        check_payload(payload)
    except InvalidTransaction:
        return False
    return True


def _is_sound_report(transaction: Transaction) -> bool:
    is_addressed = len(transaction.sender) == HASH_BYTES
    return is_addressed and is_report_form(transaction) and transaction.sequence < UINT64_MAX


def _decode(report: SubmitEvidence) -> Evidence | None:
    # Under a certificate nothing is known of what is inside, not even that it is evidence.
    try:
        return decode_evidence(report.first, report.second)
    except InvalidTransaction:
        return None
