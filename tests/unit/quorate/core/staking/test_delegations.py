"""Payloads of delegators: exact amounts, limits, and what stays slashable for how long."""

import pytest

from quorate.core.kinds import Action
from quorate.core.staking.payloads import ClaimRewards, Delegate, Redelegate, Undelegate
from quorate.core.staking.records import ENTRIES_MAX, Entry
from tests.unit.quorate.core.staking.ledgers import OWNERS, A, B, World

X, Y = OWNERS[0], OWNERS[1]


def test_delegated_stake_is_bonded_and_counts_as_the_owners_own_only_when_it_is() -> None:
    world = World()
    before = world.total()
    assert world.do(Delegate(A, X, 300)) == ""
    assert world.do(Delegate(X, X, 50)) == ""
    found = world.candidate(0)
    assert (found.stake, found.self_stake) == (1_350, 1_050)
    assert (world.balance(A), world.delegation(A, 0).amount) == (9_700, 300)
    assert world.total() == before


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (Delegate(A, B, 10), "NO_CANDIDATE"),
        (Delegate(A, X, 9), "STAKE_TOO_SMALL"),
        (Delegate(A, X, 9_701), "INSUFFICIENT_BALANCE"),
        (Undelegate(A, B, 10), "NO_CANDIDATE"),
        (Undelegate(A, X, 301), "INSUFFICIENT_STAKE"),
        (Undelegate(A, X, 9), "STAKE_TOO_SMALL"),
        (Undelegate(A, X, 291), "STAKE_TOO_SMALL"),
        (Undelegate(A, Y, 1), "INSUFFICIENT_STAKE"),
        (Redelegate(A, B, X, 10), "NO_CANDIDATE"),
        (Redelegate(A, X, B, 10), "NO_CANDIDATE"),
        (Redelegate(A, X, Y, 301), "INSUFFICIENT_STAKE"),
        (Redelegate(A, X, Y, 9), "STAKE_TOO_SMALL"),
        (ClaimRewards(A, X), "NOTHING_TO_CLAIM"),
        (ClaimRewards(B, X), "NOTHING_TO_CLAIM"),
    ],
)
def test_what_can_not_be_done_with_stake_is_refused_and_changes_nothing(
    payload: Action, reason: str
) -> None:
    world = World()
    assert world.do(Delegate(A, X, 300)) == ""
    before = dict(world.changes._writes)
    assert world.do(payload) == reason
    assert world.changes._writes == before


def test_unbonded_stake_is_claimed_after_its_epochs_and_all_of_it_may_go() -> None:
    world = World()
    assert world.do(Delegate(A, X, 300)) == ""
    assert world.do(Undelegate(A, X, 100)) == ""
    world.epoch = 6
    assert world.do(Undelegate(A, X, 50)) == ""
    assert world.do(Undelegate(A, X, 150)) == ""
    assert world.unbonding(A, 0) == [Entry(5, 100), Entry(6, 200)]
    assert (world.candidate(0).stake, world.delegation(A, 0).amount) == (1_000, 0)
    for epoch, paid in ((7, None), (8, 100), (9, 200)):
        world.epoch = epoch
        before = world.balance(A)
        assert world.do(ClaimRewards(A, X)) == ("" if paid else "NOTHING_TO_CLAIM")
        assert world.balance(A) - before == (paid or 0)
    assert world.unbonding(A, 0) == []


def test_sixteen_undelegations_may_be_under_way_and_one_per_epoch_is_one() -> None:
    world = World()
    assert world.do(Delegate(A, X, 1_000)) == ""
    for epoch in range(5, 5 + ENTRIES_MAX):
        world.epoch = epoch
        assert world.do(Undelegate(A, X, 10)) == ""
        assert world.do(Undelegate(A, X, 10)) == ""
    world.epoch += 1
    assert world.do(Undelegate(A, X, 10)) == "UNBONDING_LIMIT"
    assert world.do(ClaimRewards(A, X)) == ""
    assert world.do(Undelegate(A, X, 10)) == ""


def test_redelegated_stake_moves_at_once_and_then_stays_for_the_time_of_unbonding() -> None:
    world = World(3)
    before = world.total()
    assert world.do(Delegate(A, X, 300)) == ""
    assert world.do(Redelegate(A, X, Y, 200)) == ""
    assert (world.candidate(0).stake, world.candidate(1).stake) == (1_100, 1_200)
    assert world.moved(0, A, 1) == [Entry(5, 200)]
    for epoch in (5, 6, 7):
        world.epoch = epoch
        assert world.do(Redelegate(A, Y, OWNERS[2], 200)) == "REDELEGATION_IN_TRANSIT"
    assert world.do(Redelegate(A, X, Y, 50)) == "", "what did not move may"
    world.epoch = 8
    assert world.do(Redelegate(A, Y, OWNERS[2], 200)) == "REDELEGATION_IN_TRANSIT", "moved anew"
    world.epoch = 10
    assert world.do(Redelegate(A, Y, OWNERS[2], 200)) == ""
    assert world.total() == before


def test_old_redelegations_give_room_to_new_ones() -> None:
    world = World(
        params=World().params.__class__(
            self_stake_min=100, stake_min=1, unbonding_epochs=ENTRIES_MAX + 1
        )
    )
    assert world.do(Delegate(A, X, 1_000)) == ""
    for epoch in range(5, 5 + ENTRIES_MAX):
        world.epoch = epoch
        assert world.do(Redelegate(A, X, Y, 10)) == ""
    world.epoch += 1
    assert world.do(Redelegate(A, X, Y, 10)) == "REDELEGATION_LIMIT"
    world.epoch += 1
    assert world.do(Redelegate(A, X, Y, 10)) == ""
    assert len(world.moved(0, A, 1)) == ENTRIES_MAX


def test_one_may_leave_the_resigned_but_not_the_slashed_for_another_and_join_neither() -> None:
    world = World()
    assert world.do(Delegate(A, X, 300)) == ""
    found = world.candidate(0)
    found.is_resigned = True
    world.put(0, found)
    assert world.do(Delegate(A, X, 10)) == "CANDIDATE_RESIGNED"
    assert world.do(Redelegate(A, X, Y, 100)) == ""
    found = world.candidate(0)
    found.is_resigned, found.is_slashed = False, True
    world.put(0, found)
    assert world.do(Redelegate(A, X, Y, 100)) == "CANDIDATE_SLASHED"
    assert world.do(Delegate(A, X, 10)) == "CANDIDATE_SLASHED"
    assert world.do(Undelegate(A, X, 200)) == "", "and take it back from either"
