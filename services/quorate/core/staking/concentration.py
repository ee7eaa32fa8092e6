"""How spread the seats of an epoch are over those who operate them (docs/economics.md)."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from quorate.core.seats import SeatSet
from quorate.core.values import compute_faults


class Concentration(NamedTuple):
    """Holders of seats; those whose candidates share an operator count as one.

    `holders_to_stop` have more than f seats together, `holders_third_stake` more than a third of
    the stake behind all seats; both are the fewest that do.
    """

    seats: int
    faults: int
    holders: int
    holders_to_stop: int
    stake: int
    holders_third_stake: int


def compute_concentration(seats: SeatSet, find_operator: Callable[[bytes], bytes]) -> Concentration:
    """Return the spread of a set; `find_operator` gives the operator of a candidate."""
    counts, stakes = dict[bytes, int](), dict[bytes, int]()
    for seat in seats.seats:
        holder = find_operator(seat.candidate)
        counts[holder] = counts.get(holder, 0) + 1
        stakes[holder] = stakes.get(holder, 0) + seat.stake
    total, faults = sum(stakes.values()), compute_faults(len(seats.seats))
    return Concentration(
        seats=len(seats.seats),
        faults=faults,
        holders=len(counts),
        holders_to_stop=_count_over(counts.values(), faults),
        stake=total,
        holders_third_stake=_count_over(stakes.values(), total // 3),
    )


def _count_over(parts: Iterable[int], bound: int) -> int:
    """Return how many of the greatest parts it takes to be over a bound; 0: all are not."""
    together = 0
    for count, part in enumerate(sorted(parts, reverse=True), 1):
        together += part
        if together > bound:
            return count
    return 0
