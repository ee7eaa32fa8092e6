"""World state: its keys, its records, and the view that one block's execution reads and writes.

Keys are one byte of kind and a name; a write is (key, value), an empty value deletes.

    a ‖ address 32                  account: version u8, balance u64, lanes u8,
                                    then (lane u8, next_sequence u64) ascending by lane
    i ‖ sender 32 ‖ key 0..64       idempotency: payload_hash 32, first id 32, until_height u64
    x ‖ until_height u64            which idempotency records end there: (size u8, sender ‖ key)…
    e                               start of the epoch that the next block belongs to (epochs.py)
    s ‖ epoch u64                   set of an epoch (seats.py); kept for ever
    m ‖ epoch u64 ‖ seat u16        mark of a seat against which there is evidence: version u8,
                                    view u64, height u64, hash of the evidence 32
    c d u r k n w                   stake: see core/staking
    t b                             tokens: see core/tokens
    l                               locks: see core/locks
    g p v                           changes by vote: see core/governance
    h j o z                         contracts: see core/contracts

An account without balance and lanes is no record at all, so that equal states are equal bytes.
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from struct import Struct
from struct import error as struct_error
from typing import Final, NamedTuple

from quorate.core.codec import U16, U64
from quorate.core.errors import MalformedBytes
from quorate.core.records import Record, Records
from quorate.core.values import HASH_BYTES

ACCOUNT_VERSION: Final = 1
# A lane's number and the count of lanes are one byte each.
LANES_BOUND: Final = 255
_ACCOUNT_HEAD: Final = 10
_LANE_BYTES: Final = 9
_ACCOUNTS: Final = tuple(Struct(">BQB" + "BQ" * lanes) for lanes in range(LANES_BOUND + 1))
_IDEMPOTENCY: Final = Struct(">32s32sQ")
EPOCH_START_KEY: Final = b"e"
_MARK: Final = Struct(">BQQ32s")
_MARK_VERSION: Final = 1
# Up to so many writes are sorted in one step; more are sorted in parts (see `iter_writes`).
_SORT_MAX: Final = 1_024

Write = Record


def compute_account_key(address: bytes) -> bytes:
    """Return the key of an account's record."""
    return b"a" + address


def compute_idempotency_key(sender: bytes, key: bytes) -> bytes:
    """Return the key of the record of a sender's idempotency key."""
    return b"i" + sender + key


def compute_expiry_key(until_height: int) -> bytes:
    """Return the key of the list of idempotency records that end at a height."""
    return b"x" + U64.pack(until_height)


def compute_set_key(epoch: int) -> bytes:
    """Return the key of the set of an epoch."""
    return b"s" + U64.pack(epoch)


def compute_mark_key(epoch: int, seat: int) -> bytes:
    """Return the key of the mark of a seat of an epoch."""
    return b"m" + U64.pack(epoch) + U16.pack(seat)


class Account:
    """An account during execution; mutable because one block touches it many times."""

    __slots__ = ("balance", "lanes")

    def __init__(self, balance: int, lanes: dict[int, int]) -> None:
        self.balance = balance
        self.lanes = lanes

    def encode(self) -> bytes:
        """Return the canonical record; empty when there is nothing to keep."""
        lanes = self.lanes
        if not lanes:
            return _ACCOUNTS[0].pack(ACCOUNT_VERSION, self.balance, 0) if self.balance else b""
        if len(lanes) == 1:
            ((lane, following),) = lanes.items()
            return _ACCOUNTS[1].pack(ACCOUNT_VERSION, self.balance, 1, lane, following)
        flat = [value for item in sorted(lanes.items()) for value in item]
        return _ACCOUNTS[len(lanes)].pack(ACCOUNT_VERSION, self.balance, len(lanes), *flat)


def decode_account(record: bytes) -> Account:
    """Return the account of a record, an empty one for b""; raises MalformedBytes."""
    if not record:
        return Account(0, {})
    try:
        version, balance, count, *flat = _ACCOUNTS[
            (len(record) - _ACCOUNT_HEAD) // _LANE_BYTES
        ].unpack(record)
    except (struct_error, IndexError) as error:
        raise MalformedBytes("account", f"{len(record)} bytes") from error
    if version != ACCOUNT_VERSION or count != len(flat) // 2 or not (balance or count):
        raise MalformedBytes("account", "wrong version, wrong count of lanes, or nothing in it")
    if count == 1:
        return Account(balance, {flat[0]: flat[1]})
    lanes = flat[::2]
    if any(low >= high for low, high in pairwise(lanes)):
        raise MalformedBytes("account", "lanes are not in ascending order")
    return Account(balance, dict(zip(lanes, flat[1::2], strict=True)))


class Idempotency(NamedTuple):
    """What a used idempotency key is bound to, and until when it is kept (inclusive)."""

    payload_hash: bytes
    first_id: bytes
    until_height: int

    def encode(self) -> bytes:
        """Return the canonical record."""
        return _IDEMPOTENCY.pack(*self)


def decode_idempotency(record: bytes) -> Idempotency:
    """Return the idempotency record of these bytes; raises MalformedBytes."""
    if len(record) != _IDEMPOTENCY.size:
        raise MalformedBytes("idempotency record", f"{len(record)} bytes")
    return Idempotency(*_IDEMPOTENCY.unpack(record))


class Mark(NamedTuple):
    """Evidence against a seat of an epoch: in which view, executed at which height, its hash."""

    view: int
    height: int
    evidence_hash: bytes

    def encode(self) -> bytes:
        """Return the canonical record."""
        return _MARK.pack(_MARK_VERSION, *self)


def decode_mark(record: bytes) -> Mark:
    """Return the mark of a record; raises MalformedBytes."""
    if len(record) != _MARK.size or record[0] != _MARK_VERSION:
        raise MalformedBytes("mark", f"{len(record)} bytes, or an unknown version")
    return Mark(*_MARK.unpack(record)[1:])


def encode_expiries(names: list[bytes]) -> bytes:
    """Return the record that lists idempotency keys (sender ‖ key) in the order they came."""
    return b"".join([bytes((len(name),)) + name for name in names])


def decode_expiries(record: bytes) -> list[bytes]:
    """Return the idempotency keys that a record lists; raises MalformedBytes."""
    names, at = [], 0
    while at < len(record):
        end = at + 1 + record[at]
        if record[at] < HASH_BYTES or end > len(record):
            raise MalformedBytes("expiry list", f"cut off at byte {at}")
        names.append(record[at + 1 : end])
        at = end
    return names


class Changes:
    """Reads through the state before a block, and collects what the block writes."""

    __slots__ = ("_accounts", "_records", "_touched", "_writes")

    def __init__(self, records: Records) -> None:
        self._records = records
        self._accounts: dict[bytes, Account] = {}
        self._touched: list[tuple[bytes, bytes, Account]] = []
        self._writes: dict[bytes, bytes] = {}

    def get_account(self, address: bytes) -> Account:
        """Return the account as it stands now, to be changed in place."""
        account = self._accounts.get(address)
        if account is None:
            key = b"a" + address
            record = self._records[key]
            account = self._accounts[address] = decode_account(record)
            self._touched.append((key, record, account))
        return account

    def get(self, key: bytes) -> bytes:
        """Return another record as it stands now; b"" when there is none."""
        value = self._writes.get(key)
        return self._records[key] if value is None else value

    def put(self, key: bytes, value: bytes) -> None:
        """Write another record; b"" deletes it."""
        self._writes[key] = value

    def iter_prefix(self, prefix: bytes, count: int) -> Iterator[list[Record]]:
        """Yield all records of a prefix as they stood when asked, at most `count` at a time.

        Not for accounts. What is written to keys not reached yet meanwhile may be seen or not.
        """
        own = sorted(key for key in self._writes if key.startswith(prefix))
        after = prefix
        while True:
            page = self._records.scan(prefix, after, count)
            end = page[-1][0] if len(page) == count else None
            to = len(own) if end is None else bisect_right(own, end)
            fresh = own[bisect_right(own, after) : to]
            merged = dict(page) | {key: self._writes[key] for key in fresh}
            found = [(key, merged[key]) for key in sorted(merged) if merged[key]]
            for start in range(0, len(found), count):
                yield found[start : start + count]
            if end is None:
                return
            after = end

    def iter_writes(self, slice_max: int) -> Iterator[list[Write]]:
        """Yield all writes in ascending order of keys, in slices, of which some are empty.

        Only an account that differs from the loaded record is a write. No step is longer than one
        slice, but for the sorting of keys with a common prefix, of which nobody can make many.
        """
        few = len(self._touched) + len(self._writes) <= _SORT_MAX
        changed: list[Write] = []
        for start in range(0, len(self._touched), slice_max):
            for key, record, account in self._touched[start : start + slice_max]:
                value = account.encode()
                if value != record:
                    changed.append((key, value))
            yield []
        changed += self._writes.items()
        if few:
            yield from _cut(sorted(changed), slice_max)
            return
        parts: dict[bytes, list[Write]] = {}
        for start in range(0, len(changed), slice_max):
            for write in changed[start : start + slice_max]:
                parts.setdefault(write[0][:2], []).append(write)
            yield []
        for name in sorted(parts):
            yield from _cut(sorted(parts[name]), slice_max)


class Draft:
    """Changes of one transaction: they take effect together by `commit`, or not at all."""

    __slots__ = ("_accounts", "_base", "_writes")

    def __init__(self, base: Changes) -> None:
        self._base = base
        self._accounts: dict[bytes, Account] = {}
        self._writes: dict[bytes, bytes] = {}

    def get_account(self, address: bytes) -> Account:
        """Return a copy of the account; its lanes are not a payload's to change."""
        account = self._accounts.get(address)
        if account is None:
            found = self._base.get_account(address)
            account = self._accounts[address] = Account(found.balance, found.lanes)
        return account

    def get(self, key: bytes) -> bytes:
        """Return another record as it stands in this draft."""
        value = self._writes.get(key)
        return self._base.get(key) if value is None else value

    def put(self, key: bytes, value: bytes) -> None:
        """Write another record; b"" deletes it."""
        self._writes[key] = value

    def commit(self) -> None:
        """Let everything take effect."""
        for address, account in self._accounts.items():
            self._base.get_account(address).balance = account.balance
        for key, value in self._writes.items():
            self._base.put(key, value)


def _cut(writes: list[Write], slice_max: int) -> Iterator[list[Write]]:
    for start in range(0, len(writes), slice_max):
        yield writes[start : start + slice_max]
