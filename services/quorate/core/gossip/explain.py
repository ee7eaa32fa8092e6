"""Where a transaction stands in a mempool, and what keeps it from being batched.

Walks one lane at most, which a sender's share bounds; what others have waiting comes as totals, so
positions are upper bounds (docs/protocol.md#M8).
"""

from typing import Final, NamedTuple

from quorate.core.fees import (
    RUNGS,
    compute_base_fee_max,
    compute_rung,
    compute_rung_price,
    compute_tip,
)
from quorate.core.gossip.entries import Entry, Lane, State
from quorate.core.gossip.mempool import Mempool
from quorate.core.params import Params

# A fee limit that is advised holds for so many full blocks.
ADVISED_BLOCKS: Final = 12
# A larger fee limit and tip take up to so many bytes more, each of which weighs 1.
GROWTH: Final = 20

SEQUENCE_GAP: Final = "SEQUENCE_GAP"
SEQUENCE_TAKEN: Final = "SEQUENCE_TAKEN"
FEE_TOO_LOW: Final = "FEE_TOO_LOW"
INSUFFICIENT_BALANCE: Final = "INSUFFICIENT_BALANCE"
WAITING_FOR_TURN: Final = "WAITING_FOR_TURN"


class Obstacle(NamedTuple):
    """What is in the way: of which sequence it is, and the amount that would remove it.

    An amount is a fee limit (FEE_TOO_LOW), a tip (WAITING_FOR_TURN) or what is missing
    (INSUFFICIENT_BALANCE).
    """

    reason: str
    sequence: int
    amount: int = 0


class Standing(NamedTuple):
    """Where a waiting transaction stands.

    `ahead_in_lane` counts own ones in front of it in its lane, `ahead_weight` is what may be
    batched before it at most; `price` is that at which it stands, which is no more than what those
    in front of it pay.
    """

    ahead_in_lane: int
    ahead_weight: int
    price: int
    obstacles: tuple[Obstacle, ...]


def find_standing(mempool: Mempool, entry: Entry, params: Params) -> Standing:
    """Return where a waiting entry stands and what blocks it, the first to be removed first."""
    lane = entry.lane
    front = _list_front(lane, entry)
    price = min([each.price for each in front])
    obstacles = [
        *_find_gap(mempool, lane, entry),
        *_find_fee(mempool, front, params),
        *_find_balance(lane, front),
    ]
    is_ready = entry.sequence < lane.end and not lane.is_held
    own = sum([each.weight for each in front]) - entry.weight
    ahead = mempool.lanes.queue.compute_weight_from(price)
    if is_ready:
        # Its lane is counted at the price of its head: what stands behind it is not ahead.
        counted = lane.ready_weight if lane.price >= price else 0
        ahead += own - counted
        cheapest = min(front, key=lambda each: each.price)
        if ahead > own and not obstacles:
            obstacles.append(_advise_tip(mempool, cheapest))
    return Standing(len(front) - 1, max(ahead, own), price, tuple(obstacles))


def _list_front(lane: Lane, entry: Entry) -> list[Entry]:
    """Return the waiting entries of a lane up to this one, in order."""
    entries, found = lane.entries, list[Entry]()
    for sequence in range(min(lane.cursor, entry.sequence), entry.sequence + 1):
        each = entries.get(sequence)
        if each is not None and each.state is State.WAITING:
            found.append(each)
    return found


def _find_gap(mempool: Mempool, lane: Lane, entry: Entry) -> list[Obstacle]:
    other = mempool.lanes.foreign.get(entry.slot)
    if other is not None and other != entry.id:
        return [Obstacle(SEQUENCE_TAKEN, entry.sequence)]
    return [Obstacle(SEQUENCE_GAP, lane.end)] if entry.sequence > lane.end else []


def _find_fee(mempool: Mempool, front: list[Entry], params: Params) -> list[Obstacle]:
    """Return the first in front, itself included, whose fee limit the base fee has passed."""
    for each in front:
        if each.base_fee_max < mempool.base_fee:
            most = compute_base_fee_max(mempool.base_fee, ADVISED_BLOCKS, params)
            return [Obstacle(FEE_TOO_LOW, each.sequence, most * (each.weight + GROWTH))]
    return []


def _find_balance(lane: Lane, front: list[Entry]) -> list[Obstacle]:
    """Return the first in front, itself included, that the balance does not cover any more."""
    left = lane.account.balance
    for each in front:
        left -= each.cost
        if left < 0:
            return [Obstacle(INSUFFICIENT_BALANCE, each.sequence, -left)]
    return []


def _advise_tip(mempool: Mempool, entry: Entry) -> Obstacle:
    """Return which tip would put an entry before all others that wait, and may replace it."""
    above = compute_rung(mempool.lanes.queue.find_highest_price()) + 1
    price = compute_rung_price(min(above, RUNGS - 1))
    weight = entry.weight + GROWTH
    tip = max(compute_tip(price, weight), mempool.compute_replacing_tip(entry, weight))
    return Obstacle(WAITING_FOR_TURN, entry.sequence, tip)
