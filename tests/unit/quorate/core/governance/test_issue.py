"""Votes lower the issue, never above what the genesis promised, and it is known what was issued."""

import pytest

from quorate.core.governance.issue import ISSUED_KEY, load_issued
from quorate.core.governance.parameters import keeps_promise
from quorate.core.staking.records import decode_candidate
from quorate.core.staking.rewards import compute_issue
from quorate.core.values import TREASURY
from tests.unit.quorate.core.governance.test_actions import Council


@pytest.mark.parametrize(
    ("name", "first", "kept", "broken"),
    [
        ("issue_per_block", 100, (0, 99, 100), (101, 2**40)),
        ("issue_per_block", 0, (0,), (1,)),
        ("issue_halving_blocks", 100, (1, 100), (0, 101)),
        ("issue_halving_blocks", 0, (0, 1, 2**62), ()),
        ("unbonding_epochs", 9, (9, 10), (2, 8)),
        ("slash_bp", 5, (0, 10_000), ()),
    ],
)
def test_no_block_issues_more_than_by_the_genesis(name, first, kept, broken):
    assert all(keeps_promise(name, value, first) for value in kept)
    assert not any(keeps_promise(name, value, first) for value in broken)


def test_what_was_lowered_can_be_raised_up_to_what_the_genesis_said():
    world = Council(issue_per_block=100)
    assert world.pass_change(parameter="issue_per_block", value=10) == ["", ""]
    world.end_epoch()
    world.end_epoch()
    assert world.propose(parameter="issue_per_block", value=101) == "GENESIS_PROMISE"
    assert world.pass_change(parameter="issue_per_block", value=100) == ["", ""]
    world.end_epoch()
    assert world.in_force().issue_per_block == 100


def test_what_was_issued_is_known_whatever_was_voted(rng):
    world = Council(issue_per_block=1_000, issue_halving_blocks=30)
    for _ in range(40):
        if rng.random() < 0.3:
            name, most = rng.choice((("issue_per_block", 1_000), ("issue_halving_blocks", 30)))
            world.pass_change(parameter=name, value=rng.randrange(1, most + 1))
        in_force = world.in_force()
        (world.end_epoch if rng.random() < 0.5 else world.apply)()
        promised = 1_000 >> min((world.height - 1) // 30, 64)
        assert compute_issue(world.height, in_force) <= promised
        record = world.state[ISSUED_KEY]
        assert load_issued(record, world.height, world.in_force()) == sum_rewards(world)


def sum_rewards(world):
    """Return all that was ever issued: nobody pays or claims in this world."""
    found = [decode_candidate(record) for key, record in world.state.items() if key[:1] == b"c"]
    return world.balance(TREASURY) + sum(each.pot + each.commission_due for each in found)
