"""Percentiles are nearest-rank: a value that was measured, never one in between."""

import pytest

from quorate.devnet.load.plan import compute_percentile


@pytest.mark.parametrize(("percent", "expected"), [(1, 1.0), (50, 50.0), (99, 99.0), (100, 100.0)])
def test_percentile_of_one_to_hundred(percent: float, expected: float) -> None:
    assert compute_percentile([float(n) for n in range(1, 101)], percent) == expected


def test_percentile_of_nothing_is_zero() -> None:
    assert compute_percentile([], 99) == 0.0


def test_percentile_of_one_value_is_that_value() -> None:
    assert compute_percentile([7.0], 1) == compute_percentile([7.0], 99) == 7.0
