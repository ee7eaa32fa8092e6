"""Queues per (sender, lane): what may be batched next, in lane order and fair between senders.

A lane's run [cursor, end) has no gaps: own entries, or slots that other authors' batches hold and
that are passed over. Entries behind a gap are parked. `ready_bytes` is what `take` could give now:
waiting own entries inside runs; `parked_bytes` is what stands outside of them. Every operation
costs O(1) amortised per transaction.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from quorate.core.codec import U64
from quorate.core.gossip.entries import Account, Entry, Lane, State

# One sender's turn: so many bytes of one lane, at least one transaction.
TURN_BYTES: Final = 4_096
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


class Lanes:
    """All lanes of all known accounts, and the slots that other authors' batches hold."""

    def __init__(self) -> None:
        self.accounts: dict[bytes, Account] = {}
        self.foreign: dict[bytes, bytes] = {}
        self.ready_bytes = self.parked_bytes = 0
        self._ready: deque[Account] = deque()

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
        lane = entry.lane
        lane.entries[entry.sequence] = entry
        self.parked_bytes += entry.size
        if entry.sequence == lane.end:
            self._extend(lane)

    def take(self, draft: Draft) -> None:
        """Fill a draft with ready entries, a turn per sender; they count as batched from now on."""
        ready = self._ready
        while ready:
            account = ready[0]
            lane = account.ready[0]
            is_full = self._take_turn(lane, draft)
            account.ready.popleft()
            if lane.cursor < lane.end:
                account.ready.append(lane)
            else:
                lane.is_queued = False
            ready.popleft()
            if account.ready:
                ready.append(account)
            else:
                account.is_queued = False
            if is_full:
                return

    def reopen(self, entry: Entry) -> None:
        """Let a batched entry wait again: its batch expired or was skipped because of a gap."""
        lane, sequence = entry.lane, entry.sequence
        entry.state, entry.batch = _WAITING, b""
        if sequence >= lane.end:
            return
        if sequence >= lane.cursor:
            self.ready_bytes += entry.size
        else:
            self._count(lane, sequence, lane.cursor, 1)
            lane.cursor = sequence
        self._queue(lane)

    def remove(self, entry: Entry) -> None:
        """Take an entry out that will not be executed; what stands behind it has a gap now."""
        lane, sequence = entry.lane, entry.sequence
        if lane.next <= sequence < lane.end:
            self._cut(lane, sequence)
        if sequence >= lane.end:
            self.parked_bytes -= entry.size
        del lane.entries[sequence]
        entry.state = _GONE
        self._extend(lane)

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

    def _free(self, lane: Lane, sequence: int) -> None:
        if not lane.next <= sequence < lane.end:
            return
        entry = lane.entries.get(sequence)
        if entry is None:
            self._cut(lane, sequence)
        elif entry.state is _WAITING and sequence < lane.cursor:
            self.reopen(entry)

    def _take_turn(self, lane: Lane, draft: Draft) -> bool:
        """Take one turn's entries; True when the draft has no room for the next one."""
        entries, foreign, room = lane.entries, self.foreign, TURN_BYTES
        while lane.cursor < lane.end and room > 0:
            entry = entries.get(lane.cursor)
            if entry is not None and entry.state is _WAITING:
                if not foreign or foreign.get(entry.slot) != entry.id:
                    if not draft.add(entry):
                        return True
                    entry.state = _BATCHED
                    room -= entry.size
                self.ready_bytes -= entry.size
            lane.cursor += 1
        return False

    def _extend(self, lane: Lane) -> None:
        """Move the end of the run over what is present, and let the lane have turns."""
        entries, foreign, end = lane.entries, self.foreign, lane.end
        while True:
            entry = entries.get(end)
            if entry is not None:
                self.parked_bytes -= entry.size
                if entry.state is _WAITING:
                    self.ready_bytes += entry.size
            elif not foreign or lane.prefix + U64.pack(end) not in foreign:
                break
            end += 1
        if end != lane.end:
            lane.end = end
            self._queue(lane)

    def _cut(self, lane: Lane, sequence: int) -> None:
        """End the run before `sequence`, which is inside of it."""
        self._count(lane, max(sequence, lane.cursor), lane.end, -1)
        entries = lane.entries
        for each in range(sequence, lane.end):
            if each in entries:
                self.parked_bytes += entries[each].size
        lane.end = sequence
        lane.cursor = min(lane.cursor, sequence)

    def _unpark(self, lane: Lane, next_sequence: int) -> None:
        """Count parked entries below `next_sequence` out: their places are executed."""
        for sequence, entry in lane.entries.items():
            if lane.end <= sequence < next_sequence:
                self.parked_bytes -= entry.size

    def _count(self, lane: Lane, start: int, stop: int, sign: int) -> None:
        entries, total = lane.entries, 0
        for sequence in range(start, stop):
            entry = entries.get(sequence)
            if entry is not None and entry.state is _WAITING:
                total += entry.size
        self.ready_bytes += sign * total

    def _queue(self, lane: Lane) -> None:
        if lane.is_queued or lane.cursor >= lane.end:
            return
        lane.is_queued = True
        account = lane.account
        account.ready.append(lane)
        if not account.is_queued:
            account.is_queued = True
            self._ready.append(account)
