"""What evidence costs, at the end of the epoch in which it came (docs/protocol.md#J1, #J2)."""

from collections.abc import Iterator
from typing import NamedTuple

from quorate.core.accusations import EPOCHS_BACK
from quorate.core.epochs import EpochStart
from quorate.core.seats import SeatSet
from quorate.core.staking.candidates import load_candidate, put_candidate, uncount
from quorate.core.staking.delegations import Holding
from quorate.core.staking.records import (
    Candidate,
    Entry,
    compute_candidate_key,
    compute_cut,
    compute_unbonding_key,
    decode_entries,
    encode_entries,
)
from quorate.core.state import Changes, compute_mark_key, compute_set_key, decode_mark
from quorate.core.values import HASH_BYTES, SHARE_BP, TREASURY

# Redelegations that one step handles: each costs up to ten records.
_STEP = 16
# Seats whose marks one step looks at.
_PAGE = 16


class Offence(NamedTuple):
    """A seat's equivocation: of which epoch, in which it is slashed, and by how much."""

    epoch: int
    slash_epoch: int
    slash_bp: int


def apply_slashes(changes: Changes, start: EpochStart, slash_bp: int) -> Iterator[None]:
    """Slash the candidates of seats that were marked since an epoch's start (docs/protocol.md#J1).

    A generator of bounded steps.
    """
    for epoch in range(max(start.epoch - EPOCHS_BACK, 0), start.epoch + 1):
        offence = Offence(epoch, start.epoch, slash_bp)
        for seat in SeatSet.decode(changes.get(compute_set_key(epoch))).seats:
            record = changes.get(compute_mark_key(epoch, seat.index))
            if record and decode_mark(record).height > start.height:
                yield from apply_slash(changes, seat.candidate, offence)
            if seat.index % _PAGE == _PAGE - 1:
                yield


def apply_slash(changes: Changes, owner: bytes, offence: Offence) -> Iterator[None]:
    """Slash a candidate once and for good; a generator of bounded steps.

    Also what was redelegated from it since the offence. What unbonds is cut when it is claimed.
    """
    if not changes.get(compute_candidate_key(owner)):
        return
    candidate = load_candidate(changes, owner)
    if candidate.is_slashed:
        return
    if candidate.is_standing:
        uncount(changes)
    cut = candidate.stake * offence.slash_bp // SHARE_BP
    candidate.is_slashed = True
    candidate.slash_from, candidate.slash_epoch = offence.epoch, offence.slash_epoch
    candidate.slash_bp = offence.slash_bp
    candidate.stake -= cut
    candidate.self_stake -= compute_cut(candidate.self_stake, offence.slash_bp)
    put_candidate(changes, owner, candidate)
    changes.get_account(TREASURY).balance += cut
    yield
    for page in changes.iter_prefix(b"r" + owner, _STEP):
        for key, record in page:
            _slash_moved(changes, key, decode_entries(record), candidate)
        yield


def _slash_moved(changes: Changes, key: bytes, entries: list[Entry], source: Candidate) -> None:
    """Take the slash off stake that left the source since the offence (key: r, 3 addresses)."""
    delegator, target = (key[1 + HASH_BYTES * at :][:HASH_BYTES] for at in (1, 2))
    owed = 0
    for entry in entries:
        if source.slash_from <= entry.epoch <= source.slash_epoch:
            owed += compute_cut(entry.amount, source.slash_bp)
    changes.put(key, b"")
    if not owed:
        return
    holding = Holding(changes, delegator, target)
    taken = min(owed, holding.delegation.amount)
    holding.remove(taken)
    holding.save()
    taken += _take_unbonding(changes, compute_unbonding_key(delegator, target), owed - taken)
    changes.get_account(TREASURY).balance += taken


def _take_unbonding(changes: Changes, key: bytes, owed: int) -> int:
    """Take what is owed from stake that unbonds, newest first; return how much there was."""
    entries, taken = decode_entries(changes.get(key)), 0
    while entries and taken < owed:
        epoch, amount = entries.pop()
        part = min(amount, owed - taken)
        taken += part
        if part < amount:
            entries.append(Entry(epoch, amount - part))
    if taken:
        changes.put(key, encode_entries(entries))
    return taken
