"""The order in which lanes are batched: by price, in turns among senders, and by age.

A lane stands in the queue at the price of its head, the first of its entries that can be batched:
so nothing jumps its lane, and what pays little in front holds back what pays much behind it
(docs/protocol.md#M5). At one price senders take turns, and so do the lanes of each. Every operation
costs O(log d) for d distinct prices at most, whatever is in the queue.
"""

from collections import OrderedDict
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import Final

from quorate.core.fees import RUNGS, compute_rung, compute_rung_price
from quorate.core.gossip.entries import Account, Lane

# Prices that nobody stands at any more are swept out of the heaps when they outnumber the others.
_SPARE: Final = 64

_Shelf = OrderedDict[Account, dict[Lane, None]]


class Queue:
    """Lanes that have something to batch.

    `bytes` and `weight` are what stands in all of them; `ladder` is that weight by the rung of its
    lane's price.
    """

    def __init__(self) -> None:
        self.bytes = self.weight = 0
        self.ladder = [0] * RUNGS
        self._shelves: dict[int, _Shelf] = {}
        self._ages: OrderedDict[Lane, None] = OrderedDict()
        self._highest: list[int] = []
        self._lowest: list[int] = []

    def __len__(self) -> int:
        return len(self._ages)

    @property
    def is_flat(self) -> bool:
        """Tell whether all stand at one price: then turns are by age already."""
        return len(self._shelves) <= 1

    def put(self, lane: Lane, price: int) -> None:
        """Let a lane have turns at a price, behind all others there."""
        lane.is_queued, lane.price, lane.rung = True, price, compute_rung(price)
        self._count(lane, lane.ready_bytes, lane.ready_weight)
        shelf = self._shelves.get(price)
        if shelf is None:
            shelf = self._open(price)
        mine = shelf.get(lane.account)
        if mine is None:
            shelf[lane.account] = {lane: None}
        else:
            mine[lane] = None
        self._ages[lane] = None

    def remove(self, lane: Lane) -> None:
        """Take a lane out."""
        lane.is_queued = False
        self._count(lane, -lane.ready_bytes, -lane.ready_weight)
        shelf = self._shelves[lane.price]
        mine = shelf[lane.account]
        del mine[lane], self._ages[lane]
        if not mine:
            del shelf[lane.account]
            if not shelf:
                del self._shelves[lane.price]

    def pass_on(self, lane: Lane, price: int) -> None:
        """End a lane's turn: it stands behind all others of its price now."""
        if price != lane.price:
            self.remove(lane)
            self.put(lane, price)
            return
        shelf = self._shelves[price]
        mine = shelf[lane.account]
        if len(mine) > 1:
            del mine[lane]
            mine[lane] = None
        shelf.move_to_end(lane.account)
        self._ages.move_to_end(lane)

    def add(self, lane: Lane, size_bytes: int, weight: int) -> None:
        """Count what came to a lane, or left it (negative)."""
        lane.ready_bytes += size_bytes
        lane.ready_weight += weight
        if lane.is_queued:
            self._count(lane, size_bytes, weight)

    def find_best(self) -> Lane | None:
        """Return the lane whose turn it is by price."""
        if not self._shelves:
            return None
        return next(iter(next(iter(self._shelves[self.find_highest_price()].values()))))

    def find_oldest(self) -> Lane | None:
        """Return the lane that has had no turn for longest."""
        return next(iter(self._ages), None)

    def find_highest_price(self) -> int:
        """Return the highest price at which a lane stands; 0 when none does."""
        heap, shelves = self._highest, self._shelves
        while heap and -heap[0] not in shelves:
            heappop(heap)
        return -heap[0] if heap else 0

    def list_weights(self) -> list[tuple[int, int]]:
        """Return (price, weight) of what stands on each rung, ascending."""
        return [
            (compute_rung_price(rung), weight) for rung, weight in enumerate(self.ladder) if weight
        ]

    def find_lowest_price(self) -> int | None:
        """Return the lowest price at which a lane stands."""
        heap, shelves = self._lowest, self._shelves
        while heap and heap[0] not in shelves:
            heappop(heap)
        return heap[0] if heap else None

    def iter_lowest(self, count_max: int) -> Iterator[Lane]:
        """Yield lanes of the lowest price, those first that came last; the queue stays as is."""
        price = self.find_lowest_price()
        if price is not None:
            lanes = (lane for mine in reversed(self._shelves[price].values()) for lane in mine)
            yield from islice(lanes, count_max)

    def compute_weight_from(self, price: int) -> int:
        """Return the weight that stands on this price's rung or a higher one."""
        return sum(self.ladder[compute_rung(price) :])

    def _count(self, lane: Lane, size_bytes: int, weight: int) -> None:
        self.bytes += size_bytes
        self.weight += weight
        self.ladder[lane.rung] += weight

    def _open(self, price: int) -> _Shelf:
        shelf = self._shelves[price] = OrderedDict()
        if len(self._highest) > 2 * len(self._shelves) + _SPARE:
            self._highest = [-each for each in self._shelves]
            heapify(self._highest)
        else:
            heappush(self._highest, -price)
        if len(self._lowest) > 2 * len(self._shelves) + _SPARE:
            self._lowest = list(self._shelves)
            heapify(self._lowest)
        else:
            heappush(self._lowest, price)
        return shelf
