"""The state machine: what a final block's transactions do (docs/protocol.md#E1 to E6).

Outcomes, in the order in which they are judged:

- SKIPPED, no effect, no fee, sequence unused: INVALID (no sound transaction, or valid for longer
  than `validity_max_blocks`), EXPIRED, SEQUENCE_PAST, SEQUENCE_GAP, FEE_TOO_LOW (weight × base fee
  is above the fee limit), FEE_NOT_COVERED (the sender can't pay fee and tip).
- FAILED, fee charged and sequence used: IDEMPOTENCY_CONFLICT (the key is bound to other payloads),
  DUPLICATE (the key took effect before: the receipt points to the first, the tip is not charged),
  INSUFFICIENT_BALANCE (a payload's signer can't pay: no payload takes effect).
- SUCCEEDED: all payloads took effect, one after the other.

An idempotency key is bound when its transaction succeeds; after a failure it is free to be used
again. Fees go to TREASURY, so that the sum of all balances never changes and, being below 2^63,
no balance overflows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from quorate.core import crypto
from quorate.core.blocks import Header
from quorate.core.epochs import (
    EpochStart,
    compute_end,
    compute_next_set,
    is_last_block,
    start_after,
)
from quorate.core.genesis import Genesis
from quorate.core.params import IDEMPOTENCY_KEY_BYTES_MAX, Params
from quorate.core.seats import SeatSet
from quorate.core.state import (
    EPOCH_START_KEY,
    LANES_BOUND,
    Account,
    Changes,
    Idempotency,
    Write,
    compute_account_key,
    compute_expiry_key,
    compute_idempotency_key,
    compute_set_key,
    decode_expiries,
    decode_idempotency,
    encode_expiries,
)
from quorate.core.transactions import Payload, Transaction
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
)


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
    """What execution takes from the block and the chain."""

    height: int
    base_fee: int
    params: Params


def list_first_keys(height: int) -> list[bytes]:
    """Return the keys that every block at `height` needs, whatever is in it."""
    return [compute_account_key(TREASURY), compute_expiry_key(height - 1)]


def list_epoch_keys(epoch: int) -> list[bytes]:
    """Return the keys that the end of this epoch needs; `end_epoch` of each block asks for them."""
    return [EPOCH_START_KEY, compute_set_key(epoch + 1)]


def list_keys(transactions: Sequence[Transaction]) -> list[bytes]:
    """Return the keys that these transactions may touch, each once."""
    keys: dict[bytes, None] = {}
    for transaction in transactions:
        keys[b"a" + transaction.sender] = None
        for signer, to, _ in transaction.payloads:
            keys[b"a" + signer] = None
            keys[b"a" + to] = None
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
        self._height, self._base_fee = context.height, context.base_fee
        self._params = context.params
        self._until_max = context.height + context.params.validity_max_blocks
        self._lanes = min(context.params.lanes_max, LANES_BOUND)
        self._changes = Changes(records)
        self._fees = 0
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
        return [self._apply_one(transaction) for transaction in transactions]

    def end_epoch(self, header: Header) -> SeatSet | None:
        """Return the set that this block gives as its epoch's last (docs/protocol.md#N4), or None.

        The set and what the next epoch starts from are writes of the block like any others.
        """
        start = EpochStart.decode(self._changes.get(EPOCH_START_KEY))
        if not is_last_block(header, compute_end(start, self._params)):
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
                code = self._transfer(transaction.payloads)
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
        if not self._height <= transaction.valid_until_height <= self._until_max:
            return EXPIRED if transaction.valid_until_height < self._height else INVALID
        expected = account.lanes.get(transaction.lane, 0)
        if transaction.sequence != expected:
            return SEQUENCE_PAST if transaction.sequence < expected else SEQUENCE_GAP
        fee = transaction.weight * self._base_fee
        if fee > transaction.fee_limit:
            return FEE_TOO_LOW
        return FEE_NOT_COVERED if fee + transaction.tip > account.balance else 0

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

    def _transfer(self, payloads: tuple[Payload, ...]) -> int:
        """Move all amounts one after the other, or none; return 0 or INSUFFICIENT_BALANCE."""
        get = self._changes.get_account
        done: list[tuple[Account, Account, int]] = []
        for signer, to, amount in payloads:
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
    for signer, to, amount in payloads:
        if len(to) != HASH_BYTES or len(signer) != HASH_BYTES or amount < 1:
            return False
    return (
        transaction.sequence < UINT64_MAX
        and transaction.fee_limit + transaction.tip <= UINT64_MAX
        and len(transaction.idempotency_key) <= IDEMPOTENCY_KEY_BYTES_MAX
    )
