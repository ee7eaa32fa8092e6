"""Money adds up, over a whole state (docs/protocol.md#E5).

All balances, the treasury's among them, what is bonded, rewards that are not claimed, what
unbonds, what is locked: the genesis supply and what blocks have issued. Beside it, that no part of
a candidate claims more than the candidate holds, and that a token's supply is what its holders and
locks have. `state` may hold records of other kinds.
"""

from collections import Counter
from collections.abc import Mapping

from quorate.core.locks.records import LOCK_PREFIX, decode_lock
from quorate.core.params import Params
from quorate.core.staking import records
from quorate.core.state import decode_account
from quorate.core.tokens.records import (
    BALANCE_PREFIX,
    TOKEN_PREFIX,
    decode_balance,
    decode_token,
)


def compute_issued(params: Params, height: int) -> int:
    """Return what blocks 1 to `height` issued, summed by halving periods."""
    height = min(height, 1 << 32)
    period, issued, amount = params.issue_halving_blocks or height, 0, params.issue_per_block
    while height > 0 and amount:
        issued += min(height, period) * amount
        height, amount = height - period, amount >> 1
    return issued


def sum_all(state: Mapping[bytes, bytes]) -> Counter[str]:
    """Return what a state holds, by where it is; the sum of the values is the whole supply."""
    sums = Counter[str]()
    for key, record in state.items():
        kind = key[:1]
        if kind == b"a" and record:
            sums["balances"] += decode_account(record).balance
        elif kind == records.CANDIDATE_PREFIX and record:
            candidate = records.decode_candidate(record)
            sums["stake"] += candidate.stake
            sums["rewards"] += candidate.pot + candidate.commission_due
        elif kind == b"u":
            sums["unbonding"] += sum(entry.amount for entry in records.decode_entries(record))
        elif kind == LOCK_PREFIX and record:
            lock = decode_lock(record)
            sums["locks"] += 0 if lock.token else lock.amount
    return sums


def assert_conserved(state: Mapping[bytes, bytes], supply: int) -> None:
    """Assert that a state holds exactly `supply`, and nobody is owed more than there is."""
    sums = sum_all(state)
    assert sums.total() == supply, f"{sums.total() - supply:+} beside {supply}: {dict(sums)}"
    _assert_owed(state)
    _assert_tokens(state)


def _assert_owed(state: Mapping[bytes, bytes]) -> None:
    candidates = {
        key[1:]: records.decode_candidate(record)
        for key, record in state.items()
        if key[:1] == records.CANDIDATE_PREFIX and record
    }
    stakes, dues = Counter[bytes](), Counter[bytes]()
    for key, record in state.items():
        if key[:1] == b"d" and record:
            delegator, owner = key[1:33], key[33:]
            given = records.decode_delegation(record)
            given.settle(candidates[owner])
            stakes[owner] += given.amount
            dues[owner] += given.due
            if delegator == owner:
                assert given.amount == candidates[owner].self_stake, "self-stake is the owner's"
    for owner, candidate in candidates.items():
        assert dues[owner] <= candidate.pot, "delegators are owed more than the pot holds"
        # A slash rounds up what single holdings lose, and down what all of them do.
        spare = candidate.stake - stakes[owner]
        assert spare >= 0 and (not spare or candidate.is_slashed), "stake is what was delegated"


def _assert_tokens(state: Mapping[bytes, bytes]) -> None:
    supplies, held = dict[bytes, int](), Counter[bytes]()
    for key, record in state.items():
        kind = key[:1]
        if kind == TOKEN_PREFIX and record:
            supplies[key[1:]] = decode_token(record).supply
        elif kind == BALANCE_PREFIX and record:
            held[key[33:]] += decode_balance(record)
        elif kind == LOCK_PREFIX and record:
            lock = decode_lock(record)
            held[lock.token] += lock.amount if lock.token else 0
    for token in {**supplies, **held}:
        assert held[token] == supplies.get(token, 0), "a token's supply is what there is of it"
