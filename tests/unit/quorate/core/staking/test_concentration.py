"""How many holders could stop the chain: the example of docs/economics.md, and bounds."""

from hypothesis import given
from hypothesis import strategies as st

from quorate.core.seats import Seat, SeatSet
from quorate.core.staking.concentration import compute_concentration


def build(stakes: list[int]) -> SeatSet:
    seats = [
        Seat(i, f"v{i}", bytes([i]) * 32, bytes([i]) * 32, stake) for i, stake in enumerate(stakes)
    ]
    return SeatSet(1, tuple(seats))


def test_candidates_of_one_operator_are_one_holder() -> None:
    operators = [b"A", b"A", b"B", b"C"]
    found = compute_concentration(build([10, 10, 50, 10]), lambda owner: operators[owner[0]])
    assert (found.seats, found.faults, found.holders) == (4, 1, 3)
    assert (found.holders_to_stop, found.stake, found.holders_third_stake) == (1, 80, 1)


def test_without_stake_nobody_has_a_third_of_it() -> None:
    found = compute_concentration(build([0] * 4), lambda owner: owner)
    assert (found.holders_to_stop, found.holders_third_stake) == (2, 0)


@given(st.lists(st.integers(1, 2**60), min_size=1, max_size=40))
def test_with_an_operator_each_it_takes_more_than_f_seats(stakes: list[int]) -> None:
    found = compute_concentration(build(stakes), lambda owner: owner)
    assert found.holders_to_stop == (len(stakes) - 1) // 3 + 1
    largest = sorted(stakes, reverse=True)
    count = found.holders_third_stake
    assert 3 * sum(largest[:count]) > sum(stakes) or count == len(stakes)
    assert 3 * sum(largest[: count - 1]) <= sum(stakes) + 2
