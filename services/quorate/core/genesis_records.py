"""The records that a forked chain starts from, as a file: sorted, one per line, named by a hash.

A line is `key value` in hex digits, then a line feed. Each record must be of a known kind and
encode back to the same bytes; all together must add up: every unit of stake is somebody's, and
nothing is promised that is not there (docs/protocol.md#O6).
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import sha256
from typing import Final

from quorate.core import crypto
from quorate.core.codec import U16, U64
from quorate.core.contracts.tally import ContractTally
from quorate.core.errors import InvalidGenesis, MalformedBytes
from quorate.core.genesis import Genesis, StateReference
from quorate.core.governance.records import (
    OPEN_KEY,
    decode_opened,
    decode_proposal,
    encode_opened,
)
from quorate.core.governance.upgrades import decode_upgrades, encode_upgrades
from quorate.core.locks.records import decode_lock
from quorate.core.params import IDEMPOTENCY_KEY_BYTES_MAX, SEATS_MAX, SUPPLY_MAX
from quorate.core.seats import SeatSet
from quorate.core.staking.records import (
    ENTRIES_MAX,
    INDEX_SHIFT,
    Candidate,
    Delegation,
    Entry,
    decode_candidate,
    decode_count,
    decode_delegation,
    decode_entries,
    encode_entries,
)
from quorate.core.state import (
    Write,
    decode_account,
    decode_expiries,
    decode_idempotency,
    decode_mark,
    encode_expiries,
)
from quorate.core.tokens.records import Token, decode_balance, decode_token
from quorate.core.values import HASH_BYTES, Hash

# A line is read no further than this; the longest records are lists of what ends at a height.
LINE_BYTES_MAX: Final = 64 * 1024 * 1024
_TAG: Final = b"quorate/genesis-state/v1"
_ADDRESS: Final = 1 + HASH_BYTES


def get_state_name(state: StateReference) -> str:
    """Return the name of the file that stands beside the genesis of a forked chain."""
    return f"genesis-state-{state.hash.hex()[:16]}.txt"


def encode_line(key: bytes, value: bytes) -> bytes:
    """Return the line of a record."""
    return f"{key.hex()} {value.hex()}\n".encode()


def read_lines(lines: Iterable[bytes], genesis: Genesis) -> Iterator[Write]:
    """Yield the records of a forked chain's state file; raises InvalidGenesis naming the line.

    All of it is wrong until the last one has come: the hash and the sums are checked at the end.
    """
    tally = Tally(genesis.epoch)
    for number, line in enumerate(lines):
        key, value = _parse_line(line, number)
        if tally.add(key, value) != line:
            raise InvalidGenesis(f"state[{number}]", "is not the one text of its record")
        yield key, value
    found = tally.finish()
    if found != genesis.state:
        raise InvalidGenesis(
            "state",
            f"the records are others than the genesis names: {found} is not {genesis.state}",
        )
    tally.check_seats(genesis)


class Tally:
    """Takes the records of a root's state in ascending order, and checks them."""

    def __init__(self, first_epoch: int) -> None:
        """`first_epoch` is the one that starts from this state."""
        self._first_epoch = first_epoch
        self._digest = sha256(bytes((len(_TAG),)) + _TAG)
        self._last = b""
        self._count, self._supply, self._standing = 0, 0, 0
        self._candidates: dict[bytes, Candidate] = {}
        self._bonded: dict[bytes, int] = {}
        self._owed: dict[bytes, int] = {}
        self._stated_standing: int | None = None
        self._tokens: dict[bytes, Token] = {}
        self._held: dict[bytes, int] = {}
        self._contracts = ContractTally()

    def add(self, key: bytes, value: bytes) -> bytes:
        """Take the next record and return its line; raises InvalidGenesis."""
        where = f"state[{self._count}]"
        read = self._contracts.kinds.get(key[:1])
        if read is None and key[:1] in KINDS:
            read = partial(KINDS[key[:1]], self)
        if read is None:
            raise InvalidGenesis(where, f"is of no known kind: {key[:1]!r}")
        if key <= self._last:
            raise InvalidGenesis(where, "is not above the record before it")
        try:
            read(key, value)
        except MalformedBytes as error:
            raise InvalidGenesis(where, error.message) from error
        self._last = key
        self._count += 1
        line = encode_line(key, value)
        self._digest.update(line)
        return line

    def finish(self) -> StateReference:
        """Return what names all records taken; raises InvalidGenesis unless they add up."""
        for owner, candidate in self._candidates.items():
            self._check_candidate(owner, candidate)
        if not self._held.keys() <= self._tokens.keys():
            raise InvalidGenesis("state", "somebody has a token that there is not")
        if any(held != self._tokens[each].supply for each, held in self._held.items()):
            raise InvalidGenesis("state", "a token's supply is not what its holders have")
        self._contracts.finish()
        if self._standing != (self._stated_standing or 0):
            raise InvalidGenesis("state", "the count of standing candidates is wrong")
        if self._supply > SUPPLY_MAX:
            raise InvalidGenesis("state", "holds more than 2^63 − 1 in all")
        return StateReference(Hash(self._digest.digest()), self._count, self._supply)

    def check_seats(self, genesis: Genesis) -> None:
        """Raise InvalidGenesis unless every seat is that of a candidate here, as it stands."""
        for name, seats in (("seats", genesis.seats), ("next_seats", genesis.next_seats)):
            for seat in seats:
                found, where = self._candidates.get(seat.candidate), f"{name}[{seat.index}]"
                if found is None or not found.is_standing:
                    raise InvalidGenesis(f"{where}.owner", "is no standing candidate of the state")
                if found.seat_key != seat.public_key:
                    raise InvalidGenesis(f"{where}.public_key", "is not that of the state")
                if found.stake != seat.stake:
                    raise InvalidGenesis(f"{where}.stake", f"is {found.stake} in the state")

    def _check_candidate(self, owner: bytes, candidate: Candidate) -> None:
        bonded, owed = self._bonded.get(owner, 0), self._owed.get(owner, 0)
        # What a slash takes of each part is rounded up, so parts may hold less than their total.
        if bonded > candidate.stake or (bonded < candidate.stake and not candidate.is_slashed):
            raise InvalidGenesis(
                "state",
                f"{owner.hex()} has stake {candidate.stake}, but {bonded} is bonded to it",
            )
        if owed > candidate.pot:
            raise InvalidGenesis(
                "state", f"{owner.hex()} owes {owed} of rewards, but has {candidate.pot}"
            )

    # ---- kinds -----------------------------------------------------------------------------

    def _read_account(self, key: bytes, value: bytes) -> None:
        account = decode_account(value)
        _require(len(key) == _ADDRESS and account.encode() == value != b"", "account")
        self._supply += account.balance

    def _read_idempotency(self, key: bytes, value: bytes) -> None:
        size = len(key) - _ADDRESS
        _require(0 <= size <= IDEMPOTENCY_KEY_BYTES_MAX, "idempotency record")
        decode_idempotency(value)

    def _read_expiries(self, key: bytes, value: bytes) -> None:
        names = decode_expiries(value)
        _require(len(key) == 9 and bool(names) and encode_expiries(names) == value, "expiry list")

    def _read_set(self, key: bytes, value: bytes) -> None:
        found = SeatSet.decode(value)
        _require(key == b"s" + U64.pack(found.epoch) and found.encode() == value, "seat set")
        # The one before the first epoch is the fork's own already.
        _require(found.epoch < self._first_epoch - 1, "set of an epoch after the cut")

    def _read_mark(self, key: bytes, value: bytes) -> None:
        decode_mark(value)
        _require(len(key) == 11 and U16.unpack(key[9:])[0] < SEATS_MAX, "mark")

    def _read_candidate(self, key: bytes, value: bytes) -> None:
        candidate = decode_candidate(value)
        _require(len(key) == _ADDRESS and candidate.encode() == value, "candidate")
        self._candidates[key[1:]] = candidate
        self._supply += candidate.stake + candidate.pot + candidate.commission_due
        self._standing += candidate.is_standing

    def _read_delegation(self, key: bytes, value: bytes) -> None:
        # Candidates come before delegations.
        held, owner = decode_delegation(value), key[_ADDRESS:]
        candidate = self._candidates.get(owner)
        _require(len(key) == _ADDRESS + HASH_BYTES and held.encode() == value != b"", "delegation")
        _require(candidate is not None and held.index <= candidate.index, "delegation")
        assert candidate is not None
        owed = held.due + (held.amount * (candidate.index - held.index) >> INDEX_SHIFT)
        self._owed[owner] = self._owed.get(owner, 0) + owed
        settled = Delegation(held.amount, held.index, held.due, held.moved_epoch, held.is_cut)
        settled.settle(candidate)
        self._bonded[owner] = self._bonded.get(owner, 0) + settled.amount

    def _read_unbonding(self, key: bytes, value: bytes) -> None:
        _require(len(key) == _ADDRESS + HASH_BYTES, "unbonding entries")
        self._supply += sum(entry.amount for entry in _decode_entries(value))

    def _read_moved(self, key: bytes, value: bytes) -> None:
        _require(len(key) == _ADDRESS + 2 * HASH_BYTES, "redelegation entries")
        _decode_entries(value)

    def _read_seat_key(self, key: bytes, value: bytes) -> None:
        _require(len(key) == 1 + crypto.PUBLIC_KEY_BYTES, "seat key")
        _require(value in self._candidates, "seat key of no candidate")

    def _read_token(self, key: bytes, value: bytes) -> None:
        token = decode_token(value)
        _require(len(key) == _ADDRESS and token.encode() == value, "token")
        self._tokens[key[1:]] = token
        self._hold(key[1:], 0)

    def _read_balance(self, key: bytes, value: bytes) -> None:
        amount = decode_balance(value)
        _require(len(key) == _ADDRESS + HASH_BYTES and amount > 0, "token balance")
        self._hold(key[_ADDRESS:], amount)

    def _read_lock(self, key: bytes, value: bytes) -> None:
        lock = decode_lock(value)
        _require(len(key) == _ADDRESS and lock.encode() == value, "lock")
        if lock.token:
            self._hold(lock.token, lock.amount)
        else:
            self._supply += lock.amount

    def _hold(self, token: bytes, amount: int) -> None:
        self._held[token] = self._held.get(token, 0) + amount

    def _read_proposal(self, key: bytes, value: bytes) -> None:
        if key == OPEN_KEY:
            opened = decode_opened(value)
            _require(bool(opened) and encode_opened(opened) == value, "open proposals")
        else:
            proposal = decode_proposal(value)
            _require(len(key) == _ADDRESS and proposal.encode() == value, "proposal")

    def _read_upgrades(self, key: bytes, value: bytes) -> None:
        upgrades = decode_upgrades(value)
        _require(len(key) == 1 and bool(upgrades), "upgrades")
        _require(encode_upgrades(upgrades) == value, "upgrades")

    def _read_count(self, key: bytes, value: bytes) -> None:
        _require(len(key) == 1 and len(value) == 4, "count of candidates")
        self._stated_standing = decode_count(value)


# Of these kinds, and those of ContractTally, may the records of a cut be. The epoch's start, its
# seats' conduct and changes of parameters (e, w, g) are not: they follow from the genesis.
KINDS: Final[dict[bytes, Callable[[Tally, bytes, bytes], None]]] = {
    b"a": Tally._read_account,
    b"b": Tally._read_balance,
    b"c": Tally._read_candidate,
    b"d": Tally._read_delegation,
    b"i": Tally._read_idempotency,
    b"k": Tally._read_seat_key,
    b"l": Tally._read_lock,
    b"m": Tally._read_mark,
    b"n": Tally._read_count,
    b"p": Tally._read_proposal,
    b"r": Tally._read_moved,
    b"s": Tally._read_set,
    b"t": Tally._read_token,
    b"u": Tally._read_unbonding,
    b"v": Tally._read_upgrades,
    b"x": Tally._read_expiries,
}


def _decode_entries(value: bytes) -> list[Entry]:
    entries = decode_entries(value)
    epochs = [entry.epoch for entry in entries]
    _require(0 < len(entries) <= ENTRIES_MAX and epochs == sorted(set(epochs)), "stake entries")
    _require(encode_entries(entries) == value, "stake entries")
    return entries


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise MalformedBytes(what, "is not in its one layout")


def _parse_line(line: bytes, number: int) -> Write:
    key, space, value = line.rstrip(b"\n").partition(b" ")
    try:
        if not space:
            raise ValueError
        return bytes.fromhex(key.decode("ascii")), bytes.fromhex(value.decode("ascii"))
    except ValueError as error:
        raise InvalidGenesis(
            f"state[{number}]", "must be a key and a value in hex digits"
        ) from error
