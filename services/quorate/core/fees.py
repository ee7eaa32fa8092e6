"""What a place in a block costs: bounds of the base fee, and prices of places in a mempool.

A price is a tip per 1,000 weight. The base fee is the same for everybody, so among transactions
that wait only the price tells them apart (docs/protocol.md#M5).
"""

from typing import Final

from quorate.core.blocks import compute_base_fee
from quorate.core.params import Params

PRICE_MAX: Final = 2**63 - 1
# Prices are told apart by four steps per power of two: enough for whatever 63 bits can say.
RUNGS: Final = 248
# Further ahead nothing useful can be said: the bound is the supply by then.
BLOCKS_MAX: Final = 256


def compute_price(tip: int, weight: int) -> int:
    """Return what a transaction pays for its place: its tip per 1,000 weight, rounded down."""
    return min(tip * 1_000 // weight, PRICE_MAX) if tip else 0


def compute_tip(price: int, weight: int) -> int:
    """Return the least tip that gives a transaction of this weight at least this price."""
    return -(-price * weight // 1_000)


def compute_rung(price: int) -> int:
    """Return the rung of a price: below 4 each its own, then four per power of two."""
    bits = price.bit_length()
    return price if bits < 3 else (bits - 2 << 2) + (price >> bits - 3 & 3)


def compute_rung_price(rung: int) -> int:
    """Return the lowest price that stands on a rung."""
    return rung if rung < 4 else (4 + (rung & 3)) << (rung >> 2) - 1


def compute_base_fee_max(base_fee: int, blocks: int, params: Params) -> int:
    """Return the highest base fee that any of the next `blocks` blocks can have.

    `base_fee` is the next block's, which follows from its parent's header; each one after it rises
    most when the block before is full (docs/protocol.md#F3).
    """
    for _ in range(min(blocks, BLOCKS_MAX) - 1):
        base_fee = compute_base_fee(base_fee, params.block_weight_max, params)
    return base_fee
