"""Rewards: exact shares by hand, never more than the pot, and an issue that halves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.core.params import Params
from quorate.core.staking.payloads import ClaimRewards, Delegate
from quorate.core.staking.records import Candidate, Delegation
from quorate.core.staking.rewards import apply_reward, compute_issue, compute_issued
from quorate.core.values import TREASURY
from tests.unit.quorate.core.staking.ledgers import OWNERS, A, B, World

X = OWNERS[0]


def test_the_example_of_docs_economics_comes_out_to_the_unit() -> None:
    world = World()
    assert (world.do(Delegate(A, X, 600)), world.do(Delegate(B, X, 400))) == ("", "")
    found = world.candidate(0)
    found.commission_bp = 500
    world.put(0, found)
    apply_reward(world.changes, X, 1_010)
    found = world.candidate(0)
    assert (found.commission_due, found.pot) == (50, 960)
    for who, paid in ((A, 287), (B, 191), (X, 479 + 50)):
        before = world.balance(who)
        assert world.do(ClaimRewards(who, X)) == ""
        assert world.balance(who) - before == paid
    assert world.candidate(0).pot == 3, "shares are rounded down; the rest stays in the pot"


def test_stake_earns_only_from_when_it_is_bonded() -> None:
    world = World()
    apply_reward(world.changes, X, 1_000)
    assert world.do(Delegate(A, X, 1_000)) == ""
    assert world.do(ClaimRewards(A, X)) == "NOTHING_TO_CLAIM"
    apply_reward(world.changes, X, 1_000)
    assert world.do(ClaimRewards(A, X)) == ""
    assert world.balance(A) == 9_000 + 500
    assert world.do(ClaimRewards(X, X)) == ""
    assert world.balance(X) == 10_000 + 1_500


def test_what_nobody_earns_is_the_treasurys() -> None:
    world = World()
    apply_reward(world.changes, A, 7)
    world.add(2, stake=0)
    apply_reward(world.changes, OWNERS[2], 8)
    found = world.candidate(0)
    found.is_slashed = True
    world.put(0, found)
    apply_reward(world.changes, X, 9)
    assert world.balance(TREASURY) == 24


def test_a_share_too_great_to_count_is_the_treasurys() -> None:
    world = World()
    world.add(2, stake=1)
    for _ in range(5):
        apply_reward(world.changes, OWNERS[2], 2**62)
    found = world.candidate(2)
    assert found.pot + world.balance(TREASURY) == 5 * 2**62
    assert found.index < 2**128
    assert world.balance(TREASURY) > 0


@settings(max_examples=60, deadline=None)
@given(
    stakes=st.lists(st.integers(1, 10**15), min_size=1, max_size=8),
    rewards=st.lists(st.integers(0, 10**12), max_size=20),
    commission_bp=st.integers(0, 10_000),
)
def test_claims_never_take_more_than_the_pot_and_leave_less_than_a_unit_each(
    stakes: list[int], rewards: list[int], commission_bp: int
) -> None:
    candidate = Candidate(A, B, "x", "", commission_bp, stake=sum(stakes))
    delegations = [Delegation(stake) for stake in stakes]
    world = World(0)
    world.put(0, candidate)
    for reward in rewards:
        apply_reward(world.changes, X, reward)
    candidate = world.candidate(0)
    assert candidate.pot + candidate.commission_due == sum(rewards)
    for delegation in delegations:
        delegation.settle(candidate)
        first = delegation.due
        delegation.settle(candidate)
        assert delegation.due == first, "what is settled is settled"
    paid = sum([delegation.due for delegation in delegations])
    assert paid <= candidate.pot
    assert candidate.pot - paid <= len(stakes) + len(rewards)


@pytest.mark.parametrize(
    ("height", "issue"), [(0, 0), (1, 100), (10, 100), (11, 50), (30, 25), (70, 1), (71, 0)]
)
def test_the_issue_halves(height: int, issue: int) -> None:
    params = Params(issue_per_block=100, issue_halving_blocks=10)
    assert compute_issue(height, params) == issue


@given(st.integers(0, 400), st.integers(0, 2**40), st.integers(0, 20))
def test_all_that_was_issued_is_the_sum_of_the_blocks(height: int, each: int, halving: int) -> None:
    params = Params(issue_per_block=each, issue_halving_blocks=halving)
    total = sum([compute_issue(number, params) for number in range(height + 1)])
    assert compute_issued(height, params) == total
