"""The order of batching as docs/protocol.md#M5 tells it, without any care for speed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from quorate.core.fees import compute_price
from quorate.core.gossip.entries import Checked
from quorate.core.gossip.lanes import AGED_SHARE, TURN_BYTES

Name = tuple[bytes, int]


@dataclass
class Row:
    """A lane that has something to batch: at which price it stands, and since when."""

    price: int
    since: int
    entries: list[Checked] = field(default_factory=list)


class Reference:
    """Lists that are searched from end to end: lanes, and whose turn came when."""

    def __init__(self, base_fee: int) -> None:
        self.rows: dict[Name, Row] = {}
        self.held: dict[Name, Row] = {}
        # When a sender last came to stand at a price, or had its turn there.
        self.senders: dict[tuple[int, bytes], int] = {}
        self.base_fee = base_fee
        self.clock = 0

    def insert(self, tx: Checked) -> None:
        """Add the transaction that comes next in its lane."""
        name = (tx.sender, tx.lane)
        row = self.rows.get(name) or self.held.get(name)
        if row is not None:
            row.entries.append(tx)
        else:
            self._place(name, Row(0, 0, [tx]))

    def take(self, size_bytes: int, count: int, weight: int) -> list[bytes]:
        """Return the ids of the next batch."""
        room, taken = [size_bytes, count, weight], list[bytes]()
        floors = [each - each // AGED_SHARE for each in room]
        prices = {row.price for row in self.rows.values()}
        by_age = len(prices) > 1
        while self.rows:
            by_age = by_age and all(r > floor for r, floor in zip(room, floors, strict=True))
            name = self._find_oldest() if by_age else self._find_best()
            if self._take_turn(name, room, taken):
                break
        return taken

    def set_base_fee(self, base_fee: int) -> None:
        """Let lanes go on whose head covers it; the one that covers most first."""
        self.base_fee = base_fee
        able = [n for n, row in self.held.items() if _cover(row.entries[0]) >= base_fee]
        for name in sorted(
            able, key=lambda n: (-_cover(self.held[n].entries[0]), self.held[n].since)
        ):
            self._place(name, self.held.pop(name))

    def _find_oldest(self) -> Name:
        return min(self.rows, key=lambda name: self.rows[name].since)

    def _find_best(self) -> Name:
        price = max(row.price for row in self.rows.values())
        names = [name for name, row in self.rows.items() if row.price == price]
        sender = min({name[0] for name in names}, key=lambda s: self.senders[price, s])
        return min([n for n in names if n[0] == sender], key=lambda n: self.rows[n].since)

    def _take_turn(self, name: Name, room: list[int], taken: list[bytes]) -> bool:
        row, left = self.rows[name], TURN_BYTES
        while row.entries:
            tx = row.entries[0]
            if _cover(tx) < self.base_fee:
                break
            price = compute_price(tx.tip, tx.weight)
            if price < row.price or left <= 0:
                self._place(name, row)
                return False
            if tx.size + 4 > room[0] or not room[1] or tx.weight > room[2]:
                return True
            room[0], room[1], room[2] = room[0] - tx.size - 4, room[1] - 1, room[2] - tx.weight
            left -= tx.size
            taken.append(row.entries.pop(0).id)
        del self.rows[name]
        if row.entries:
            self._place(name, row)
        return False

    def _place(self, name: Name, row: Row) -> None:
        """Put a lane behind all others of its price, or hold it."""
        self.clock += 1
        head = row.entries[0]
        row.since = self.clock
        if _cover(head) < self.base_fee:
            self.held[name] = row
            return
        before = row.price if self.rows.get(name) is row else None
        row.price = compute_price(head.tip, head.weight)
        others = [r for n, r in self.rows.items() if n[0] == name[0] and r is not row]
        stands = any(each.price == row.price for each in others)
        if before == row.price or not stands:
            self.senders[row.price, name[0]] = self.clock
        self.rows[name] = row


def _cover(tx: Checked) -> int:
    return tx.fee_limit // tx.weight


def list_ids(entries: Sequence[object]) -> list[bytes]:
    """Return the ids of mempool entries."""
    return [entry.id for entry in entries]  # type: ignore[attr-defined]
