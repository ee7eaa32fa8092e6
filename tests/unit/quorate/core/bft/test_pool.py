"""What can be proposed: held here, reported by a quorum, not expired, within the weight."""

from dataclasses import replace

import pytest

from quorate.core.bft.pool import STRANGE_REPORTS_MAX, Pool
from quorate.core.values import compute_quorum
from tests.unit.quorate.core.bft.bench import PARAMS, make_batch, name_of


def fill(pool: Pool, *numbers: int, weight: int = 10, expiry: int = 20) -> list[bytes]:
    names = []
    for number in numbers:
        header = make_batch(number, weight, expiry)
        names.append(name_of(header))
        pool.add_held(names[-1], header)
        for seat in range(1, 4):
            pool.add_report(seat, names[-1])
    return names


@pytest.mark.parametrize("seats", range(1, 11))
def test_a_batch_is_ready_when_a_quorum_itself_included_holds_it(seats: int) -> None:
    pool, header = Pool(seats, 0, PARAMS), make_batch(1)
    pool.add_held(name_of(header), header)
    for seat in range(1, compute_quorum(seats)):
        assert not pool.has_work(1, set())
        pool.add_report(seat, name_of(header))
        pool.add_report(seat, name_of(header))
    assert pool.has_work(1, set())


def test_reports_that_come_before_the_batch_count() -> None:
    pool, header = Pool(4, 0, PARAMS), make_batch(1)
    for seat in (1, 2):
        pool.add_report(seat, name_of(header))
    pool.add_held(name_of(header), header)
    assert pool.select(1, set())[0] == (name_of(header),)


def test_what_others_hold_but_this_seat_does_not_is_never_named() -> None:
    pool, header = Pool(4, 0, PARAMS), make_batch(1)
    for seat in (1, 2, 3):
        pool.add_report(seat, name_of(header))
    assert pool.select(1, set()) == ((), 0)


def test_oldest_first_without_those_that_the_branch_names() -> None:
    pool = Pool(4, 0, PARAMS)
    names = fill(pool, 1, 2, 3)
    assert pool.select(1, set()) == (tuple(names), 30)
    assert pool.select(1, {names[0]}) == ((names[1], names[2]), 20)
    assert not pool.has_work(1, set(names))


def test_weight_and_count_are_bounded() -> None:
    pool = Pool(4, 0, PARAMS)
    names = fill(pool, 1, 2, 3, weight=400)
    assert pool.select(1, set()) == ((names[0], names[1]), 800)
    few = Pool(4, 0, replace(PARAMS, block_batches_max=1))
    assert few.select(1, set()) == ((), 0)
    assert few.select(1, set()) == ((), 0)
    assert len(fill(few, 1, 2)) == 2 and len(few.select(1, set())[0]) == 1


@pytest.mark.parametrize(
    ("height", "timely"),
    [(20, True), (21, False), (19, True), (0, True), (-12, True), (-13, False)],
)
def test_expiry_is_a_window(height: int, timely: bool) -> None:
    header = make_batch(1, expiry=20)
    assert Pool(4, 0, PARAMS).is_timely(header, height) is timely


def test_expired_and_final_batches_leave_the_pool() -> None:
    pool = Pool(4, 0, PARAMS)
    old, new = fill(pool, 1, expiry=5)[0], fill(pool, 2, expiry=9)[0]
    pool.expire(5)
    assert set(pool.held) == {old, new}
    pool.expire(6)
    assert set(pool.held) == {new}
    pool.forget([new])
    assert not pool.held and not pool.has_work(6, set())


def test_one_seats_made_up_reports_do_not_push_out_anothers() -> None:
    pool, header = Pool(4, 0, PARAMS), make_batch(1)
    for seat in (1, 2):
        pool.add_report(seat, name_of(header))
    for number in range(2 * STRANGE_REPORTS_MAX):
        pool.add_report(3, number.to_bytes(32, "big"))
    pool.add_held(name_of(header), header)
    assert pool.has_work(1, set())


def test_a_report_of_a_seat_outside_the_set_is_ignored() -> None:
    pool = Pool(4, 0, PARAMS)
    pool.add_report(9, bytes(32))
    assert not pool.held
