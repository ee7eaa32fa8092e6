"""Queues per (sender, lane): what may be batched next, in lane order, by price and in turns.

A lane's run [cursor, end) has no gaps: own entries, or slots that other authors' batches hold and
that are passed over. Entries behind a gap are parked. The head of a lane is its first entry that
can be batched; what the head pays is the price of the lane (docs/protocol.md#M5). `ready_bytes` is
what `take` could give now, `parked_bytes` what stands outside of runs. Every operation costs
O(log n) amortised per transaction at most.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Final

from quorate.core.codec import U64
from quorate.core.gossip.entries import Account, Entry, Lane, State
from quorate.core.gossip.queue import Queue

# One sender's turn: so many bytes of one lane, at least one transaction.
TURN_BYTES: Final = 4_096
# This share of a batch goes to who has waited longest, whatever it pays.
AGED_SHARE: Final = 8
# Lanes that one call looks at, so that no call is long whatever stands in the queue.
TURNS_MAX: Final = 8_192
RELEASED_MAX: Final = 256
VICTIM_LANES_MAX: Final = 8
# What is held no more is swept out when it outnumbers what is.
HELD_SPARE: Final = 64
_WAITING, _BATCHED, _GONE = State.WAITING, State.BATCHED, State.GONE


@dataclass(slots=True)
class Draft:
    """A batch being filled, and the room it has left."""

    size_bytes: int
    count: int
    weight: int
    entries: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> bool:
        """Take an entry if there is room for it; a length prefix of 4 bytes counts too."""
        size, weight = self.size_bytes - entry.size - 4, self.weight - entry.weight
        if size < 0 or weight < 0 or self.count == 0:
            return False
        self.size_bytes, self.weight = size, weight
        self.count -= 1
        self.entries.append(entry)
        return True

    def compute_floor(self, share: int) -> tuple[int, int, int]:
        """Return what is left of bytes, count and weight when a share of them is used up."""
        room = (self.size_bytes, self.count, self.weight)
        return room[0] - room[0] // share, room[1] - room[1] // share, room[2] - room[2] // share

    def is_above(self, floor: tuple[int, int, int]) -> bool:
        """Tell whether there is more room left than that."""
        return self.size_bytes > floor[0] and self.count > floor[1] and self.weight > floor[2]


class Lanes:
    """All lanes of all known accounts, and the slots that other authors' batches hold."""

    def __init__(self) -> None:
        self.accounts: dict[bytes, Account] = {}
        self.foreign: dict[bytes, bytes] = {}
        self.base_fee = 0
        self.parked_bytes = 0
        self.queue = Queue()
        # Lanes whose head does not cover the base fee, that which covers most first.
        self._held: list[tuple[int, int, Lane]] = []
        self._holds = self._held_count = 0
        # Lanes that may have entries behind a gap or a head that is held; checked when used.
        self._stuck: OrderedDict[Lane, None] = OrderedDict()

    @property
    def ready_bytes(self) -> int:
        """Bytes that `take` could give now."""
        return self.queue.bytes

    def get_lane(self, account: Account, number: int) -> Lane:
        """Return an account's lane, opened at the sequence that state says comes next."""
        lane = account.lanes.get(number)
        if lane is None:
            lane = Lane(account, number, account.nexts.get(number, 0))
            account.lanes[number] = lane
            self._extend(lane)
        return lane

    def insert(self, entry: Entry) -> None:
        """Add a waiting entry to its lane; its place must be free and not executed yet."""
        lane, sequence = entry.lane, entry.sequence
        lane.entries[sequence] = entry
        if sequence > lane.last:
            lane.last = sequence
        self.parked_bytes += entry.size
        if sequence == lane.end:
            self._extend(lane)
        else:
            self._stuck[lane] = None

    def replace(self, old: Entry, new: Entry) -> None:
        """Put a waiting entry into the place of another waiting one."""
        lane, sequence = old.lane, old.sequence
        lane.entries[sequence] = new
        old.state = _GONE
        if sequence >= lane.end:
            self.parked_bytes += new.size - old.size
        elif sequence >= lane.cursor:
            self.queue.add(lane, new.size - old.size, new.weight - old.weight)
            self._update(lane)

    def take(self, draft: Draft) -> None:
        """Fill a draft with ready entries; they count as batched from now on.

        A share goes to the lanes that have waited longest, the rest to those that pay most.
        """
        queue, floor = self.queue, draft.compute_floor(AGED_SHARE)
        by_age = not queue.is_flat
        for _ in range(TURNS_MAX):
            by_age = by_age and draft.is_above(floor)
            lane = queue.find_oldest() if by_age else queue.find_best()
            if lane is None or self._take_turn(lane, draft):
                return

    def set_base_fee(self, base_fee: int) -> None:
        """Note the next block's base fee: lanes whose head covers it now have turns again."""
        self.base_fee = base_fee
        held, released = self._held, 0
        while held and released < RELEASED_MAX and -held[0][0] >= base_fee:
            base_fee_max, _, lane = heappop(held)
            if lane.is_held and lane.held_fee == -base_fee_max:
                released += 1
                self._update(lane)

    def reopen(self, entry: Entry) -> None:
        """Let a batched entry wait again: its batch expired or was skipped because of a gap."""
        lane, sequence = entry.lane, entry.sequence
        entry.state, entry.batch = _WAITING, b""
        if sequence >= lane.end:
            self._stuck[lane] = None
            return
        if sequence >= lane.cursor:
            self.queue.add(lane, entry.size, entry.weight)
        else:
            self._count(lane, sequence, lane.cursor, 1)
            lane.cursor = sequence
        self._update(lane)

    def remove(self, entry: Entry) -> None:
        """Take an entry out that will not be executed; what stands behind it has a gap now."""
        lane, sequence = entry.lane, entry.sequence
        if lane.next <= sequence < lane.end:
            self._cut(lane, sequence)
        if sequence >= lane.end:
            self.parked_bytes -= entry.size
        self.forget(entry)
        self._extend(lane)
        self._update(lane)

    def put_back(self, entry: Entry) -> None:
        """Let an entry that was removed wait again, as if it had never been away."""
        entry.state = _WAITING
        self.insert(entry)

    def forget(self, entry: Entry) -> None:
        """Take an entry out whose place is executed."""
        lane = entry.lane
        del lane.entries[entry.sequence]
        entry.state = _GONE
        if self._stuck and not lane.entries:
            self._stuck.pop(lane, None)

    def advance(self, lane: Lane, next_sequence: int) -> None:
        """Note that everything below `next_sequence` is executed."""
        if next_sequence <= lane.next:
            return
        lane.next = next_sequence
        if lane.cursor < next_sequence:
            self._count(lane, lane.cursor, min(next_sequence, lane.end), -1)
            lane.cursor = next_sequence
            if lane.end < next_sequence:
                self._unpark(lane, next_sequence)
                lane.end = next_sequence
                self._extend(lane)
            self._update(lane)

    def add_foreign(self, slots: Iterable[bytes], ids: Iterable[bytes]) -> None:
        """Note what another author's batch holds: slots are then passed over, not batched twice."""
        accounts, foreign = self.accounts, self.foreign
        for slot, id_ in zip(slots, ids, strict=True):
            foreign[slot] = id_
            account = accounts.get(slot[:32])
            if account is not None:
                lane = account.lanes.get(slot[32])
                if lane is not None and U64.pack(lane.end) == slot[33:]:
                    self._extend(lane)

    def remove_foreign(self, slots: Iterable[bytes]) -> None:
        """Forget what a batch held: it is executed, or expired and its slots are free again."""
        accounts, foreign = self.accounts, self.foreign
        for slot in slots:
            foreign.pop(slot, None)
            account = accounts.get(slot[:32])
            if account is not None:
                lane = account.lanes.get(slot[32])
                if lane is not None:
                    self._free(lane, U64.unpack(slot[33:])[0])

    def find_lowest(self, below: int, *, ready_only: bool) -> Entry | None:
        """Return the entry that yields first to one of price `below`; None when none does.

        Lanes that are stuck yield first, then those of the lowest price; of a lane its last entry,
        so that no gap comes of it.
        """
        while below >= 0 and self._stuck and not ready_only:
            lane = next(reversed(self._stuck))
            entry = self.find_last(lane)
            if entry is not None and (entry.sequence >= lane.end or lane.is_held):
                return entry
            del self._stuck[lane]
        for lane in self.queue.iter_lowest(VICTIM_LANES_MAX):
            if lane.price >= below:
                break
            entry = self.find_last(lane)
            if entry is not None:
                return entry
        return None

    def find_last(self, lane: Lane) -> Entry | None:
        """Return a lane's last entry if no batch has it."""
        entries = lane.entries
        for sequence in range(lane.last, lane.cursor - 1, -1):
            entry = entries.get(sequence)
            if entry is not None:
                lane.last = sequence
                return entry if entry.state is _WAITING else None
        return None

    def _free(self, lane: Lane, sequence: int) -> None:
        if not lane.next <= sequence < lane.end:
            return
        entry = lane.entries.get(sequence)
        if entry is None:
            self._cut(lane, sequence)
            self._update(lane)
        elif entry.state is _WAITING and sequence < lane.cursor:
            self.reopen(entry)

    def _take_turn(self, lane: Lane, draft: Draft) -> bool:
        """Take one turn's entries; True when the draft has no room for the next one."""
        room, queue, base_fee = TURN_BYTES, self.queue, self.base_fee
        while (entry := self._find_head(lane)) is not None:
            if entry.base_fee_max < base_fee:
                break
            if entry.price < lane.price or room <= 0:
                queue.pass_on(lane, entry.price)
                return False
            if not draft.add(entry):
                return True
            entry.state = _BATCHED
            room -= entry.size
            lane.cursor += 1
            queue.add(lane, -entry.size, -entry.weight)
        self._update(lane)
        return False

    def _find_head(self, lane: Lane) -> Entry | None:
        """Move the cursor to the lane's first entry that can be batched, and return that."""
        entries, foreign = lane.entries, self.foreign
        while lane.cursor < lane.end:
            entry = entries.get(lane.cursor)
            if entry is not None and entry.state is _WAITING:
                if not foreign or foreign.get(entry.slot) != entry.id:
                    return entry
                self.queue.add(lane, -entry.size, -entry.weight)
            lane.cursor += 1
        return None

    def _update(self, lane: Lane) -> None:
        """Queue a lane at the price of its head, hold it, or let it rest."""
        head, queue = self._find_head(lane), self.queue
        if head is None or head.base_fee_max < self.base_fee:
            if lane.is_queued:
                queue.remove(lane)
            self._hold(lane, head)
            if lane.entries and (head is not None or lane.last >= lane.end):
                self._stuck[lane] = None
            return
        self._hold(lane, None)
        if not lane.is_queued:
            queue.put(lane, head.price)
        elif lane.price != head.price:
            queue.pass_on(lane, head.price)

    def _hold(self, lane: Lane, head: Entry | None) -> None:
        """Hold a lane until the base fee is down to what its head covers; None: hold it no more."""
        if head is None:
            self._held_count -= lane.is_held
            lane.is_held = False
            return
        base_fee_max = head.base_fee_max
        if lane.is_held and lane.held_fee == base_fee_max:
            return
        self._held_count += not lane.is_held
        lane.is_held, lane.held_fee = True, base_fee_max
        self._holds += 1
        heappush(self._held, (-base_fee_max, self._holds, lane))
        if len(self._held) > 2 * self._held_count + HELD_SPARE:
            kept = [each for each in self._held if each[2].is_held]
            self._held = [each for each in kept if each[2].held_fee == -each[0]]
            heapify(self._held)

    def _extend(self, lane: Lane) -> None:
        """Move the end of the run over what is present, and let the lane have turns."""
        entries, foreign, end = lane.entries, self.foreign, lane.end
        size = weight = 0
        while True:
            entry = entries.get(end)
            if entry is not None:
                self.parked_bytes -= entry.size
                if entry.state is _WAITING:
                    size += entry.size
                    weight += entry.weight
            elif not foreign or lane.prefix + U64.pack(end) not in foreign:
                break
            end += 1
        if end != lane.end:
            lane.end = end
            self.queue.add(lane, size, weight)
            if not (lane.is_queued or lane.is_held):
                self._update(lane)

    def _cut(self, lane: Lane, sequence: int) -> None:
        """End the run before `sequence`, which is inside of it."""
        self._count(lane, max(sequence, lane.cursor), lane.end, -1)
        entries = lane.entries
        for each in range(sequence, lane.end):
            if each in entries:
                self.parked_bytes += entries[each].size
        lane.end = sequence
        lane.cursor = min(lane.cursor, sequence)
        self._stuck[lane] = None

    def _unpark(self, lane: Lane, next_sequence: int) -> None:
        """Count parked entries below `next_sequence` out: their places are executed."""
        for sequence, entry in lane.entries.items():
            if lane.end <= sequence < next_sequence:
                self.parked_bytes -= entry.size

    def _count(self, lane: Lane, start: int, stop: int, sign: int) -> None:
        entries, size, weight = lane.entries, 0, 0
        for sequence in range(start, stop):
            entry = entries.get(sequence)
            if entry is not None and entry.state is _WAITING:
                size += entry.size
                weight += entry.weight
        self.queue.add(lane, sign * size, sign * weight)
