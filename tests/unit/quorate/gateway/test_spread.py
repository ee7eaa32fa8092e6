"""Few authors at little load, more as it grows, and no flutter in between."""

from quorate.gateway.spread import RATE_PER_VALIDATOR, WINDOW_S, Spread


def run(spread: Spread, rate: float, start_s: float, seconds: float) -> float:
    """Offer a steady rate; return when it ended."""
    now_s = start_s
    while now_s < start_s + seconds:
        now_s += WINDOW_S
        spread.note(round(rate * WINDOW_S), now_s)
    return now_s


def test_little_load_has_one_author() -> None:
    spread = Spread()
    run(spread, RATE_PER_VALIDATOR * 0.9, 1.0, 5)
    assert spread.active == 1


def test_load_adds_authors_within_two_windows() -> None:
    spread = Spread()
    now_s = run(spread, 10, 1.0, 2)
    run(spread, RATE_PER_VALIDATOR * 2.9, now_s, 2 * WINDOW_S)
    assert spread.active == 3


def test_authors_go_only_when_load_is_well_below() -> None:
    spread = Spread()
    now_s = run(spread, RATE_PER_VALIDATOR * 1.1, 1.0, 1)
    assert spread.active == 2
    now_s = run(spread, RATE_PER_VALIDATOR * 0.9, now_s, 3)
    assert spread.active == 2
    run(spread, RATE_PER_VALIDATOR * 0.5, now_s, 1)
    assert spread.active == 1


def test_a_burst_between_windows_is_not_counted_twice() -> None:
    spread = Spread()
    spread.note(1, 100.0)
    assert not spread.note(10_000, 100.01)
    assert spread.note(0, 100.0 + WINDOW_S)
    before = spread.active
    run(spread, 1, 101.0, 1)
    assert before > 1 and spread.active == 1
