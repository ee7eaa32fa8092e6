"""The state of block 0: what a genesis document says, as records."""

from quorate.core.genesis import Genesis
from quorate.core.staking.performance import Performance
from quorate.core.staking.records import (
    COUNT_KEY,
    PERFORMANCE_KEY,
    Delegation,
    compute_candidate_key,
    compute_delegation_key,
    compute_seat_key_key,
    encode_count,
)
from quorate.core.state import (
    EPOCH_START_KEY,
    Account,
    Write,
    compute_account_key,
    compute_set_key,
)


def compute_genesis_writes(genesis: Genesis) -> list[Write]:
    """Return the writes that make the state of block 0, ascending by key."""
    accounts = [(address, Account(balance, {})) for address, balance in genesis.balances if balance]
    writes = [(compute_account_key(address), each.encode()) for address, each in accounts]
    writes += [(compute_set_key(each.epoch), each.encode()) for each in genesis.sets]
    for owner, candidate in genesis.candidates:
        writes.append((compute_candidate_key(owner), candidate.encode()))
        writes.append((compute_seat_key_key(candidate.seat_key), owner))
        if candidate.stake:
            own = Delegation(candidate.stake)
            writes.append((compute_delegation_key(owner, owner), own.encode()))
    performance = Performance.start(0, len(genesis.seats))
    writes.append((PERFORMANCE_KEY, performance.encode()))
    writes.append((COUNT_KEY, encode_count(len(genesis.candidates))))
    return sorted([*writes, (EPOCH_START_KEY, genesis.start.encode())])
