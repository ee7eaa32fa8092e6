"""What a final block's transactions do, one after the other (docs/protocol.md#E1 to E7).

Outcomes, in the order in which they are judged:

- SKIPPED, no effect, no fee, sequence unused: INVALID (no sound transaction, or valid for longer
  than `validity_max_blocks`), EXPIRED, SEQUENCE_PAST, SEQUENCE_GAP, FEE_TOO_LOW (weight × base fee
  is above the fee limit), FEE_NOT_COVERED (the sender can't pay fee and tip).
- FAILED, fee charged and sequence used: IDEMPOTENCY_CONFLICT (the key is bound to other payloads),
  DUPLICATE (the key took effect before: the receipt points to the first, the tip is not charged),
  INSUFFICIENT_BALANCE and the other reasons of outcomes.py for which a payload can't take effect:
  then none does.
- SUCCEEDED: all payloads took effect, one after the other; CALLED if contracts were among them.

A report (evidence against a seat) is free, so it is SKIPPED for whatever is wrong with it:
NOT_A_REPORTER, EVIDENCE_UNTIMELY, EVIDENCE_KNOWN, EVIDENCE_INVALID, EVIDENCE_LIMIT
(docs/protocol.md#E7). When it succeeds, the accused seat is marked.

An idempotency key is bound when its transaction succeeds; after a failure it is free to be used
again. Whatever happens, the sum of everything changes only by what blocks issue (#E5).
"""

from collections.abc import Iterator, Sequence
from typing import Final

from quorate.core import accusations, crypto
from quorate.core.accusations import Evidence, Reporter, try_decode_evidence
from quorate.core.applied import Applied, Aside, Receipt
from quorate.core.context import Call, Context, Ledger
from quorate.core.contracts.details import compute_detail_hash
from quorate.core.contracts.log import CallLog
from quorate.core.kinds import get_kind, list_fuel_limits
from quorate.core.loading import list_keys
from quorate.core.outcomes import (
    CALLED,
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
from quorate.core.records import Records
from quorate.core.seats import SeatSet
from quorate.core.soundness import is_sound, is_sound_report
from quorate.core.state import (
    LANES_BOUND,
    Account,
    Changes,
    Draft,
    Idempotency,
    Mark,
    Write,
    compute_idempotency_key,
    compute_mark_key,
    compute_set_key,
    decode_idempotency,
)
from quorate.core.transactions import SubmitEvidence, Transaction, Transfer
from quorate.core.values import HASH_BYTES, ZERO_HASH

# Transactions, or writes, that one step handles: under 1 ms, 2 ms when all state is cold.
SLICE: Final = 128

_OBJECTIONS: Final = {
    accusations.NOT_A_REPORTER: NOT_A_REPORTER,
    accusations.UNTIMELY: EVIDENCE_UNTIMELY,
    accusations.INVALID: EVIDENCE_INVALID,
}


def build_undecodable(data: bytes) -> Transaction:
    """Return what stands for bytes that decode to no transaction: it is skipped as INVALID."""
    identity = crypto.compute_hash(b"quorate/undecodable/v1", data)
    return Transaction(
        identity, ZERO_HASH, 0, 0, 0, 0, 0, b"", b"", (), b"", (), b"", len(data), 0
    )  # fmt: skip


class Applying:
    """Applies transactions of one block, whose parameters in force are those of the context.

    `records` is the state before them. To load what list_keys names beforehand saves time and
    changes nothing.
    """

    def __init__(self, context: Context, records: Records) -> None:
        header, params = context.header, context.params
        self.context = context
        self._height, self._base_fee = header.height, header.base_fee
        self._until_max = header.height + params.validity_max_blocks
        self._lanes = min(params.lanes_max, LANES_BOUND)
        self._changes = Changes(records)
        self._fees = 0
        # In order of their report, and each once.
        self._refuted: dict[bytes, None] = {}
        self._sets: dict[int, SeatSet | None] = {}
        self._bound: list[bytes] = []
        self._receipts = 0
        self._log: CallLog | None = None
        # What contracts did: (position among all transactions applied, encoded detail).
        self.details: list[tuple[int, bytes]] = []

    @property
    def refuted(self) -> tuple[bytes, ...]:
        """Reporters whose evidence was refuted in this block so far."""
        return tuple(self._refuted)

    def apply(
        self, transactions: Sequence[Transaction], poisoned: Sequence[int] = ()
    ) -> list[Receipt]:
        """Execute transactions in order and return their receipts.

        `poisoned` are positions, among these, whose calls are not run (docs/protocol.md#Z2).
        """
        receipts = []
        for position, transaction in enumerate(transactions):
            if transaction.report is not None:
                receipts.append(self._apply_report(transaction, transaction.report))
            else:
                receipts.append(self._apply_one(transaction, is_poisoned=position in poisoned))
            self._receipts += 1
        return receipts

    def apply_apart(self, transactions: Sequence[Transaction], aside: Aside) -> Applied:
        """Apply transactions of a block that is executed elsewhere; to be absorbed there."""
        self._refuted = dict.fromkeys(aside.refuted)
        receipts = self.apply(transactions, aside.poisoned)
        writes = [write for part in self.iter_writes() for write in part]
        refuted = list(self.refuted[len(aside.refuted) :])
        return Applied(receipts, self.details, writes, self._fees, self._bound, refuted)

    def iter_writes(self) -> Iterator[list[Write]]:
        """Yield all writes so far, ascending by key, in slices."""
        return self._changes.iter_writes(SLICE)

    def _apply_one(self, transaction: Transaction, *, is_poisoned: bool) -> Receipt:
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
                code = self._take_effect(transaction, is_poisoned=is_poisoned)
                if not code and transaction.idempotency_key:
                    self._bind(transaction)
            if self._log is not None or (code and transaction.has_calls):
                code, first, unused = self._conclude_calls(transaction, code, first)
                account.balance += unused
                self._fees -= unused
                fee -= unused
        if code == INVALID:
            # Receipts are columns of fixed width.
            sender, lane = (sender if len(sender) == HASH_BYTES else ZERO_HASH), lane & 255
        return Receipt(identity, sender, lane, sequence, code, fee, first)

    def _find_obstacle(self, transaction: Transaction, account: Account) -> int:
        """Return the code for which a transaction is skipped; 0 when it is not."""
        if not is_sound(transaction, self._lanes):
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
        account = self._changes.get_account(sender)
        evidence = try_decode_evidence(report.first, report.second)
        if evidence is None or not is_sound_report(transaction):
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
        context = self.context
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
        self._refuted[report.signer] = None
        return EVIDENCE_INVALID

    def _get_seat_key(self, epoch: int, seat: int) -> bytes | None:
        """Return the key of a seat; None when there is no such seat, or its set is not around."""
        if epoch not in self._sets:
            record = self._changes.get(compute_set_key(epoch))
            self._sets[epoch] = SeatSet.decode(record) if record else None
        found = self._sets[epoch]
        return None if found is None else found.get_key(seat)

    def _conclude_calls(
        self, transaction: Transaction, code: int, reference: bytes
    ) -> tuple[int, bytes, int]:
        """Return code, reference and the part of the fee that goes back, once calls are over."""
        log, self._log = self._log or CallLog(set()), None
        limits = list_fuel_limits(transaction.payloads)
        unused = log.compute_unused_weight(limits) * self._base_fee
        detail = log.build_detail(succeeded=not code)
        if detail is None:
            return code, reference, unused
        encoded = detail.encode()
        self.details.append((self._receipts, encoded))
        return code or CALLED, compute_detail_hash(encoded), unused

    def _take_effect(self, transaction: Transaction, *, is_poisoned: bool) -> int:
        """Let all payloads take effect one after the other, or none; return 0 or why not."""
        for payload in transaction.payloads:
            if type(payload) is not Transfer:
                if transaction.has_calls:
                    self._log = CallLog(set(list_keys([transaction])), is_poisoned=is_poisoned)
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
                    call = Call(self.context, transaction.id, position, self._log)
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
