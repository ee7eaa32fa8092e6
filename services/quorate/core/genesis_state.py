"""The state at a chain's root: what a genesis document says, as records.

Of a forked chain all but the first sets, the epoch's start and the conduct of its seats are in the
records that it was cut with (genesis_records.py).
"""

from quorate.core.genesis import Genesis
from quorate.core.seats import SeatSet
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
    """Return the writes that make the root's state, ascending by key.

    Those of a forked chain come on top of the records it was cut with.
    """
    performance = Performance.start(genesis.epoch, len(genesis.seats))
    writes = [(compute_set_key(each.epoch), each.encode()) for each in genesis.sets]
    writes += [(PERFORMANCE_KEY, performance.encode()), (EPOCH_START_KEY, genesis.start.encode())]
    if genesis.parent is not None:
        between = SeatSet(genesis.epoch - 1, genesis.seats)
        return sorted([*writes, (compute_set_key(between.epoch), between.encode())])
    accounts = [(address, Account(balance, {})) for address, balance in genesis.balances if balance]
    writes += [(compute_account_key(address), each.encode()) for address, each in accounts]
    for owner, candidate in genesis.candidates:
        writes.append((compute_candidate_key(owner), candidate.encode()))
        writes.append((compute_seat_key_key(candidate.seat_key), owner))
        if candidate.stake:
            own = Delegation(candidate.stake)
            writes.append((compute_delegation_key(owner, owner), own.encode()))
    writes.append((COUNT_KEY, encode_count(len(genesis.candidates))))
    return sorted(writes)
