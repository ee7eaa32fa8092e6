"""The live table's figures: of the last seconds, and of blocks that carry something."""

from quorate.devnet.vitals import Beat, compute_pace


def test_rate_is_over_the_whole_window() -> None:
    beats = [Beat(95.0, 30, 10.0), Beat(99.0, 20, 30.0)]
    assert compute_pace(beats, 100.0).transactions_per_s == 5.0


def test_old_blocks_do_not_count() -> None:
    assert compute_pace([Beat(80.0, 30, 10.0)], 100.0).transactions_per_s == 0.0


def test_empty_blocks_give_no_finality() -> None:
    pace = compute_pace([Beat(99.0, 0, 10.0)], 100.0)
    assert pace.p50_ms is None
    assert pace.blocks_per_s == 0.1


def test_finality_is_of_loaded_blocks() -> None:
    beats = [Beat(99.0, 0, 900.0), Beat(99.1, 1, 20.0), Beat(99.2, 1, 40.0)]
    pace = compute_pace(beats, 100.0)
    assert (pace.p50_ms, pace.p99_ms) == (20.0, 40.0)
