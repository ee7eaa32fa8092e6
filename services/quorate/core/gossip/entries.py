"""What the mempool keeps of a transaction, a lane and an account; slotted, because there are many.

A `Checked` is what the verifier process returns per transaction (docs/protocol.md#T1 held): so the
main process never decodes a transaction itself.
"""

from collections.abc import Mapping
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

from quorate.core.codec import U64
from quorate.core.fees import PRICE_MAX, compute_price
from quorate.core.params import SUPPLY_MAX

# sender 32 ‖ lane u8 ‖ sequence u64: where a transaction stands; `slot` of what is below.
SLOT_BYTES: Final = 41
# id, slot, sequence, valid_until, fee_limit, tip, weight, spent, size, lane, key length, key,
# payload hash, whether it is a report. What the native order pads is left out (">").
RECORD: Final = Struct(">32s41sQQQQQQIBB64s32sB")
_SPENT_MAX: Final = 2**64 - 1


class Checked(NamedTuple):
    """A transaction that passed every check that needs no state.

    `spent` is what its transfers take from the sender, without fee; `idempotency_key` is padded,
    its first `key_bytes` bytes count. A report brings evidence, and is free.
    """

    id: bytes
    slot: bytes
    sequence: int
    valid_until: int
    fee_limit: int
    tip: int
    weight: int
    spent: int
    size: int
    lane: int
    key_bytes: int
    idempotency_key: bytes
    payload_hash: bytes
    is_report: int = 0

    @property
    def sender(self) -> bytes:
        """The sender's address."""
        return self.slot[:32]

    @property
    def scoped_key(self) -> bytes:
        """Sender ‖ idempotency key, or b"" when it has none."""
        if not self.key_bytes:
            return b""
        return self.slot[:32] + self.idempotency_key[: self.key_bytes]

    def pack(self) -> bytes:
        """Return the record's bytes."""
        return RECORD.pack(*self[:7], min(self.spent, _SPENT_MAX), *self[8:])


def build_slot(sender: bytes, lane: int, sequence: int) -> bytes:
    """Return the key of a place in a lane."""
    return sender + bytes((lane,)) + U64.pack(sequence)


def unpack_records(packed: bytes) -> list[Checked]:
    """Return the records of packed bytes."""
    return [Checked._make(values) for values in RECORD.iter_unpack(packed)]


class Refusal(NamedTuple):
    """Why a transaction is not taken: UPPER_SNAKE reason, text for people, typed details."""

    reason: str
    message: str
    fields: Mapping[str, str]


class State(IntEnum):
    """Where an own transaction is."""

    WAITING = 0
    BATCHED = 1
    GONE = 2


class Entry:
    """A transaction of the mempool; `cost` is the most it can take from its sender.

    `price` is what it pays for its place, `base_fee_max` the highest base fee that its fee limit
    covers. A report is free, and goes before all others.
    """

    __slots__ = (
        "base_fee_max", "batch", "cost", "fee_limit", "id", "lane", "price", "raw", "scoped_key",
        "sequence", "size", "slot", "spent", "state", "tip", "valid_until", "weight",
    )  # fmt: skip

    def __init__(self, raw: bytes, checked: Checked, lane: "Lane") -> None:
        self.raw, self.lane, self.batch = raw, lane, b""
        (
            self.id, self.slot, self.sequence, self.valid_until, self.fee_limit, self.tip,
            self.weight, self.spent, self.size,
        ) = checked[:9]  # fmt: skip
        self.cost = checked[4] + checked[5] + checked[7]
        if checked[13]:
            self.price, self.base_fee_max = PRICE_MAX, SUPPLY_MAX
        else:
            self.price = compute_price(checked[5], checked[6])
            self.base_fee_max = checked[4] // checked[6]
        self.scoped_key = checked.scoped_key if checked[10] else b""
        self.state = State.WAITING


class Lane:
    """A sender's lane: [cursor, end) is present without gaps, own entries or others' batches.

    `next` is the next sequence to be executed, `cursor` the next to be batched, `end` the first
    that is missing; no entry stands behind `last`. `ready_bytes` and `ready_weight` are those of
    waiting own entries in [cursor, end). It is queued at a price, or held because its head does not
    cover the base fee.
    """

    __slots__ = (
        "account", "cursor", "end", "entries", "held_fee", "is_held", "is_queued", "last", "next",
        "prefix", "price", "ready_bytes", "ready_weight", "rung",
    )  # fmt: skip

    def __init__(self, account: "Account", number: int, next_sequence: int) -> None:
        self.account = account
        self.prefix = account.sender + bytes((number,))
        self.next = self.cursor = self.end = self.last = next_sequence
        self.entries: dict[int, Entry] = {}
        self.is_queued = self.is_held = False
        self.price = self.rung = self.held_fee = self.ready_bytes = self.ready_weight = 0


class Account:
    """What is known of a sender: state as read at `height`, kept up to date by executed blocks."""

    __slots__ = (
        "balance", "bytes", "count", "height", "is_stale", "lanes", "nexts", "reserved", "sender",
    )  # fmt: skip

    def __init__(self, sender: bytes) -> None:
        self.sender = sender
        self.balance = self.reserved = self.height = 0
        # It may hold less than `balance`: somebody else's batch spent of it.
        self.is_stale = False
        self.count = self.bytes = 0
        self.nexts: dict[int, int] = {}
        self.lanes: dict[int, Lane] = {}
