"""When bytes come out of a link, and when TCP would repeat what got lost."""

import random

import pytest

from quorate.devnet.faults.conditions import (
    CONNECT_RETRY_S,
    RETRANSMIT_S,
    Condition,
    Wire,
    compute_retry_s,
)


def make_wire(rng: random.Random, condition: Condition) -> Wire:
    wire = Wire(rng)
    wire.condition = condition
    return wire


def test_perfect_link_takes_no_time(rng: random.Random) -> None:
    assert make_wire(rng, Condition()).compute_due_s(1_000_000, 5.0) == 5.0


def test_delay_and_jitter_bound_the_arrival(rng: random.Random) -> None:
    wire = make_wire(rng, Condition(delay_ms=100, jitter_ms=50))
    dues = [wire.compute_due_s(10, 1.0) for _ in range(500)]
    assert 1.1 <= min(dues) < 1.11 and 1.14 < max(dues) <= 1.15


def test_bandwidth_makes_each_piece_wait_for_the_one_before(rng: random.Random) -> None:
    wire = make_wire(rng, Condition(bytes_per_s=1_000))
    assert [wire.compute_due_s(500, 0.0) for _ in range(4)] == [0.5, 1.0, 1.5, 2.0]
    assert wire.compute_due_s(500, 10.0) == 10.5


def test_lost_share_is_as_asked_and_costs_a_retransmission(rng: random.Random) -> None:
    wire = make_wire(rng, Condition(loss_per_mille=100))
    lates = [wire.compute_due_s(10, 0.0) for _ in range(5_000)]
    lost = [late for late in lates if late]
    assert 0.08 < len(lost) / len(lates) < 0.12
    assert min(lost) == pytest.approx(RETRANSMIT_S)
    # Lost again: twice as long once more.
    assert any(late == pytest.approx(3 * RETRANSMIT_S) for late in lost)


def test_large_pieces_are_hit_more_often(rng: random.Random) -> None:
    wire = make_wire(rng, Condition(loss_per_mille=10))
    small = sum(wire.compute_due_s(100, 0.0) > 0 for _ in range(2_000))
    large = sum(wire.compute_due_s(60_000, 0.0) > 0 for _ in range(2_000))
    assert large > 5 * small


@pytest.mark.parametrize(
    ("now_s", "retry_s"), [(0.0, 0.2), (0.2, 0.2), (0.21, 0.6), (1.0, 1.4), (13.0, 25.4)]
)
def test_stalled_bytes_come_at_the_next_of_doubling_times(now_s: float, retry_s: float) -> None:
    assert compute_retry_s(0.0, now_s, RETRANSMIT_S) == pytest.approx(retry_s)


def test_a_first_packet_is_repeated_after_one_three_and_seven_seconds() -> None:
    retries = [compute_retry_s(10.0, 10.0 + now, CONNECT_RETRY_S) for now in (0.5, 1.5, 3.5)]
    assert retries == [11.0, 13.0, 17.0]
