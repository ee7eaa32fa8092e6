"""What places in blocks cost lately, and how long a place in the mempool's queue takes.

Fed with each executed block; says at which price something would be executed within so many
blocks. Its figures travel to whoever asks, with the answer (docs/protocol.md#F4).
"""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from quorate.core.fees import PRICE_MAX, compute_rung, compute_rung_price
from quorate.core.gossip.lanes import AGED_SHARE

# Blocks and batches that the figures are of.
BLOCKS: Final = 32
# Fewer blocks than this with something left waiting say nothing about what one takes.
BUSY_BLOCKS_MIN: Final = 4
# What is assumed before the first own batch was executed.
LAG_BLOCKS: Final = 6
# From being named in a block to its execution, at least.
PIPELINE_BLOCKS: Final = 3
# From being sent by a client to a place in a sealed batch, at most when there is no overload.
ARRIVAL_MS: Final = 120
PERCENTILES: Final = (10, 25, 50, 75, 90)


class Figures(NamedTuple):
    """What an estimate comes of: the queue of one validator, and what its last blocks took.

    `ladder` is (price, weight) of what waits, ascending, a price standing for its rung;
    `paid` the percentiles of the prices that were paid, empty when nothing was. `is_shut` tells
    that nothing more is accepted but what pays more than the lowest.
    """

    ladder: Sequence[tuple[int, int]]
    unfinalized_weight: int
    lag_blocks: int
    block_weight: int
    paid: Sequence[int]
    is_shut: bool = False

    def compute_blocks(self, price: int, block_weight_max: int) -> int:
        """Return after how many blocks something of this price that comes now is executed."""
        ahead = sum([weight for each, weight in self.ladder if each >= price])
        pipeline = -(-self.unfinalized_weight // block_weight_max) + PIPELINE_BLOCKS
        share = max(self.block_weight - self.block_weight // AGED_SHARE, 1)
        return max(self.lag_blocks, pipeline) + -(-ahead // share)

    def find_price(self, within_blocks: int, block_weight_max: int) -> tuple[int, int]:
        """Return the lowest price that should be executed in time, and after how many blocks.

        When no price is enough: the lowest with which nothing is ahead. Where prices decide, it is
        not below the middle of what was paid lately, for others will come while this one waits.
        """
        above = [compute_rung_price(compute_rung(each) + 1) for each, _ in self.ladder]
        least = above[0] if self.is_shut and above else 0
        for price in sorted({least, *above}):
            blocks = self.compute_blocks(price, block_weight_max)
            if price >= least and blocks <= within_blocks:
                break
        if price and self.paid:
            price = max(price, self.paid[len(self.paid) // 2])
        return min(price, PRICE_MAX), self.compute_blocks(price, block_weight_max)


class Market:
    """Remembers the last blocks."""

    def __init__(self) -> None:
        self._paid: deque[Counter[int]] = deque(maxlen=BLOCKS)
        self._busy: deque[int] = deque(maxlen=BLOCKS)
        self._lags: deque[int] = deque(maxlen=BLOCKS)
        self._times_ms: deque[int] = deque(maxlen=BLOCKS)

    def compute_lag_blocks(self) -> int:
        """Return how many blocks pass until what comes now is executed when nothing is ahead.

        The longest way of the last own batches from being sealed to their execution, and what
        passes before a batch is sealed at the pace of the last blocks.
        """
        lag, times = max(self._lags, default=LAG_BLOCKS), self._times_ms
        if len(times) < 2:
            return lag
        interval_ms = max((times[-1] - times[0]) // (len(times) - 1), 1)
        return lag + -(-ARRIVAL_MS // interval_ms)

    @property
    def paid_blocks(self) -> int:
        """How many blocks the paid prices are of."""
        return len(self._paid)

    def note_block(self, prices: Sequence[int], weight: int, now_ms: int, *, is_busy: bool) -> None:
        """Note a block: prices and weight of own transactions in it, and whether others wait."""
        self._times_ms.append(now_ms)
        self._paid.append(Counter(map(compute_rung, prices)))
        if is_busy:
            self._busy.append(weight)

    def note_batch(self, lag_blocks: int) -> None:
        """Note that an own batch was executed so many blocks after it was sealed."""
        self._lags.append(lag_blocks)

    def compute_block_weight(self, otherwise: int) -> int:
        """Return the own weight in a block while more was waiting; `otherwise` if none was."""
        if len(self._busy) < BUSY_BLOCKS_MIN:
            return otherwise
        return max(sum(self._busy) // len(self._busy), 1)

    def list_paid(self) -> list[int]:
        """Return the percentiles of the prices that were paid; empty when there were none."""
        merged: Counter[int] = Counter()
        for each in self._paid:
            merged.update(each)
        total, found, seen = merged.total(), list[int](), 0
        for rung in sorted(merged):
            seen += merged[rung]
            while len(found) < len(PERCENTILES) and seen * 100 >= total * PERCENTILES[len(found)]:
                found.append(compute_rung_price(rung))
        return found
