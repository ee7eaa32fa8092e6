"""Time-outs grow by half beyond f failures, to a cap; a timer runs only while it is wanted."""

import pytest

from quorate.core.bft.timers import INTERVAL_STRETCH_MS, Timers
from quorate.core.params import Params
from quorate.core.values import compute_faults

PARAMS = Params(view_timeout_ms=1_000, view_timeout_ms_max=8_000, block_weight_max=8_000)


@pytest.mark.parametrize("seats", range(1, 11))
def test_the_first_f_failures_are_free(seats: int) -> None:
    timers = Timers(PARAMS, seats)
    for _ in range(compute_faults(seats)):
        timers.enter_view(failed=True)
        assert timers.compute_timeout_ms() == 1_000
    timers.enter_view(failed=True)
    assert timers.compute_timeout_ms() == 1_500


def test_growth_ends_at_the_cap_and_a_final_block_resets_it() -> None:
    timers = Timers(PARAMS, 4)
    grown = []
    for _ in range(40):
        timers.enter_view(failed=True)
        grown.append(timers.compute_timeout_ms())
    assert grown[:4] == [1_000, 1_500, 2_250, 3_375]
    assert grown == sorted(grown) and grown[-1] == 8_000
    timers.enter_view(failed=False)
    assert timers.compute_timeout_ms() == PARAMS.view_timeout_ms_max
    timers.note_final()
    assert timers.compute_timeout_ms() == 1_000


def test_a_view_timer_starts_when_wanted_and_is_not_put_off() -> None:
    timers = Timers(PARAMS, 4)
    timers.arm(100, wanted=False, gave_up=False)
    assert not timers.is_view_over(10**9)
    timers.arm(200, wanted=True, gave_up=False)
    timers.arm(700, wanted=True, gave_up=False)
    assert timers.deadline_ms == 1_200
    assert not timers.is_view_over(1_199) and timers.is_view_over(1_200)
    timers.arm(800, wanted=False, gave_up=False)
    assert not timers.is_view_over(10**9)


def test_after_giving_up_the_retry_repeats() -> None:
    timers = Timers(PARAMS, 4)
    timers.arm(0, wanted=True, gave_up=True)
    assert timers.deadline_ms is None and timers.retry_ms == 1_000
    assert not timers.is_retry_due(999)
    assert timers.is_retry_due(1_000) and timers.retry_ms == 2_000
    assert not timers.is_retry_due(1_000)


def test_entering_a_view_stops_both_timers() -> None:
    timers = Timers(PARAMS, 4)
    timers.arm(0, wanted=True, gave_up=True)
    timers.arm(0, wanted=True, gave_up=False)
    timers.enter_view(failed=False)
    assert timers.deadline_ms is None and timers.retry_ms is None


def test_the_interval_grows_with_load_only_and_to_a_bound() -> None:
    timers = Timers(PARAMS, 4)
    times = [timers.compute_interval_ms(weight) for weight in range(0, 8_001, 500)]
    assert times[0] == PARAMS.block_interval_ms == 20
    assert times == sorted(times) and times[-1] == 20 + INTERVAL_STRETCH_MS
