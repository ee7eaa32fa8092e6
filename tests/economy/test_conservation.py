"""What the count of all money finds."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.locks.records import Lock, compute_lock_key
from quorate.core.params import Params
from quorate.core.staking import records
from quorate.core.staking.records import Candidate, Entry
from quorate.core.staking.rewards import compute_issue
from quorate.core.state import Account, compute_account_key
from quorate.core.tokens.records import (
    Token,
    compute_balance_key,
    compute_token_key,
    encode_balance,
)
from tests.economy.actors import get_address
from tests.economy.conservation import assert_conserved, compute_issued
from tests.economy.founding import Founding, draw_founding, found_real

OWNER = get_address(0)
State = dict[bytes, bytes]


@pytest.fixture
def founding(rng: Random) -> Founding:
    return draw_founding(rng)


def change_candidate(state: State, **more: int) -> State:
    """Return the state with more in some fields of a candidate."""
    key = records.compute_candidate_key(OWNER)
    candidate: Candidate = records.decode_candidate(state[key])
    for name, amount in more.items():
        setattr(candidate, name, getattr(candidate, name) + amount)
    return state | {key: candidate.encode()}


def change_own_stake(state: State, amount: int) -> State:
    """Return the state with more in the delegation of a candidate's owner."""
    key = records.compute_delegation_key(OWNER, OWNER)
    given = records.decode_delegation(state[key])
    given.amount += amount
    return state | {key: given.encode()}


def test_a_genesis_adds_up(founding: Founding) -> None:
    assert_conserved(found_real(founding), founding.supply)


def test_every_place_where_money_is_counts(founding: Founding) -> None:
    state, supply = dict(found_real(founding)), founding.supply
    unbonding = records.compute_unbonding_key(get_address(50), OWNER)
    lock = Lock(OWNER, OWNER, 1, b"", b"", 1, 2)
    additions = (
        state | {compute_lock_key(bytes(32)): lock.encode()},
        state | {compute_account_key(bytes(32)): Account(1, {}).encode()},
        state | {unbonding: records.encode_entries([Entry(0, 1)])},
        change_candidate(state, pot=1),
        change_candidate(state, commission_due=1),
        change_candidate(change_own_stake(state, 1), stake=1, self_stake=1),
    )
    for more in additions:
        with pytest.raises(AssertionError, match=r"\+1 beside"):
            assert_conserved(more, supply)
        assert_conserved(more, supply + 1)


def test_what_is_owed_must_be_there(founding: Founding) -> None:
    state, supply = dict(found_real(founding)), founding.supply
    wrong = {
        "owed more": change_candidate(state, index=1 << 64),
        "self-stake": change_candidate(state, self_stake=1),
        "what was delegated": change_candidate(change_own_stake(state, -1), self_stake=-1),
    }
    for what, broken in wrong.items():
        with pytest.raises(AssertionError, match=what):
            assert_conserved(broken, supply)


def test_a_token_s_supply_is_what_there_is_of_it(founding: Founding) -> None:
    token, holder = b"t" * 32, get_address(50)
    lock = Lock(OWNER, OWNER, 3, token, b"", 1, 2)
    state = found_real(founding) | {
        compute_token_key(token): Token(OWNER, "T", "token", 0, supply=10).encode(),
        compute_balance_key(holder, token): encode_balance(7),
        compute_lock_key(bytes(32)): lock.encode(),
    }
    assert_conserved(state, founding.supply)
    for amount in (0, 6, 8):
        broken = state | {compute_balance_key(holder, token): encode_balance(amount)}
        with pytest.raises(AssertionError, match="token"):
            assert_conserved(broken, founding.supply)


@given(st.integers(0, 2**20), st.integers(0, 9), st.integers(0, 60))
def test_what_was_issued_is_the_sum_over_all_blocks(each: int, halving: int, height: int) -> None:
    params = Params(issue_per_block=each, issue_halving_blocks=halving)
    assert compute_issued(params, height) == sum(
        compute_issue(number, params) for number in range(1, height + 1)
    )
