"""The packed receipts of one block: columns, so that a block is one value and frames are slices.

Layout (big-endian, n = count): version u8, count u32, ids 32n, senders 32n, lanes n, sequences
8n, codes n, fees 8n, then for each DUPLICATE in order: position u32, id of the first 32.
Its hash is what headers claim (core/results.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from struct import pack as struct_pack
from struct import unpack_from as struct_unpack
from typing import Final

from quorate.core.codec import U64
from quorate.core.errors import MalformedBytes
from quorate.core.outcomes import DUPLICATE, OUTCOMES
from quorate.core.transition import Receipt

_VERSION: Final = 1
_HEAD: Final = Struct(">BI")
_FIRST: Final = Struct(">I32s")
# id, sender, lane, sequence, code, fee
_ROW_BYTES: Final = 32 + 32 + 1 + 8 + 1 + 8


@dataclass(frozen=True, slots=True)
class Receipts:
    """One block's receipts in columns of `count` entries; `first_ids` by position."""

    count: int
    ids: bytes
    senders: bytes
    lanes: bytes
    sequences: tuple[int, ...]
    codes: bytes
    fees: tuple[int, ...]
    first_ids: dict[int, bytes]


class Packer:
    """Packs a block's receipts in slices, in order of position."""

    def __init__(self) -> None:
        self._count = 0
        self._columns: tuple[list[bytes], ...] = tuple([] for _ in range(6))
        self._firsts: list[bytes] = []

    def add(self, receipts: Sequence[Receipt]) -> None:
        """Take the next receipts."""
        if not receipts:
            return
        ids, senders, lanes, sequences, codes, fees, firsts = zip(*receipts, strict=True)
        numbers = f">{len(receipts)}Q"
        parts = (
            b"".join(ids), b"".join(senders), bytes(lanes), struct_pack(numbers, *sequences),
            bytes(codes), struct_pack(numbers, *fees),
        )  # fmt: skip
        for column, part in zip(self._columns, parts, strict=True):
            column.append(part)
        for position, first in enumerate(firsts, self._count):
            if first:
                self._firsts.append(_FIRST.pack(position, first))
        self._count += len(receipts)

    def pack(self) -> bytes:
        """Return the canonical bytes of all receipts taken."""
        head = _HEAD.pack(_VERSION, self._count)
        return b"".join([head, *[p for column in self._columns for p in column], *self._firsts])


def pack_receipts(receipts: Sequence[Receipt]) -> bytes:
    """Return the canonical bytes of a block's receipts, in order of position."""
    packer = Packer()
    packer.add(receipts)
    return packer.pack()


def unpack_receipts(packed: bytes) -> Receipts:
    """Return the columns of a block's receipts; raises MalformedBytes."""
    if len(packed) < _HEAD.size:
        raise MalformedBytes("receipts", f"{len(packed)} bytes")
    version, count = _HEAD.unpack_from(packed)
    at = _HEAD.size
    rest = len(packed) - at - count * _ROW_BYTES
    if version != _VERSION or rest < 0 or rest % _FIRST.size:
        raise MalformedBytes("receipts", f"{len(packed)} bytes for {count} receipts")
    ids, senders = packed[at : at + 32 * count], packed[at + 32 * count : at + 64 * count]
    at += 64 * count
    lanes, numbers = packed[at : at + count], f">{count}Q"
    sequences = struct_unpack(numbers, packed, at + count)
    codes = packed[at + 9 * count : at + 10 * count]
    fees = struct_unpack(numbers, packed, at + 10 * count)
    if not all(code in OUTCOMES for code in codes):
        raise MalformedBytes("receipts", "unknown code")
    firsts = dict(_FIRST.iter_unpack(packed[at + 18 * count :]))
    return Receipts(count, ids, senders, lanes, sequences, codes, fees, firsts)


def find_receipt(packed: bytes, position: int) -> Receipt:
    """Return one receipt without unpacking the others; raises MalformedBytes."""
    _, count = _HEAD.unpack_from(packed)
    end = _HEAD.size + count * _ROW_BYTES
    if position >= count or len(packed) < end:
        raise MalformedBytes("receipts", f"no position {position} of {count}")
    at = _HEAD.size
    identity, sender = (
        packed[at + 32 * position :][:32],
        packed[at + 32 * (count + position) :][:32],
    )
    at += 64 * count
    sequence = int(U64.unpack_from(packed, at + count + 8 * position)[0])
    fee = int(U64.unpack_from(packed, at + 10 * count + 8 * position)[0])
    code, lane, first = packed[at + 9 * count + position], packed[at + position], b""
    if code == DUPLICATE:
        first = dict(_FIRST.iter_unpack(packed[end:])).get(position, b"")
    return Receipt(identity, sender, lane, sequence, code, fee, first)
