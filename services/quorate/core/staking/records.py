"""The records of stake, and the arithmetic that every use of them shares.

c ‖ owner 32                        Candidate
d ‖ delegator 32 ‖ candidate 32     Delegation
u ‖ delegator 32 ‖ candidate 32     what unbonds: Entries
r ‖ source 32 ‖ delegator 32 ‖ target 32
what was redelegated and stays slashable: Entries
k ‖ seat key 32                     the candidate that used this key first
n                                   count of standing candidates: u32
w                                   Performance of the running epoch's seats (performance.py)
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

from quorate.core.codec import U32, Reader, encode_blob
from quorate.core.errors import MalformedBytes
from quorate.core.seats import NAME_BYTES_MAX
from quorate.core.staking.payloads import DESCRIPTION_BYTES_MAX
from quorate.core.values import SHARE_BP, ZERO_HASH

CANDIDATE_PREFIX: Final = b"c"
COUNT_KEY: Final = b"n"
PERFORMANCE_KEY: Final = b"w"
# Undelegations, or redelegations between two candidates, of one delegator that are under way.
ENTRIES_MAX: Final = 16
# Rewards per unit of stake are counted in 2^-64.
INDEX_SHIFT: Final = 64
# Flags of a candidate.
RESIGNED: Final = 1
SLASHED: Final = 2

_VERSION: Final = 1
_CANDIDATE: Final = Struct(">BB32s32s32sHQQQQQIQ16sQQQQH")
_STANDING: Final = Struct(">xB32x32s32x2x8xQQQQ")
_DELEGATION: Final = Struct(">BQ16sQQB")
_ENTRY: Final = Struct(">QQ")


def compute_candidate_key(owner: bytes) -> bytes:
    """Return the key of a candidate's record."""
    return CANDIDATE_PREFIX + owner


def compute_delegation_key(delegator: bytes, candidate: bytes) -> bytes:
    """Return the key of what a delegator has bonded to a candidate."""
    return b"d" + delegator + candidate


def compute_unbonding_key(delegator: bytes, candidate: bytes) -> bytes:
    """Return the key of what a delegator takes back from a candidate."""
    return b"u" + delegator + candidate


def compute_moved_key(source: bytes, delegator: bytes, target: bytes) -> bytes:
    """Return the key of what a delegator redelegated from one candidate to another."""
    return b"r" + source + delegator + target


def compute_seat_key_key(seat_key: bytes) -> bytes:
    """Return the key under which a seat key's first use stands."""
    return b"k" + seat_key


@dataclass(slots=True)
class Candidate:
    """Who wants a seat. `stake` is all that is bonded to it, `self_stake` its owner's part.

    `index` counts rewards per unit of stake ever since, in 2^-64; `pot` holds what delegators
    have not claimed. `ready_epoch` is the newest epoch with a Ready, plus one; `jailed_until` the
    epoch from which Unjail is taken (0: not jailed); `missed` its missed leader views in
    `missed_epoch`. `slash_from` and `slash_epoch` enclose the epochs whose unbonding stake is
    slashed too.
    """

    operator: bytes
    seat_key: bytes
    name: str
    description: str
    commission_bp: int
    next_key: bytes = ZERO_HASH
    commission_changed_ms: int = 0
    stake: int = 0
    self_stake: int = 0
    ready_epoch: int = 0
    jailed_until: int = 0
    missed: int = 0
    missed_epoch: int = 0
    index: int = 0
    pot: int = 0
    commission_due: int = 0
    slash_from: int = 0
    slash_epoch: int = 0
    slash_bp: int = 0
    is_resigned: bool = False
    is_slashed: bool = False

    @property
    def is_standing(self) -> bool:
        """Whether it may be elected and delegated to at all."""
        return not (self.is_resigned or self.is_slashed)

    def encode(self) -> bytes:
        """Return the canonical record."""
        flags = RESIGNED * self.is_resigned + SLASHED * self.is_slashed
        head = _CANDIDATE.pack(
            _VERSION, flags, self.operator, self.seat_key, self.next_key, self.commission_bp,
            self.commission_changed_ms, self.stake, self.self_stake, self.ready_epoch,
            self.jailed_until, self.missed, self.missed_epoch, self.index.to_bytes(16, "big"),
            self.pot, self.commission_due, self.slash_from, self.slash_epoch, self.slash_bp,
        )  # fmt: skip
        return head + encode_blob(self.name.encode()) + encode_blob(self.description.encode())


def decode_candidate(record: bytes) -> Candidate:
    """Return the candidate of a record; raises MalformedBytes."""
    reader = Reader(record, "candidate")
    (
        version, flags, operator, seat_key, next_key, commission_bp, changed_ms, stake, self_stake,
        ready_epoch, jailed_until, missed, missed_epoch, index, pot, due, slash_from, slash_epoch,
        slash_bp,
    ) = _CANDIDATE.unpack(reader.take(_CANDIDATE.size))  # fmt: skip
    if version != _VERSION or flags > RESIGNED + SLASHED:
        raise reader.fail("unknown version or flags")
    try:
        name = reader.blob(NAME_BYTES_MAX).decode()
        description = reader.blob(DESCRIPTION_BYTES_MAX).decode()
    except UnicodeDecodeError as error:
        raise MalformedBytes("candidate", "its name is not UTF-8") from error
    reader.end()
    return Candidate(
        operator, seat_key, name, description, commission_bp, next_key, changed_ms, stake,
        self_stake, ready_epoch, jailed_until, missed, missed_epoch, int.from_bytes(index, "big"),
        pot, due, slash_from, slash_epoch, slash_bp, bool(flags & RESIGNED),
        bool(flags & SLASHED),
    )  # fmt: skip


class Standing(NamedTuple):
    """What an election looks at of a candidate."""

    flags: int
    seat_key: bytes
    stake: int
    self_stake: int
    ready_epoch: int
    jailed_until: int


def peek_candidate(record: bytes) -> Standing:
    """Return what an election looks at, at a tenth of the cost of decoding the whole record."""
    return Standing(*_STANDING.unpack_from(record))


@dataclass(slots=True)
class Delegation:
    """What a delegator has bonded to a candidate, and rewards that are settled and not claimed.

    `moved_epoch` is the epoch, plus one, in which it last got stake by redelegation; `is_cut`
    says that the candidate's slash is taken off already.
    """

    amount: int = 0
    index: int = 0
    due: int = 0
    moved_epoch: int = 0
    is_cut: bool = False

    def encode(self) -> bytes:
        """Return the canonical record; empty when there is nothing to keep."""
        if not (self.amount or self.due):
            return b""
        index = self.index.to_bytes(16, "big")
        return _DELEGATION.pack(
            _VERSION, self.amount, index, self.due, self.moved_epoch, self.is_cut
        )

    def settle(self, candidate: Candidate) -> None:
        """Count rewards up to now, and take off the candidate's slash once."""
        self.due += self.amount * (candidate.index - self.index) >> INDEX_SHIFT
        self.index = candidate.index
        if candidate.is_slashed and not self.is_cut:
            self.amount -= compute_cut(self.amount, candidate.slash_bp)
            self.is_cut = True


def decode_delegation(record: bytes) -> Delegation:
    """Return the delegation of a record, an empty one for b""; raises MalformedBytes."""
    if not record:
        return Delegation()
    if len(record) != _DELEGATION.size or record[0] != _VERSION or record[-1] > 1:
        raise MalformedBytes("delegation", f"{len(record)} bytes, or an unknown version")
    _, amount, index, due, moved_epoch, is_cut = _DELEGATION.unpack(record)
    return Delegation(amount, int.from_bytes(index, "big"), due, moved_epoch, bool(is_cut))


class Entry(NamedTuple):
    """An amount that began to unbond, or was redelegated, in an epoch."""

    epoch: int
    amount: int


def encode_entries(entries: list[Entry]) -> bytes:
    """Return the record of entries, which ascend by epoch; empty when there are none."""
    return b"".join([_ENTRY.pack(*entry) for entry in entries])


def decode_entries(record: bytes) -> list[Entry]:
    """Return the entries of a record; raises MalformedBytes."""
    if len(record) % _ENTRY.size:
        raise MalformedBytes("stake entries", f"{len(record)} bytes")
    return [Entry(*each) for each in _ENTRY.iter_unpack(record)]


def add_entry(entries: list[Entry], epoch: int, amount: int) -> bool:
    """Add to the newest entry when it is of this epoch, else append; False without room."""
    if entries and entries[-1].epoch == epoch:
        entries[-1] = Entry(epoch, entries[-1].amount + amount)
        return True
    entries.append(Entry(epoch, amount))
    return len(entries) <= ENTRIES_MAX


def compute_cut(amount: int, slash_bp: int) -> int:
    """Return what a slash takes of one holding: rounded up, so that parts never exceed a total."""
    return -(-amount * slash_bp // SHARE_BP)


def decode_count(record: bytes) -> int:
    """Return the number of standing candidates."""
    return int(U32.unpack(record)[0]) if record else 0


def encode_count(count: int) -> bytes:
    """Return the record of the number of standing candidates."""
    return U32.pack(count)
