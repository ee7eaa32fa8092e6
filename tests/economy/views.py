"""Both states in one form, so that a difference names what differs."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from quorate.core.codec import U16, U64
from quorate.core.epochs import EpochStart
from quorate.core.governance.issue import ISSUED_KEY
from quorate.core.governance.parameters import CHANGES_KEY, compute_params
from quorate.core.governance.records import OPEN_KEY, decode_opened, decode_proposal
from quorate.core.locks.records import LOCK_PREFIX, decode_lock
from quorate.core.params import Params
from quorate.core.seats import SeatSet
from quorate.core.staking import records
from quorate.core.staking.performance import Performance
from quorate.core.state import EPOCH_START_KEY, decode_account
from quorate.core.tokens.records import (
    BALANCE_PREFIX,
    TOKEN_PREFIX,
    decode_balance,
    decode_token,
)
from tests.economy.envelope import Chain
from tests.economy.reference import is_standing

View = dict[tuple[Any, ...], Any]
EPOCHS_AROUND = 3


def view_real(state: Mapping[bytes, bytes], epoch: int, params: Params) -> View:
    """Return what a real state holds; sets only of epochs near `epoch`.

    `params` are the genesis'; of changes by vote only their effect now and next is compared.
    """
    view: View = {}
    for each in (epoch, epoch + 1):
        view["params", each] = compute_params(state[CHANGES_KEY], each, params)
    opened = decode_opened(state[OPEN_KEY])
    view["opened",] = tuple([each.id for each in opened])
    for key, record in state.items():
        if not record:
            continue
        kind, name = key[:1], key[1:]
        if key in (CHANGES_KEY, OPEN_KEY, ISSUED_KEY):
            continue
        if kind == b"s" and U64.unpack(name)[0] < epoch - EPOCHS_AROUND:
            continue
        if kind == b"d":
            row = _view_delegation(record, state[b"c" + name[32:]])
            if row is not None:
                view["delegation", name[:32], name[32:]] = row
            continue
        place, row = _view_record(kind, name, record)
        if row is not None:
            view[place] = row
    return view


def view_reference(economy: Chain) -> View:
    """Return the same of the reference."""
    view: View = {}
    tables = economy.tables
    addresses = dict.fromkeys([*tables.balances, *[sender for sender, _ in economy.lanes]])
    for address in addresses:
        lanes = {lane: n for (sender, lane), n in economy.lanes.items() if sender == address}
        balance = tables.balances.get(address, 0)
        if balance or lanes:
            view["account", address] = balance, lanes
    for owner, candidate in tables.candidates.items():
        view["candidate", owner] = vars(candidate)
    for pair, given in tables.delegations.items():
        view["delegation", *pair] = given.amount, given.index, given.due, given.moved_epoch
    for pair, entries in tables.unbonding.items():
        view["unbonding", *pair] = tuple(sorted(entries.items()))
    for three, entries in tables.moved.items():
        view["moved", *three] = tuple(sorted(entries.items()))
    for key, owner in tables.keys.items():
        view["key", key] = owner
    for place in economy.marks:
        view["mark", *place] = True
    for epoch, seats in economy.sets.items():
        if epoch >= economy.epoch - EPOCHS_AROUND:
            view["set", epoch] = tuple(map(tuple, seats))
    view |= _view_assets(economy)
    view["count",] = sum(is_standing(each) for each in tables.candidates.values())
    view["performance",] = economy.epoch, tuple(economy.missed)
    view["start",] = economy.epoch, *economy.start
    return view


def _view_assets(economy: Chain) -> View:
    view: View = {}
    tables = economy.tables
    for token, found in tables.tokens.items():
        view["token", token] = vars(found)
    for (holder, token), amount in tables.held.items():
        if amount:
            view["held", holder, token] = amount
    for lock, terms in tables.locks.items():
        view["lock", lock] = terms
    for proposal, found in tables.proposals.items():
        view["proposal", proposal] = vars(found)
    view["opened",] = tuple(tables.proposals)
    for epoch in (economy.epoch, economy.epoch + 1):
        view["params", epoch] = economy.get_params(epoch)
    return view


def describe_differences(real: View, expected: View) -> str:
    """Return what differs, a line each; empty when nothing does."""
    lines = []
    for place in sorted({*real, *expected}, key=repr):
        have, want = real.get(place), expected.get(place)
        if have == want:
            continue
        if isinstance(have, dict) and isinstance(want, dict):
            names = [name for name in {**have, **want} if have.get(name) != want.get(name)]
            have = {name: have.get(name) for name in names}
            want = {name: want.get(name) for name in names}
        where = " ".join(map(shorten, place))
        lines.append(f"{where}: real {shorten(have)}, reference {shorten(want)}")
    return "\n".join(lines)


def shorten(value: Any) -> str:
    """Return a value as text, with only the beginning of all bytes."""
    if isinstance(value, bytes):
        return value.hex()[:6]
    if isinstance(value, tuple):
        return f"({' '.join(map(shorten, value))})"
    if isinstance(value, dict):
        return " ".join(f"{shorten(name)}={shorten(each)}" for name, each in value.items())
    return str(value)


@lru_cache(maxsize=50_000)
def _view_record(kind: bytes, name: bytes, record: bytes) -> tuple[tuple[Any, ...], Any]:
    if kind == b"a":
        account = decode_account(record)
        return ("account", name), (account.balance, account.lanes)
    if kind == b"c":
        return ("candidate", name), _view_candidate(record)
    if kind == b"u":
        return ("unbonding", name[:32], name[32:]), tuple(
            map(tuple, records.decode_entries(record))
        )
    if kind == b"r":
        entries = tuple(map(tuple, records.decode_entries(record)))
        return ("moved", name[:32], name[32:64], name[64:]), entries
    if kind == TOKEN_PREFIX:
        return ("token", name), asdict(decode_token(record))
    if kind == BALANCE_PREFIX:
        return ("held", name[:32], name[32:]), decode_balance(record)
    if kind == LOCK_PREFIX:
        return ("lock", name), tuple(decode_lock(record))
    if kind == OPEN_KEY:
        row = asdict(decode_proposal(record))
        assert not row.pop("version") and not row.pop("height"), "no upgrades are drawn"
        return ("proposal", name), row
    if kind == b"k":
        return ("key", name), record
    if kind == b"m":
        return ("mark", U64.unpack(name[:8])[0], U16.unpack(name[8:])[0]), True
    if kind == b"s":
        seats = SeatSet.decode(record).seats
        rows = [(seat.public_key, seat.candidate, seat.stake, seat.name) for seat in seats]
        return ("set", U64.unpack(name)[0]), tuple(rows)
    if kind + name == records.COUNT_KEY:
        return ("count",), records.decode_count(record)
    if kind + name == records.PERFORMANCE_KEY:
        counts = Performance.decode(record)
        return ("performance",), (counts.epoch, tuple(counts.missed))
    if kind + name == EPOCH_START_KEY:
        start = EpochStart.decode(record)
        return ("start",), (start.epoch, start.height, start.time_ms)
    return ("unknown", kind, name), record


def _view_candidate(record: bytes) -> dict[str, Any]:
    found = records.decode_candidate(record)
    row = {name: getattr(found, name) for name in found.__slots__ if name[:2] != "is"}
    slash = row.pop("slash_from"), row.pop("slash_epoch"), row.pop("slash_bp")
    row["slashed"] = slash if found.is_slashed or any(slash) else None
    row["resigned"] = found.is_resigned
    return row


@lru_cache(maxsize=50_000)
def _view_delegation(record: bytes, candidate_record: bytes) -> tuple[int, ...] | None:
    """Return a delegation; of a slashed candidate as the next touch will leave it."""
    given = records.decode_delegation(record)
    candidate = records.decode_candidate(candidate_record)
    if candidate.is_slashed:
        given.due += given.amount * (candidate.index - given.index) >> 64
        given.index = candidate.index
        if not given.is_cut:
            given.amount -= -(-given.amount * candidate.slash_bp // 10_000)
    if not given.amount and not given.due:
        return None
    return given.amount, given.index, given.due, given.moved_epoch
