"""Missed leader views: every view between a block and its parent, each against its leader."""

from hypothesis import given
from hypothesis import strategies as st

from quorate.core.staking.performance import Performance
from tests.unit.quorate.core.chains import build_header


def count(order: list[int], parent_view: int, view: int) -> list[int]:
    performance = Performance.start(3, len(order))
    performance.count_missed(build_header(1, view=view, parent_view=parent_view), order)
    return performance.missed


def test_the_views_between_a_block_and_its_parent_are_missed() -> None:
    # Seats 2 0 3 1 lead views 0 1 2 3, 4 5 6 7, …
    assert count([2, 0, 3, 1], 4, 7) == [1, 0, 0, 1], "views 5 and 6"
    assert count([2, 0, 3, 1], 4, 5) == [0, 0, 0, 0]
    assert count([2, 0, 3, 1], 0, 10) == [3, 2, 2, 2], "views 1 to 9"


@given(st.permutations(range(7)), st.integers(0, 100), st.integers(0, 60))
def test_counting_by_rounds_is_counting_one_by_one(order: list[int], start: int, gap: int) -> None:
    one_by_one = [0] * 7
    for view in range(start + 1, start + 1 + gap):
        one_by_one[order[view % 7]] += 1
    assert count(order, start, start + 1 + gap) == one_by_one


def test_a_count_stops_at_its_width() -> None:
    performance = Performance(0, [2**32 - 1, 2**32 - 3])
    performance.count_missed(build_header(1, view=12, parent_view=1), [0, 1])
    assert performance.missed == [2**32 - 1, 2**32 - 1]
    assert Performance.decode(performance.encode()) == performance
