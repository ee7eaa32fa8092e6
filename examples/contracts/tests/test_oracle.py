"""The oracle: a quorum answers, a minority of liars can't, stale rounds are given up."""

import pytest

from quorate.lang import Address
from quorate.lang.testing import Chain, Deployed, reverts

ROUND_MS = 60_000


@pytest.fixture
def reporters(chain: Chain) -> list[Address]:
    return [chain.account(f"reporter {number}") for number in range(5)]


@pytest.fixture
def oracle(chain: Chain, reporters: list[Address]) -> Deployed:
    owner = chain.account("owner")
    return chain.deploy("oracle.py", "outside, in m°C", reporters, 3, caller=owner)


def report(oracle: Deployed, reporters: list[Address], values: list[int]) -> None:
    for reporter, value in zip(reporters, values, strict=False):
        oracle.report(value, caller=reporter)


def test_median_of_a_quorum(chain: Chain, oracle: Deployed, reporters: list[Address]) -> None:
    report(oracle, reporters, [21_000, -5, 20_500])
    assert oracle.read(ROUND_MS) == 20_500
    assert oracle.last() == oracle.Answer(20_500, chain.time_ms - 1_000, 1)
    assert chain.events[-1].fields == {"round": 1, "value": 20_500}


@pytest.mark.parametrize("lie", [-(2**63), 2**63 - 1])
def test_one_liar_moves_nothing(oracle: Deployed, reporters: list[Address], lie: int) -> None:
    report(oracle, reporters, [20_000, lie, 20_100])
    assert oracle.read(ROUND_MS) in (20_000, 20_100)


def test_a_quorum_of_all_stands_two_liars_of_five(chain: Chain, reporters: list[Address]) -> None:
    oracle = chain.deploy("oracle.py", "x", reporters, 5, caller=chain.account("owner"))
    report(oracle, reporters, [10**9, 10**9, 21, 22, 20])
    assert 20 <= oracle.read(ROUND_MS) <= 22


def test_rounds_follow_each_other(chain: Chain, oracle: Deployed, reporters: list[Address]) -> None:
    report(oracle, reporters, [1, 2, 3])
    report(oracle, reporters[2:], [10, 20, 30])
    assert oracle.last() == oracle.Answer(20, oracle.last().time_ms, 2)
    assert oracle.reports == []
    assert not any(key.startswith(b"\x08reported") for key in chain.records(oracle))


def test_nobody_reports_twice(oracle: Deployed, reporters: list[Address]) -> None:
    oracle.report(5, caller=reporters[0])
    with reverts("reported in this round already"):
        oracle.report(6, caller=reporters[0])


def test_strangers_report_nothing(chain: Chain, oracle: Deployed) -> None:
    with reverts("only a reporter may"):
        oracle.report(5, caller=chain.account("owner"))


def test_stale_round_is_given_up(chain: Chain, oracle: Deployed, reporters: list[Address]) -> None:
    report(oracle, reporters, [1, 2])
    chain.advance(ROUND_MS)
    oracle.report(50, caller=reporters[0])
    assert [told.name for told in chain.events[-2:]] == ["GivenUp", "Reported"]
    assert oracle.reports == [50]
    report(oracle, reporters[1:], [60, 70])
    assert oracle.read(ROUND_MS) == 60


def test_answer_gets_old(chain: Chain, oracle: Deployed, reporters: list[Address]) -> None:
    with reverts("there is no answer yet"):
        oracle.read(ROUND_MS)
    report(oracle, reporters, [1, 2, 3])
    chain.advance(10 * ROUND_MS)
    with reverts("the answer is too old"):
        oracle.read(ROUND_MS)
    assert oracle.last().value == 2


def test_owner_changes_reporters(chain: Chain, oracle: Deployed, reporters: list[Address]) -> None:
    new = [chain.account("new 0"), chain.account("new 1"), reporters[0]]
    oracle.report(5, caller=reporters[0])
    with reverts("only the owner may"):
        oracle.change_reporters(new, 2, caller=reporters[0])
    oracle.change_reporters(new, 2, caller=chain.account("owner"))
    with reverts("only a reporter may"):
        oracle.report(5, caller=reporters[1])
    report(oracle, new[1:], [7, 8])
    assert oracle.read(ROUND_MS) == 7


@pytest.mark.parametrize(
    ("indices", "quorum", "text"),
    [
        ([], 1, "1 to 31 reporters"),
        ([0, 1, 2], 4, "more are needed"),
        ([0, 1, 2, 3], 2, "more than half"),
        ([0, 0], 2, "named twice"),
    ],
)
def test_senseless_oracles_are_refused(
    chain: Chain, reporters: list[Address], indices: list[int], quorum: int, text: str
) -> None:
    chosen = [reporters[index] for index in indices]
    with reverts(text):
        chain.deploy("oracle.py", "x", chosen, quorum, caller=chain.account("owner"))
