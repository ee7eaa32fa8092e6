"""A case goes on until its seat is marked or it is too old, with one report at a time."""

import pytest

from quorate.core import reporting
from quorate.core.reporting import (
    CASES_MAX,
    RETRY_MS,
    RETRY_MS_MAX,
    STAGGER_MS,
    STAGGERS_MAX,
    Cases,
    ChainView,
    Report,
    Verdict,
    compute_delay_ms,
)
from tests.unit.quorate.core.liars import Liar, make_liars

LIARS = make_liars(4, b"d" * 32)
VIEW = ChainView(height=10, epoch=0, sequence=0, mark=b"")


def lie(seat: int = 3, epoch: int = 0, view: int = 5):  # type: ignore[no-untyped-def]
    return Liar(LIARS[0].key, seat, b"d" * 32, epoch).lie(view)


def open_one() -> tuple[Cases, reporting.Case]:
    cases = Cases(100_000)
    assert cases.open(lie(), 0, 0)
    case = cases.find_due(0)
    assert case is not None
    return cases, case


def test_one_case_per_accused_seat_and_epoch() -> None:
    cases = Cases(100)
    assert (
        cases.open(lie(3), 0, 0) and cases.open(lie(3, epoch=1), 0, 0) and cases.open(lie(2), 0, 0)
    )
    assert not cases.open(lie(3, view=9), 0, 0)
    assert len(cases) == 3


def test_case_comes_up_when_its_delay_is_over_and_is_put_off_longer_each_time() -> None:
    cases = Cases(100)
    assert cases.compute_wait_ms(0) is None
    cases.open(lie(), 1_000, 250)
    assert cases.find_due(1_249) is None and cases.compute_wait_ms(1_200) == 50
    case = cases.find_due(1_250)
    assert case is not None
    waits = []
    for _ in range(8):
        cases.put_off(case, 2_000)
        waits.append(case.due_ms - 2_000)
    assert waits[:3] == [RETRY_MS, 2 * RETRY_MS, 4 * RETRY_MS] and max(waits) == RETRY_MS_MAX


def test_case_that_waited_longest_comes_first() -> None:
    cases = Cases(100)
    for seat, delay_ms in ((1, 30), (2, 10), (3, 20)):
        cases.open(lie(seat), 0, delay_ms)
    case = cases.find_due(100)
    assert case is not None and case.evidence.seat == 2


def test_same_report_is_submitted_again_until_it_can_no_longer_be_executed() -> None:
    cases, case = open_one()
    assert cases.judge(case, VIEW, 1) is Verdict.SUBMIT
    first = case.report
    assert first == Report(1, 0, 10 + reporting.VALID_BLOCKS)
    assert cases.judge(case, VIEW._replace(height=2_009), 1) is Verdict.SUBMIT
    assert case.report is first
    assert cases.judge(case, VIEW._replace(height=2_010), 1) is Verdict.SUBMIT
    assert case.report == Report(1, 0, 2_010 + reporting.VALID_BLOCKS)


@pytest.mark.parametrize(("view", "seat"), [(VIEW._replace(sequence=1), 1), (VIEW, 2)])
def test_used_sequence_or_another_own_seat_makes_a_new_report(view: ChainView, seat: int) -> None:
    cases, case = open_one()
    cases.judge(case, VIEW, 1)
    first = case.report
    assert cases.judge(case, view, seat) is Verdict.SUBMIT
    assert case.report is not None and case.report != first
    assert case.report[:2] == (seat, view.sequence)


def test_report_is_never_valid_for_longer_than_the_chain_allows() -> None:
    cases = Cases(7)
    cases.open(lie(), 0, 0)
    case = cases.find_due(0)
    assert case is not None
    cases.judge(case, VIEW, 1)
    assert case.report is not None and case.report.valid_until_height == 17


@pytest.mark.parametrize(
    ("view", "verdict"),
    [
        (VIEW._replace(mark=b"m"), Verdict.MARKED),
        (VIEW._replace(epoch=2), Verdict.TOO_OLD),
    ],
)
def test_closed_case_never_comes_up_again(view: ChainView, verdict: Verdict) -> None:
    cases, case = open_one()
    assert cases.judge(case, view, 1) is verdict
    assert len(cases) == 0 and cases.find_due(10**9) is None
    assert not cases.open(lie(view=9), 0, 0)


def test_evidence_of_an_epoch_that_storage_has_not_reached_waits() -> None:
    cases = Cases(100)
    cases.open(lie(epoch=4), 0, 0)
    case = cases.find_due(0)
    assert case is not None
    assert cases.judge(case, VIEW._replace(epoch=3), 1) is Verdict.SUBMIT


def test_without_a_seat_nothing_is_signed_and_the_case_stays() -> None:
    cases, case = open_one()
    assert cases.judge(case, VIEW, None) is Verdict.NO_SEAT
    assert case.report is None and len(cases) == 1


def test_cases_are_bounded() -> None:
    cases = Cases(100)
    opened = [cases.open(lie(seat), 0, 0) for seat in range(CASES_MAX + 5)]
    assert sum(opened) == len(cases) == CASES_MAX


@pytest.mark.parametrize("seats", [1, 4, 7, 31])
def test_seat_after_the_accused_reports_at_once_and_the_others_one_by_one(seats: int) -> None:
    for accused in range(seats):
        delays = [compute_delay_ms((accused + n) % seats, accused, seats) for n in range(1, seats)]
        assert delays[:STAGGERS_MAX] == [n * STAGGER_MS for n in range(len(delays))][:STAGGERS_MAX]
        assert max(delays, default=0) <= STAGGERS_MAX * STAGGER_MS
