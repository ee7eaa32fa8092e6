"""A slash: exact cuts of what is bonded, unbonding and redelegated; once, and for good."""

from quorate.core.staking.payloads import ClaimRewards, Delegate, Redelegate, Undelegate
from quorate.core.staking.records import COUNT_KEY, Entry, decode_count
from quorate.core.staking.rewards import apply_reward
from quorate.core.staking.slashing import Offence, apply_slash
from quorate.core.values import TREASURY
from tests.unit.quorate.core.staking.ledgers import OWNERS, A, B, C, World

X, Y = OWNERS[0], OWNERS[1]


def slash(world: World, number: int = 0, since: int = 4) -> int:
    """Slash a candidate for an offence of epoch `since` by a tenth; return the number of steps."""
    return sum(1 for _ in apply_slash(world.changes, OWNERS[number], Offence(since, 5, 1_000)))


def test_bonded_stake_is_cut_at_once_in_total_and_for_each_when_it_is_touched() -> None:
    world = World()
    assert (world.do(Delegate(A, X, 333)), world.do(Delegate(B, X, 15))) == ("", "")
    before = world.total()
    slash(world)
    found = world.candidate(0)
    assert (found.stake, found.self_stake) == (1_348 - 134, 900)
    assert world.balance(TREASURY) == 134
    assert (found.is_slashed, found.slash_from, found.slash_epoch) == (True, 4, 5)
    assert decode_count(world.changes.get(COUNT_KEY)) == 1
    for who, left in ((A, 299), (B, 13), (X, 900)):
        assert world.do(Undelegate(who, X, left + 1)) == "INSUFFICIENT_STAKE"
        assert world.do(Undelegate(who, X, left)) == ""
    assert world.candidate(0).stake == 2, "each is rounded against its holder, never below zero"
    assert world.total() == before


def test_rewards_earned_before_a_slash_stay() -> None:
    world = World()
    assert world.do(Delegate(A, X, 1_000)) == ""
    apply_reward(world.changes, X, 500)
    slash(world)
    assert world.do(ClaimRewards(A, X)) == ""
    assert world.balance(A) == 9_000 + 250
    assert world.delegation(A, 0).amount == 900


def test_stake_that_unbonds_is_cut_when_claimed_if_it_left_since_the_offence() -> None:
    world = World()
    assert world.do(Delegate(A, X, 600)) == ""
    for epoch in (3, 4, 5):
        world.epoch = epoch
        assert world.do(Undelegate(A, X, 101)) == ""
    slash(world)
    world.epoch = 6
    assert world.do(Undelegate(A, X, 101)) == ""
    world.epoch = 9
    before = world.balance(TREASURY)
    assert world.do(ClaimRewards(A, X)) == ""
    assert world.balance(A) == 9_400 + 101 + (101 - 11) + (101 - 11) + 101
    assert world.balance(TREASURY) - before == 22


def test_a_slash_follows_stake_that_was_redelegated_since_the_offence() -> None:
    world = World(3)
    assert world.do(Delegate(A, X, 500)) == ""
    for epoch, amount in ((3, 100), (4, 105), (5, 200)):
        world.epoch = epoch
        assert world.do(Redelegate(A, X, Y, amount)) == ""
    before = world.total()
    slash(world)
    # Not the 100 of epoch 3; a tenth of 105 and of 200, each rounded up.
    assert world.delegation(A, 1).amount == 405 - 11 - 20
    assert world.candidate(1).stake == 1_405 - 31
    assert world.moved(0, A, 1) == []
    assert world.total() == before


def test_what_is_no_longer_bonded_at_the_target_is_taken_from_what_unbonds_there() -> None:
    world = World()
    assert world.do(Delegate(A, X, 500)) == ""
    assert world.do(Redelegate(A, X, Y, 500)) == ""
    assert world.do(Undelegate(A, Y, 480)) == ""
    slash(world)
    assert world.delegation(A, 1).amount == 0
    assert world.unbonding(A, 1) == [Entry(5, 450)]


def test_a_candidate_is_slashed_once() -> None:
    world = World()
    slash(world)
    stake = world.candidate(0).stake
    slash(world, since=5)
    assert (world.candidate(0).stake, world.candidate(0).slash_from) == (stake, 4)
    assert slash(world, number=5) == 0, "nobody owns this candidate"


def test_many_redelegations_are_followed_in_bounded_steps() -> None:
    world = World()
    holders = [bytes([200]) * 31 + bytes([number]) for number in range(100)]
    for holder in holders:
        world.changes.get_account(holder).balance = 100
        assert world.do(Delegate(holder, X, 100)) == ""
        assert world.do(Redelegate(holder, X, Y, 100)) == ""
    assert slash(world) >= 100 // 16
    assert {world.delegation(holder, 1).amount for holder in holders} == {90}
    assert world.balance(C) == 10_000
