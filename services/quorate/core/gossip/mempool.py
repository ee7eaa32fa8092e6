"""The mempool: which transactions are taken in, kept, given back and dropped (docs/protocol.md#M1).

Bounded: bytes in all, bytes and transactions per sender, gaps per lane, known accounts. A verdict
is None (accepted, or held already) or a Refusal with a typed reason.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from quorate.core.gossip.entries import Account, Checked, Entry, Refusal, State
from quorate.core.gossip.held import Held
from quorate.core.gossip.lanes import Draft, Lanes
from quorate.core.params import Params

# A sender may use this share of all room.
SENDER_SHARE: Final = 8
SENDER_COUNT_MAX: Final = 16_384
# What stands behind gaps may use this share of all room.
PARKED_SHARE: Final = 4
# A sequence may lie so far behind the first one that is missing.
GAP_MAX: Final = 1_024
ACCOUNTS_MAX: Final = 50_000
EXECUTED_MAX: Final = 65_536
# A stale balance is read again after so many blocks, at once when it would not suffice.
STALE_BLOCKS: Final = 16

# Outcomes as in the API (quorate.api.transaction.v1.Outcome).
SUCCEEDED, FAILED, SKIPPED = 1, 2, 3


class Dropped(NamedTuple):
    """An own transaction that will not be executed, and why (UPPER_SNAKE)."""

    id: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class ExecutedBlock:
    """What one executed block did: columns beside `ids`; `base_fee` is the next block's."""

    height: int
    base_fee: int
    ids: Sequence[bytes]
    senders: Sequence[bytes]
    lanes: Sequence[int]
    sequences: Sequence[int]
    outcomes: Sequence[int]
    fees: Sequence[int]
    reasons: Sequence[str]
    batches: frozenset[bytes]


class Mempool:
    """Own transactions by id, and the lanes they stand in."""

    def __init__(self, params: Params, bytes_max: int) -> None:
        self.height, self.base_fee = 0, params.base_fee_min
        self.bytes = self.reserved_bytes = 0
        self.bytes_max = bytes_max
        self.sender_bytes_max = bytes_max // SENDER_SHARE
        self.entries: dict[bytes, Entry] = {}
        self.lanes = Lanes()
        self._params = params
        self._keys: dict[bytes, tuple[bytes, bytes]] = {}
        self._expiring: dict[int, dict[bytes, Entry]] = {}
        self._executed: dict[bytes, None] = {}
        self._executed_runs: deque[list[bytes]] = deque()

    # ---- room and accounts -----------------------------------------------------------------

    def reserve(self, size_bytes: int) -> bool:
        """Take room for a chunk before any work on it; False when there is none."""
        if self.bytes + self.reserved_bytes + size_bytes > self.bytes_max:
            return False
        self.reserved_bytes += size_bytes
        return True

    def release(self, size_bytes: int) -> None:
        """Give a chunk's room back: what was taken in counts by itself."""
        self.reserved_bytes -= size_bytes

    def find_unknown(self, senders: Iterable[bytes]) -> list[bytes]:
        """Return the senders whose accounts must be read before `admit`, each once."""
        accounts = self.lanes.accounts
        unknown: dict[bytes, None] = {}
        for sender in senders:
            account = accounts.get(sender)
            if account is None or (
                account.is_stale and self.height - account.height >= STALE_BLOCKS
            ):
                unknown[sender] = None
        return list(unknown)

    def is_known(self, sender: bytes) -> bool:
        """Tell whether `admit` may be called for this sender."""
        return sender in self.lanes.accounts

    def mark_stale(self, senders: Iterable[bytes]) -> None:
        """Have these accounts read again before the next verdict on them."""
        for sender in senders:
            account = self.lanes.accounts.get(sender)
            if account is not None and account.height < self.height:
                account.is_stale, account.height = True, min(account.height, -STALE_BLOCKS)

    def is_outdated(self, sender: bytes) -> bool:
        """Tell whether reading the account again could show more than what is known."""
        account = self.lanes.accounts.get(sender)
        return account is None or account.height < self.height

    def forget_accounts(self, height: int, base_fee: int) -> None:
        """Start again from a height whose blocks before were not seen: read accounts anew."""
        self.height, self.base_fee = height, base_fee
        accounts = self.lanes.accounts
        for sender in [s for s, a in accounts.items() if not a.count and not a.is_queued]:
            del accounts[sender]
        for account in accounts.values():
            account.is_stale, account.height = True, -STALE_BLOCKS

    def put_account(
        self, sender: bytes, balance: int, nexts: Iterable[tuple[int, int]], height: int
    ) -> None:
        """Note an account as state has it at `height`, which must not be below the mempool's.

        `nexts` are (lane, next sequence) of lanes that were used.
        """
        accounts = self.lanes.accounts
        account = accounts.get(sender)
        if account is None:
            self._make_room()
            account = accounts[sender] = Account(sender)
        account.balance, account.height, account.is_stale = balance, height, False
        for number, sequence in nexts:
            account.nexts[number] = max(sequence, account.nexts.get(number, 0))
            lane = account.lanes.get(number)
            if lane is not None:
                self.lanes.advance(lane, sequence)

    def _make_room(self) -> None:
        accounts = self.lanes.accounts
        for _ in range(min(8, len(accounts))):
            if len(accounts) < ACCOUNTS_MAX:
                return
            oldest = next(iter(accounts))
            account = accounts.pop(oldest)
            if account.count or account.is_queued:
                accounts[oldest] = account

    # ---- admission -------------------------------------------------------------------------

    def admit(self, raw: bytes, checked: Checked, known_hash: bytes = b"") -> Refusal | None:
        """Take a checked transaction in, or say why not; its account must be known.

        `known_hash` is the payload hash that state has under its idempotency key.
        """
        if checked[0] in self.entries:
            return None
        refusal = self._check_height_and_fee(checked)
        if refusal is not None:
            return refusal
        account = self.lanes.accounts[checked[1][:32]]
        lane = self.lanes.get_lane(account, checked[9])
        sequence = checked[2]
        if sequence < lane.next:
            return self._refuse_past(checked, lane.next)
        other = self.lanes.foreign.get(checked[1])
        if other == checked[0]:
            return None
        if other is not None or sequence in lane.entries:
            return _refuse("SEQUENCE_TAKEN", "another transaction holds this sequence here")
        if sequence > lane.end + GAP_MAX:
            return _refuse("SEQUENCE_FAR", f"sequence {lane.end} is missing", expected=lane.end)
        if sequence > lane.end and self._is_parking_full(checked[8]):
            return _refuse("MEMPOOL_FULL", "no room for more transactions behind gaps")
        refusal = self._check_account(account, checked, known_hash)
        if refusal is not None:
            return refusal
        entry = Entry(raw, checked, lane)
        self._keep(entry, account, checked)
        self.lanes.insert(entry)
        return None

    def _is_parking_full(self, size_bytes: int) -> bool:
        return self.lanes.parked_bytes + size_bytes > self.bytes_max // PARKED_SHARE

    def _check_height_and_fee(self, checked: Checked) -> Refusal | None:
        valid_until, next_height = checked[3], self.height + 1
        if valid_until < next_height:
            return _refuse("EXPIRED", f"valid until {valid_until}", height=self.height)
        if valid_until > next_height + self._params.validity_max_blocks:
            most = next_height + self._params.validity_max_blocks
            return _refuse("EXPIRES_TOO_FAR", f"may be valid until {most}", height_max=most)
        if checked[4] < self.base_fee * checked[6] and not checked[13]:
            needed = self.base_fee * checked[6]
            return _refuse("FEE_TOO_LOW", f"costs {needed} now", fee_limit_min=needed)
        return None

    def _refuse_past(self, checked: Checked, expected: int) -> Refusal:
        if checked[0] in self._executed:
            return _refuse("ALREADY_EXECUTED", "this transaction was executed")
        return _refuse("SEQUENCE_PAST", f"sequence {expected} comes next", expected=expected)

    def _check_account(
        self, account: Account, checked: Checked, known_hash: bytes
    ) -> Refusal | None:
        size = checked[8]
        if account.count >= SENDER_COUNT_MAX or account.bytes + size > self.sender_bytes_max:
            return _refuse("SENDER_FLOODS", "this sender has too much waiting")
        if self.bytes + size > self.bytes_max:
            return _refuse("MEMPOOL_FULL", "no room for more transactions")
        if account.balance < account.reserved + checked[4] + checked[5] + checked[7]:
            return _refuse(
                "INSUFFICIENT_BALANCE",
                "the balance does not cover this and what is waiting",
                balance=account.balance,
                reserved=account.reserved,
            )
        if checked[10]:
            held = self._keys.get(checked.scoped_key)
            known = known_hash or (held[0] if held is not None else b"")
            if known and known != checked[12]:
                return _refuse("IDEMPOTENCY_CONFLICT", "the key stands for other payloads")
        return None

    def _keep(self, entry: Entry, account: Account, checked: Checked) -> None:
        id_ = entry.id
        self.entries[id_] = entry
        self.bytes += entry.size
        account.count += 1
        account.bytes += entry.size
        account.reserved += entry.cost
        expiring = self._expiring.get(entry.valid_until)
        if expiring is None:
            expiring = self._expiring[entry.valid_until] = {}
        expiring[id_] = entry
        if entry.scoped_key:
            self._keys.setdefault(entry.scoped_key, (checked[12], id_))

    def _let_go(self, entry: Entry) -> None:
        id_ = entry.id
        del self.entries[id_]
        self.bytes -= entry.size
        account = entry.lane.account
        account.count -= 1
        account.bytes -= entry.size
        account.reserved -= entry.cost
        expiring = self._expiring.get(entry.valid_until)
        if expiring is not None:
            expiring.pop(id_, None)
            if not expiring:
                del self._expiring[entry.valid_until]
        if entry.scoped_key:
            held = self._keys.get(entry.scoped_key)
            if held is not None and held[1] == id_:
                del self._keys[entry.scoped_key]

    def _drop(self, entry: Entry) -> None:
        self._let_go(entry)
        self.lanes.remove(entry)

    # ---- batches ---------------------------------------------------------------------------

    def take(self, size_bytes_max: int, count_max: int, weight_max: int) -> list[Entry]:
        """Return entries for a batch in lane order, fair between senders; they count as batched."""
        draft = Draft(size_bytes_max, count_max, weight_max)
        self.lanes.take(draft)
        return draft.entries

    def give_back(self, entries: Iterable[Entry]) -> None:
        """Let entries wait again whose batch could not be sealed."""
        for entry in entries:
            if entry.state is State.BATCHED:
                self.lanes.reopen(entry)

    def drop_waiting(self, ids: Iterable[bytes], reason: str) -> list[Dropped]:
        """Drop those of these that no batch holds: this validator can't batch them."""
        dropped: list[Dropped] = []
        for id_ in ids:
            entry = self.entries.get(id_)
            if entry is not None and entry.state is not State.BATCHED:
                self._drop(entry)
                dropped.append(Dropped(id_, reason))
        return dropped

    def finish_batch(self, held: Held) -> None:
        """Forget what a batch held that was executed or has expired; own entries wait again."""
        self.lanes.remove_foreign(held.slots)
        for entry in held.entries:
            if entry.state is State.BATCHED and entry.batch == held.name:
                self.lanes.reopen(entry)

    # ---- executed blocks -------------------------------------------------------------------

    def begin_block(self, block: ExecutedBlock) -> None:
        """Note a block's height and fee before its slices are applied."""
        self.height, self.base_fee = block.height, block.base_fee

    def apply_executed(self, block: ExecutedBlock, start: int, stop: int) -> list[Dropped]:
        """Apply a slice of a block's transactions; returns own ones that are dropped by it."""
        dropped: list[Dropped] = []
        accounts, executed = self.lanes.accounts, []
        columns = (block.ids, block.senders, block.lanes, block.sequences, block.outcomes)
        rows = zip(*(column[start:stop] for column in columns), strict=True)
        for position, (id_, sender, number, sequence, outcome) in enumerate(rows, start):
            if outcome != SKIPPED:
                executed.append(id_)
            account = accounts.get(sender)
            if account is None:
                continue
            if outcome == SKIPPED:
                self._apply_skipped(id_, block, position, dropped)
                continue
            account.nexts[number] = max(sequence + 1, account.nexts.get(number, 0))
            lane = account.lanes.get(number)
            entry = None if lane is None else lane.entries.get(sequence)
            if entry is None or entry.id != id_:
                account.is_stale = True
            elif account.height < block.height:
                account.balance -= block.fees[position]
                if outcome == SUCCEEDED:
                    account.balance -= entry.spent
            if lane is not None:
                self.lanes.advance(lane, sequence + 1)
            if entry is not None and lane is not None:
                self._let_go(entry)
                del lane.entries[sequence]
                entry.state = State.GONE
                if entry.id != id_:
                    dropped.append(Dropped(entry.id, "SEQUENCE_PAST"))
        self._remember(executed)
        return dropped

    def _apply_skipped(
        self, id_: bytes, block: ExecutedBlock, position: int, dropped: list[Dropped]
    ) -> None:
        entry = self.entries.get(id_)
        if entry is None or entry.batch not in block.batches:
            return
        reason = block.reasons[position]
        if reason == "SEQUENCE_GAP":
            self.lanes.reopen(entry)
            return
        self._drop(entry)
        dropped.append(Dropped(id_, reason))

    def expire(self, height_before: int) -> list[Dropped]:
        """Drop what can't be executed above the present height; `height_before` was done before."""
        if self.height - height_before > len(self._expiring):
            heights = [h for h in self._expiring if h <= self.height]
        else:
            heights = [h for h in range(height_before, self.height + 1) if h in self._expiring]
        dropped: list[Dropped] = []
        for height in heights:
            for entry in list(self._expiring.pop(height).values()):
                self._drop(entry)
                dropped.append(Dropped(entry.id, "EXPIRED"))
        return dropped

    def _remember(self, ids: list[bytes]) -> None:
        self._executed.update(dict.fromkeys(ids))
        self._executed_runs.append(ids)
        while len(self._executed) > EXECUTED_MAX and len(self._executed_runs) > 1:
            for id_ in self._executed_runs.popleft():
                self._executed.pop(id_, None)


def _refuse(reason: str, message: str, **fields: int) -> Refusal:
    return Refusal(reason, message, {name: str(value) for name, value in fields.items()})
