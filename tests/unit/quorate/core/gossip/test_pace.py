"""What may be accepted follows what is executed, within bounds."""

from quorate.core.gossip.pace import BYTES_MIN, WAIT_MS_MAX, WAIT_MS_MIN, Pace


def test_an_idle_chain_takes_one_batch_at_once() -> None:
    pace = Pace()
    assert pace.compute_wait_ms(BYTES_MIN - 1) == 0
    assert pace.compute_wait_ms(BYTES_MIN) >= WAIT_MS_MIN


def test_a_fast_chain_takes_what_it_executes_in_a_second() -> None:
    pace = Pace()
    pace.note_executed(0, 0)
    for second in range(1, 5):
        pace.note_executed(1_000_000, second * 1_000)
    allowed = pace.compute_allowed_bytes()
    assert allowed == 1_000_000
    assert pace.compute_wait_ms(allowed - 1) == 0
    assert pace.compute_wait_ms(allowed + 300_000) == 300
    assert pace.compute_wait_ms(allowed * 10) == WAIT_MS_MAX


def test_a_pause_lowers_it_by_and_by_but_never_below_the_least() -> None:
    pace = Pace()
    pace.note_executed(0, 0)
    pace.note_executed(4_000_000, 1_000)
    pace.note_executed(0, 2_000)
    assert pace.compute_allowed_bytes() == 2_000_000
    for second in range(3, 30):
        pace.note_executed(0, second * 1_000)
    assert pace.compute_allowed_bytes() == BYTES_MIN


def test_a_sender_may_use_a_quarter_once_half_is_used() -> None:
    pace = Pace()
    assert pace.compute_sender_bytes_max(BYTES_MIN // 2, 10**6) == 10**6
    assert pace.compute_sender_bytes_max(BYTES_MIN // 2 + 1, 10**6) == BYTES_MIN // 4
    assert pace.compute_sender_bytes_max(BYTES_MIN, 1_000) == 1_000
