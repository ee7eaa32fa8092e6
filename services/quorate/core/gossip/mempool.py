"""The mempool: which transactions are taken in, kept, given back and dropped (docs/protocol.md#M1).

Bounded: bytes in all, bytes and transactions per sender, gaps per lane, known accounts. A verdict
is None (accepted, or held already) or a Refusal with a typed reason. When it is full, what pays
least yields to what pays more (docs/protocol.md#M6).
"""

from collections.abc import Iterable
from typing import Final

from quorate.core.fees import compute_tip
from quorate.core.gossip.entries import Account, Checked, Entry, Lane, Refusal, State
from quorate.core.gossip.executed import SKIPPED, SUCCEEDED, Dropped, ExecutedBlock, Remembered
from quorate.core.gossip.held import Held
from quorate.core.gossip.lanes import Draft, Lanes
from quorate.core.gossip.refusals import (
    SENDER_COUNT_MAX,
    check_balance,
    check_height_and_fee,
    check_key,
    compute_rank,
    refuse,
)
from quorate.core.params import Params

# A sender may use this share of all room.
SENDER_SHARE: Final = 8
# What stands behind gaps may use this share of all room.
PARKED_SHARE: Final = 4
# Chunks that are being checked get this share on top: the door stays open when all room is taken.
DOOR_SHARE: Final = 8
# At most so many yield to one; a transaction that needs more room than that is refused.
YIELDING_MAX: Final = 64
# Who takes a waiting transaction's place pays at least this share more for it.
REPLACEMENT_SHARE: Final = 8
# A sequence may lie so far behind the first one that is missing.
GAP_MAX: Final = 1_024
ACCOUNTS_MAX: Final = 50_000
# Skipped for one of these it may still be executed: it waits again (docs/protocol.md#M3).
TAKEN_BACK: Final = frozenset({"SEQUENCE_GAP", "FEE_TOO_LOW"})
# A stale balance is read again after so many blocks, at once when it would not suffice.
STALE_BLOCKS: Final = 16


class Mempool:
    """Own transactions by id, and the lanes they stand in."""

    def __init__(self, params: Params, bytes_max: int) -> None:
        self.height, self.base_fee = 0, params.base_fee_min
        self.bytes = self.reserved_bytes = 0
        self.bytes_max = bytes_max
        self.sender_bytes_max = bytes_max // SENDER_SHARE
        # Above so many ready bytes more is accepted than will be executed soon (pace.py).
        self.ready_bytes_max = bytes_max
        self.entries: dict[bytes, Entry] = {}
        # Prices of own transactions that the last block executed.
        self.paid: list[int] = []
        # Own transactions that yielded to others, for whoever tells their followers.
        self.yielded: list[Dropped] = []
        self.lanes = Lanes()
        self._params = params
        self._keys: dict[bytes, tuple[bytes, bytes]] = {}
        self._expiring: dict[int, dict[bytes, Entry]] = {}
        self._executed = Remembered()

    # ---- room and accounts -----------------------------------------------------------------

    def reserve(self, size_bytes: int) -> bool:
        """Take room for a chunk before any work on it; False when there is none."""
        most = self.bytes_max + self.bytes_max // DOOR_SHARE
        if self.bytes + self.reserved_bytes + size_bytes > most:
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
        self.lanes.set_base_fee(base_fee)
        accounts = self.lanes.accounts
        for sender in [s for s, a in accounts.items() if not a.count]:
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
            if account.count:
                accounts[oldest] = account

    # ---- admission -------------------------------------------------------------------------

    def admit(self, raw: bytes, checked: Checked, known_hash: bytes = b"") -> Refusal | None:
        """Take a checked transaction in, or say why not; its account must be known.

        `known_hash` is the payload hash that state has under its idempotency key.
        """
        if checked[0] in self.entries:
            return None
        refusal = check_height_and_fee(checked, self.height, self.base_fee, self._params)
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
        if other is not None:
            return refuse("SEQUENCE_TAKEN", "a batch holds another transaction of this sequence")
        if sequence > lane.end + GAP_MAX:
            return refuse("SEQUENCE_FAR", f"sequence {lane.end} is missing", expected=lane.end)
        old = lane.entries.get(sequence)
        if old is not None:
            refusal = self._check_replacement(old, checked)
        elif sequence > lane.end and self._is_parking_full(checked[8]):
            refusal = refuse("MEMPOOL_FULL", "no room for more transactions behind gaps")
        refusal = refusal or self._check_account(account, checked, known_hash, old)
        refusal = refusal or self._make_way(lane, checked, old)
        if refusal is not None:
            return refusal
        entry = Entry(raw, checked, lane)
        if old is None:
            self._keep(entry, account, checked)
            self.lanes.insert(entry)
        else:
            self._let_go(old)
            self._keep(entry, account, checked)
            self.lanes.replace(old, entry)
            self.yielded.append(Dropped(old.id, "REPLACED"))
        return None

    def _is_parking_full(self, size_bytes: int) -> bool:
        return self.lanes.parked_bytes + size_bytes > self.bytes_max // PARKED_SHARE

    def _refuse_past(self, checked: Checked, expected: int) -> Refusal:
        if checked[0] in self._executed:
            return refuse("ALREADY_EXECUTED", "this transaction was executed")
        return refuse("SEQUENCE_PAST", f"sequence {expected} comes next", expected=expected)

    def _check_replacement(self, old: Entry, checked: Checked) -> Refusal | None:
        """Judge whether a transaction may take a waiting one's place (docs/protocol.md#M7)."""
        if old.state is not State.WAITING or checked[13]:
            return refuse("SEQUENCE_TAKEN", "a batch holds another transaction of this sequence")
        tip = self.compute_replacing_tip(old, checked[6])
        if checked[5] >= tip:
            return None
        return refuse(
            "REPLACEMENT_UNDERPRICED",
            f"another transaction of this sequence waits; a tip of {tip} takes its place",
            tip_min=tip,
        )

    def compute_replacing_tip(self, old: Entry, weight: int) -> int:
        """Return the least tip with which a transaction of this weight takes a waiting one's place.

        What can't be batched now, because its fee limit is too low, gives way to whatever can.
        """
        if old.base_fee_max < self.base_fee:
            return 0
        price = old.price + old.price // REPLACEMENT_SHARE + 1
        return max(compute_tip(price, weight), old.tip + 1)

    def _check_account(
        self, account: Account, checked: Checked, known_hash: bytes, old: Entry | None
    ) -> Refusal | None:
        count, size, freed, replaced = account.count, checked[8], 0, b""
        if old is not None:
            count, size, freed, replaced = count - 1, size - old.size, old.cost, old.id
        if count >= SENDER_COUNT_MAX or account.bytes + size > self.sender_bytes_max:
            return refuse("SENDER_FLOODS", "this sender has too much waiting")
        refusal = check_balance(account, checked, freed)
        return refusal or check_key(checked, self._keys, known_hash, replaced)

    def _make_way(self, lane: Lane, checked: Checked, old: Entry | None) -> Refusal | None:
        """Have what pays less yield until there is room; nothing does when that is not enough."""
        size = checked[8] - (old.size if old is not None else 0)
        counts, rank = checked[2] <= lane.end and size > 0, compute_rank(lane, checked)
        lanes, yielding = self.lanes, list[Entry]()
        while True:
            is_shut = counts and lanes.ready_bytes >= self.ready_bytes_max
            if self.bytes + size <= self.bytes_max and not is_shut:
                break
            entry = lanes.find_lowest(rank, ready_only=is_shut)
            if entry is None or entry is old or len(yielding) >= YIELDING_MAX:
                for each in reversed(yielding):
                    lanes.put_back(each)
                return self._refuse_for_room(checked, rank)
            lanes.remove(entry)
            yielding.append(entry)
            size -= entry.size
        for entry in yielding:
            self._let_go(entry)
            self.yielded.append(Dropped(entry.id, "OUTBID"))
        return None

    def _refuse_for_room(self, checked: Checked, rank: int) -> Refusal:
        lowest = self.lanes.queue.find_lowest_price()
        if rank < 0 or lowest is None:
            return refuse("MEMPOOL_FULL", "no room for what can't be batched now")
        tip = compute_tip(lowest + 1, checked[6])
        return refuse("MEMPOOL_FULL", f"no room for a tip below {tip}", tip_min=tip)

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
        self.height, self.base_fee, self.paid = block.height, block.base_fee, []
        self.lanes.set_base_fee(block.base_fee)

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
                self.lanes.forget(entry)
                if entry.id != id_:
                    dropped.append(Dropped(entry.id, "SEQUENCE_PAST"))
                else:
                    self.paid.append(entry.price)
        self._executed.add(executed)
        return dropped

    def _apply_skipped(
        self, id_: bytes, block: ExecutedBlock, position: int, dropped: list[Dropped]
    ) -> None:
        entry = self.entries.get(id_)
        if entry is None or entry.batch not in block.batches:
            return
        reason = block.reasons[position]
        if reason in TAKEN_BACK:
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
