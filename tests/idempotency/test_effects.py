"""The judge finds every way in which a payment can take effect twice, never, or otherwise."""

from dataclasses import replace

import pytest

from quorate.core.outcomes import OUTCOME_FAILED, OUTCOME_SKIPPED, OUTCOME_SUCCEEDED
from tests.conftest import SEED
from tests.idempotency import kills as draws
from tests.idempotency.effects import Facts, Row, judge
from tests.idempotency.kills import draw_kills
from tests.idempotency.plan import Plan

PLAN = Plan(seed=SEED, sends=6, endpoints=("a:1", "b:2"), account_seeds=("11" * 32, "22" * 32))
FUNDED = {PLAN.get_address(account): 10**9 for account in range(2)}
FEE = 7


def make_row(number: int, copy: int, outcome: int = OUTCOME_SUCCEEDED, reason: str = "") -> Row:
    """Return one transaction of a payment; the first copy is the one that takes effect."""
    send = PLAN.build_send(number)
    first = b"" if outcome == OUTCOME_SUCCEEDED else bytes((number, 0)) * 16
    fee = 0 if outcome == OUTCOME_SKIPPED else FEE
    return Row(
        bytes((number, copy)) * 16, PLAN.get_address(send.account), send.key,
        ((send.to, send.amount),), outcome, reason, fee, first,
    )  # fmt: skip


def make_rows() -> list[Row]:
    """Return what a correct chain holds: of each payment a success, a duplicate, a skipped copy."""
    rows = []
    for number in range(PLAN.sends):
        rows.append(make_row(number, 0))
        rows.append(make_row(number, 1, OUTCOME_FAILED, "DUPLICATE"))
        rows.append(make_row(number, 0, OUTCOME_SKIPPED, "SEQUENCE_PAST"))
    return rows


def make_balances(rows: list[Row]) -> dict[bytes, int]:
    """Return the balances that these transactions make."""
    balances = dict(FUNDED)
    for row in rows:
        for to, amount in row.payments if row.outcome == OUTCOME_SUCCEEDED else ():
            balances[to] = balances.get(to, 0) + amount
            balances[row.sender] -= amount
        balances[row.sender] -= row.fee
    return balances


def find_problems(rows: list[Row], balances: dict[bytes, int] | None = None) -> str:
    """Return what the judge says of a chain; its balances are those that its rows make."""
    held = make_balances(rows) if balances is None else balances
    return "\n".join(judge(PLAN, Facts(rows, held, 9), FUNDED).problems)


def test_a_correct_chain_is_found_to_be_one() -> None:
    rows = make_rows()
    verdict = judge(PLAN, Facts(rows, make_balances(rows), 9), FUNDED)
    assert verdict.problems == []
    assert (verdict.effects, verdict.duplicates, verdict.skipped) == (6, 6, {"SEQUENCE_PAST": 6})


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (make_row(3, 2), "payment 3: 2 transactions of its key took effect"),
        (make_row(3, 2)._replace(key=b""), "1 transactions with a key nobody planned"),
        (make_row(3, 2)._replace(key=b"a new one"), "1 transactions with a key nobody planned"),
        (make_row(3, 0), "was executed 2 times"),
        (make_row(3, 2, OUTCOME_FAILED, "IDEMPOTENCY_CONFLICT"), "payment 3: IDEMPOTENCY_CONFLICT"),
        (make_row(3, 2, OUTCOME_FAILED, "DUPLICATE")._replace(first_id=b"?" * 32), "first 3f3f3f"),
        (make_row(3, 2)._replace(payments=()), "payment 3: its key came with ()"),
    ],
)
def test_one_transaction_too_many_is_found(row: Row, problem: str) -> None:
    assert problem in find_problems([*make_rows(), row])


def test_a_second_effect_shows_at_its_recipient_whatever_its_key_is() -> None:
    amount = PLAN.build_send(3).amount
    twice = make_row(3, 2)._replace(key=b"another")
    found = find_problems([*make_rows(), twice])
    assert f"payment 3: its recipient has {2 * amount} instead of {amount}" in found


def test_a_payment_that_never_took_effect_is_found() -> None:
    rows = [row for row in make_rows() if row.id != bytes((3, 0)) * 16]
    found = find_problems(rows)
    assert "payment 3: 0 transactions of its key took effect" in found
    assert "payment 3: its recipient has 0" in found


def test_money_that_no_transaction_moved_is_found() -> None:
    rows = make_rows()
    for address in (PLAN.get_address(0), PLAN.build_send(1).to, b"n" * 32):
        balances = make_balances(rows)
        balances[address] = balances.get(address, 0) + 1
        assert f"account {address.hex()[:12]} has" in find_problems(rows, balances)


def test_a_plan_reads_back_and_divides_the_work(tmp_path) -> None:
    PLAN.save(tmp_path / "plan.json")
    assert Plan.load(tmp_path / "plan.json") == PLAN
    assert PLAN.processes == 4
    for account in range(2):
        lanes = [set(PLAN.get_lanes(process)) for process in (account, account + 2)]
        assert lanes[0] & lanes[1] == set() and lanes[0] | lanes[1] == set(range(16))
    sends = PLAN.list_sends()
    assert len({send.key for send in sends}) == len({send.to for send in sends}) == 6
    assert sorted(PLAN.iter_order(0, 1)) == sorted(PLAN.iter_order(2, 0)) == PLAN.list_sends(0)
    assert PLAN.list_sends(0) != PLAN.list_sends(1)
    assert replace(PLAN, seed=SEED + 1).build_send(0).to != PLAN.build_send(0).to


def test_kills_are_of_all_kinds_in_time_and_leave_a_quorum() -> None:
    names = {draws.CLIENT: "abcde", draws.GATEWAY: "gh", draws.VALIDATOR: "0123456"}
    for count in (4, 8, 60):
        kills = draw_kills(SEED, count, names, work=1_000, faults=2)
        assert len(kills) == count
        assert {kill.kind for kill in kills} == {*names, draws.EVERY_VALIDATOR}
        assert [kill.due for kill in kills] == sorted(kill.due for kill in kills)
        assert all(0 <= kill.due <= 900 for kill in kills)
        sizes = [len(kill.names) for kill in kills if kill.kind == draws.VALIDATOR]
        assert min(sizes) >= 1 and max(sizes) <= 2
