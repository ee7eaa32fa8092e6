"""Cuts a chain off at a height: its state there, made ready for other seats.

Why so: docs/adr/011-forks.md.

Heights, epochs and sequences go on, so the records stay as they are, but for these: slashes that
the cut epoch still owed are made, the new seats' candidates get their keys, and what the new
genesis says itself (sets to come, the epoch's start, conduct of its seats) is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from quorate.core.epochs import EpochStart
from quorate.core.genesis import compute_first_epoch
from quorate.core.genesis_entries import Entries, SeatEntry, compute_proof_domain
from quorate.core.genesis_fields import Faults, Fields
from quorate.core.governance.issue import ISSUED_KEY
from quorate.core.governance.parameters import CHANGES_KEY, are_consistent, compute_params
from quorate.core.params import SEATS_MAX, Params
from quorate.core.staking.records import (
    COUNT_KEY,
    PERFORMANCE_KEY,
    Candidate,
    Delegation,
    compute_candidate_key,
    compute_delegation_key,
    compute_seat_key_key,
    decode_candidate,
    decode_count,
    encode_count,
)
from quorate.core.staking.slashing import apply_slashes
from quorate.core.state import (
    EPOCH_START_KEY,
    Changes,
    compute_set_key,
)
from quorate.core.values import ZERO_HASH, Address, format_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What a fork is made of: the chain's name, the new fork epoch, its time and its seats.

    `params` are those of the parent's genesis; `changes` are parameters that shall differ from what
    is in force at the cut.
    """

    chain_id: str
    fork_epoch: int
    time_ms: int
    params: Params
    entries: Sequence[object]
    changes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Forked:
    """The forked chain's seats, in order, the epoch that the cut ended, and its parameters."""

    seats: tuple[SeatEntry, ...]
    epoch: int
    params: Params


def apply_cut(changes: Changes, cut: Cut) -> Forked:
    """Turn the state of a chain into what its fork starts from; raises InvalidGenesis."""
    faults = Faults()
    start = EpochStart.decode(changes.get(EPOCH_START_KEY))
    voted = changes.get(CHANGES_KEY)
    # What this epoch's last block would have slashed; here nobody waits for a step to end.
    for _ in apply_slashes(changes, start, compute_params(voted, start.epoch, cut.params).slash_bp):
        pass
    params = compute_params(voted, compute_first_epoch(start.epoch), cut.params)
    params = replace(params, **cut.changes)
    if not are_consistent(params):
        faults.add("params.seats_min", "is above seats_max")
    document = Fields({"seats": list(cut.entries)}, "", faults)
    entries = Entries(compute_proof_domain(cut.chain_id, cut.fork_epoch), cut.time_ms)
    seats: list[tuple[Address, Candidate, SeatEntry]] = []
    for fields in document.objects("seats", SEATS_MAX, 1):
        owner, wished = entries.take(fields)
        if fields.is_sound and any(owner == other for other, _, _ in seats):
            fields.fail("owner", "has another seat of this list")
        if fields.is_sound:
            candidate = _Member(changes, params, fields).apply(owner, wished)
            seats.append((owner, candidate, _describe(fields, owner, candidate)))
    faults.require()
    coming = compute_set_key(start.epoch + 1)
    for key in (EPOCH_START_KEY, PERFORMANCE_KEY, CHANGES_KEY, ISSUED_KEY, coming):
        changes.put(key, b"")
    seats.sort(key=lambda each: (-each[1].stake, each[0]))
    return Forked(tuple([entry for _, _, entry in seats]), start.epoch, params)


class _Member:
    """One entry of the set, and the candidate that it is or becomes."""

    def __init__(self, changes: Changes, params: Params, fields: Fields) -> None:
        self._changes, self._params, self._fields = changes, params, fields

    def apply(self, owner: Address, wished: Candidate) -> Candidate:
        """Return the candidate with its new seat key; notes what is wrong with the entry."""
        record = self._changes.get(compute_candidate_key(owner))
        if record:
            candidate = decode_candidate(record)
            self._renew(candidate, wished)
        else:
            candidate = wished
            self._register(owner, candidate)
        self._use_key(owner, candidate)
        if self._fields.is_sound:
            self._changes.put(compute_candidate_key(owner), candidate.encode())
        return candidate

    def _renew(self, candidate: Candidate, wished: Candidate) -> None:
        """Keep an old candidate's terms and stake; only its seat key is the entry's."""
        if candidate.is_slashed or candidate.is_resigned:
            why = "was slashed" if candidate.is_slashed else "has resigned"
            self._fields.fail("owner", f"is a candidate that {why}: it never has a seat again")
        candidate.seat_key, candidate.next_key = wished.seat_key, ZERO_HASH
        candidate.jailed_until = candidate.missed = 0

    def _register(self, owner: Address, candidate: Candidate) -> None:
        """Bond a new candidate's stake out of its owner's balance."""
        stake, least = candidate.stake, self._params.self_stake_min
        if stake < least:
            self._fields.fail("stake", f"of a new candidate must be at least {least}")
            return
        account = self._changes.get_account(owner)
        if account.balance < stake:
            self._fields.fail("stake", f"is more than the owner's balance there: {account.balance}")
            return
        account.balance -= stake
        self._changes.put(compute_delegation_key(owner, owner), Delegation(stake).encode())
        count = decode_count(self._changes.get(COUNT_KEY))
        self._changes.put(COUNT_KEY, encode_count(count + 1))

    def _use_key(self, owner: Address, candidate: Candidate) -> None:
        key = compute_seat_key_key(candidate.seat_key)
        holder = self._changes.get(key)
        if holder and holder != owner:
            self._fields.fail("public_key", f"was used by candidate {format_address(holder)}")
        else:
            self._changes.put(key, owner)


def _describe(fields: Fields, owner: Address, candidate: Candidate) -> SeatEntry:
    """Return the entry as the new genesis has it: what the chain holds, and the new key's proof."""
    return {
        "name": str(fields.values["name"]),
        "public_key": candidate.seat_key.hex(),
        "proof": str(fields.values["proof"]),
        "owner": format_address(owner),
        "operator": format_address(candidate.operator),
        "commission_bp": candidate.commission_bp,
        "stake": candidate.stake,
        "description": candidate.description,
    }
