"""The packed receipts of one block: columns, so that a block is one value and frames are slices.

Layout (big-endian, n = count): version u8, count u32, ids 32n, senders 32n, lanes n, sequences
8n, codes n, fees 8n, then for each receipt with a reference in order: position u32, reference 32.

A block's receipts hash is over their count and the root of a tree (core/merkle.py) with one leaf
per receipt, in order of position (docs/protocol.md#Q1): so a single receipt can be proved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from struct import pack as struct_pack
from struct import unpack_from as struct_unpack
from typing import Final

from quorate.core import crypto
from quorate.core.applied import Receipt
from quorate.core.applying import SLICE
from quorate.core.codec import U32, U64, Reader
from quorate.core.errors import MalformedBytes
from quorate.core.merkle import Tree
from quorate.core.outcomes import OUTCOMES, has_reference
from quorate.core.values import Hash

_VERSION: Final = 1
_HEAD: Final = Struct(">BI")
_REFERENCE: Final = Struct(">I32s")
# id, sender, lane, sequence, code, fee
_ROW: Final = Struct(">32s32sBQBQ")
_ROW_BYTES: Final = _ROW.size
_TAG_LEAF: Final = b"quorate/receipt/v1"
# One leaf per transaction executed: packed with its tag in one go, as crypto.compute_hash has it.
_LEAF_PREFIX: Final = bytes((len(_TAG_LEAF),)) + _TAG_LEAF
_LEAF: Final = Struct(f">{len(_LEAF_PREFIX)}s32s32sBQBQ")


@dataclass(frozen=True, slots=True)
class Receipts:
    """One block's receipts in columns of `count` entries; `references` by position."""

    count: int
    ids: bytes
    senders: bytes
    lanes: bytes
    sequences: tuple[int, ...]
    codes: bytes
    fees: tuple[int, ...]
    references: dict[int, bytes]

    def list_slice(self, start: int, end: int) -> list[Receipt]:
        """Return the receipts from position `start` on, up to `end`."""
        at = range(start, min(end, self.count))
        return [
            Receipt(
                self.ids[32 * i : 32 * i + 32], self.senders[32 * i : 32 * i + 32], self.lanes[i],
                self.sequences[i], self.codes[i], self.fees[i], self.references.get(i, b""),
            )
            for i in at
        ]  # fmt: skip


class Packer:
    """Packs and hashes a block's receipts in slices, in order of position."""

    def __init__(self) -> None:
        self._tree = Tree()
        self._columns: tuple[list[bytes], ...] = tuple([] for _ in range(6))
        self._references: list[bytes] = []

    def add(self, receipts: Sequence[Receipt]) -> None:
        """Take the next receipts."""
        if not receipts:
            return
        ids, senders, lanes, sequences, codes, fees, references = zip(*receipts, strict=True)
        numbers = f">{len(receipts)}Q"
        parts = (
            b"".join(ids), b"".join(senders), bytes(lanes), struct_pack(numbers, *sequences),
            bytes(codes), struct_pack(numbers, *fees),
        )  # fmt: skip
        for column, part in zip(self._columns, parts, strict=True):
            column.append(part)
        for position, reference in enumerate(references, self._tree.size):
            if reference:
                self._references.append(_REFERENCE.pack(position, reference))
        self._tree.extend(compute_leaves(receipts))

    def pack(self) -> bytes:
        """Return the canonical bytes of all receipts taken."""
        head = _HEAD.pack(_VERSION, self._tree.size)
        return b"".join([head, *[p for column in self._columns for p in column], *self._references])

    def compute_hash(self) -> Hash:
        """Return the receipts hash of the block."""
        return compute_receipts_hash(self._tree.size, self._tree.compute_root())


def compute_leaves(receipts: Sequence[Receipt]) -> list[bytes]:
    """Return the hash of each receipt in its canonical layout, which `encode_receipt` gives."""
    pack, prefix = _LEAF.pack, _LEAF_PREFIX
    return [
        sha256(pack(prefix, i, sender, lane, sequence, code, fee) + reference).digest()
        for i, sender, lane, sequence, code, fee, reference in receipts
    ]


def compute_receipts_hash(count: int, root: bytes) -> Hash:
    """Return a block's receipts hash: it binds the count, without which a path says little."""
    return crypto.compute_hash(b"quorate/receipts/v2", U32.pack(count), root)


def encode_receipt(receipt: Receipt) -> bytes:
    """Return the layout that a leaf is the hash of: one row, behind it the reference if it has one.

    Which codes have one: outcomes.has_reference.
    """
    return _ROW.pack(*receipt[:6]) + receipt.reference


def read_receipt(reader: Reader) -> Receipt:
    """Return the receipt that comes next; raises MalformedBytes."""
    identity, sender, lane, sequence, code, fee = _ROW.unpack(reader.take(_ROW_BYTES))
    reference = reader.take(32) if has_reference(code) else b""
    return Receipt(identity, sender, lane, sequence, code, fee, reference)


def pack_receipts(receipts: Sequence[Receipt]) -> bytes:
    """Return the canonical bytes of a block's receipts, in order of position."""
    packer = Packer()
    packer.add(receipts)
    return packer.pack()


def hash_receipts(packed: bytes) -> Hash:
    """Return the receipts hash of a block from its packed receipts; raises MalformedBytes."""
    tree, receipts = Tree(), unpack_receipts(packed)
    for start in range(0, receipts.count, SLICE):
        tree.extend(compute_leaves(receipts.list_slice(start, start + SLICE)))
    return compute_receipts_hash(tree.size, tree.compute_root())


def unpack_receipts(packed: bytes) -> Receipts:
    """Return the columns of a block's receipts; raises MalformedBytes."""
    if len(packed) < _HEAD.size:
        raise MalformedBytes("receipts", f"{len(packed)} bytes")
    version, count = _HEAD.unpack_from(packed)
    at = _HEAD.size
    rest = len(packed) - at - count * _ROW_BYTES
    if version != _VERSION or rest < 0 or rest % _REFERENCE.size:
        raise MalformedBytes("receipts", f"{len(packed)} bytes for {count} receipts")
    ids, senders = packed[at : at + 32 * count], packed[at + 32 * count : at + 64 * count]
    at += 64 * count
    lanes, numbers = packed[at : at + count], f">{count}Q"
    sequences = struct_unpack(numbers, packed, at + count)
    codes = packed[at + 9 * count : at + 10 * count]
    fees = struct_unpack(numbers, packed, at + 10 * count)
    if not all(code in OUTCOMES for code in codes):
        raise MalformedBytes("receipts", "unknown code")
    references = dict(_REFERENCE.iter_unpack(packed[at + 18 * count :]))
    return Receipts(count, ids, senders, lanes, sequences, codes, fees, references)


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
    code, lane, reference = packed[at + 9 * count + position], packed[at + position], b""
    if has_reference(code):
        reference = dict(_REFERENCE.iter_unpack(packed[end:])).get(position, b"")
    return Receipt(identity, sender, lane, sequence, code, fee, reference)
