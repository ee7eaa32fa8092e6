"""Blocks: a header and the names of the batches it orders; certificates over headers.

Layout of a header (big-endian): protocol_version u16, contract_engine u16, epoch u64, view u64,
height u64, parent 32, parent_view u64, time_ms u64, proposer u16, batches_hash 32, weight u64,
base_fee u64, then what it claims about execution: height u64, write_digest 32, state_root 32
(zero: absent), receipts_root 32, next_set_hash 32 (zero: absent).
A block on the wire is header ‖ packed batch names.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from quorate.core import crypto
from quorate.core.codec import split_hashes
from quorate.core.errors import MalformedBytes
from quorate.core.params import SUPPLY_MAX, Params
from quorate.core.values import ZERO_HASH, Hash

_HEADER: Final = Struct(">HHQQQ32sQQH32sQQQ32s32s32s32s")
HEADER_BYTES: Final = _HEADER.size


@dataclass(frozen=True, slots=True)
class Executed:
    """What a header claims about execution up to `height` (rules in results.py)."""

    height: int
    write_digest: bytes
    state_root: bytes
    receipts_root: bytes
    next_set_hash: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """A block's header; its hash is the block's digest."""

    protocol_version: int
    contract_engine: int
    epoch: int
    view: int
    height: int
    parent: bytes
    parent_view: int
    time_ms: int
    proposer: int
    batches_hash: bytes
    weight: int
    base_fee: int
    executed: Executed

    def encode(self) -> bytes:
        """Return the canonical layout."""
        done = self.executed
        return _HEADER.pack(
            self.protocol_version, self.contract_engine, self.epoch, self.view, self.height,
            self.parent, self.parent_view, self.time_ms, self.proposer, self.batches_hash,
            self.weight, self.base_fee, done.height, done.write_digest, done.state_root,
            done.receipts_root, done.next_set_hash,
        )  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> "Header":
        """Return the header of exactly HEADER_BYTES bytes; raises MalformedBytes."""
        if len(data) != HEADER_BYTES:
            raise MalformedBytes("block header", f"{len(data)} bytes, not {HEADER_BYTES}")
        values = _HEADER.unpack(data)
        return cls(*(*values[:12], Executed(*values[12:])))


@dataclass(frozen=True, slots=True)
class Block:
    """A header, the names of its batches in order, and its digest."""

    header: Header
    batches: tuple[bytes, ...]
    digest: Hash

    def encode(self) -> bytes:
        """Return the bytes that travel and are stored."""
        return self.header.encode() + b"".join(self.batches)

    @classmethod
    def build(cls, header: Header, batches: tuple[bytes, ...]) -> "Block":
        """Return the block of a header and its batch names."""
        return cls(header, batches, compute_digest(header.encode()))

    @classmethod
    def decode(cls, data: bytes) -> "Block":
        """Return a block whose batch list matches its header; raises MalformedBytes."""
        encoded = data[:HEADER_BYTES]
        header = Header.decode(encoded)
        batches = tuple(split_hashes(data[HEADER_BYTES:], "block batches"))
        if compute_batches_hash(batches) != header.batches_hash:
            raise MalformedBytes("block", "batch list does not match its header")
        return cls(header, batches, compute_digest(encoded))


def compute_digest(encoded_header: bytes) -> Hash:
    """Return a block's digest: the hash of its encoded header."""
    return crypto.compute_hash(crypto.TAG_BLOCK, encoded_header)


def compute_batches_hash(batches: tuple[bytes, ...]) -> Hash:
    """Return the hash a header carries of its batch list."""
    return crypto.compute_hash(b"quorate/block-batches/v1", *batches)


def compute_base_fee(base_fee: int, weight: int, params: Params) -> int:
    """Return a child's base fee from its parent's base fee and declared weight.

    Moves by at most 1/8 towards keeping blocks half full (EIP-1559's rule, in integers). Never
    above the supply: faulty authors can fill blocks with what nobody pays for, and the header has
    64 bits for it (docs/protocol.md#F2).
    """
    target = params.block_weight_max // 2
    change = base_fee * (weight - target) // (target * 8)
    if weight > target:
        return min(base_fee + max(change, 1), SUPPLY_MAX)
    return max(base_fee + change, params.base_fee_min)


def build_root(genesis_hash: bytes, time_ms: int, params: Params) -> Block:
    """Return block 0, which nobody proposes: its digest is the genesis hash."""
    nothing = Executed(0, ZERO_HASH, ZERO_HASH, ZERO_HASH, ZERO_HASH)
    header = Header(
        params.protocol_version, params.contract_engine, 0, 0, 0, ZERO_HASH, 0, time_ms, 0,
        compute_batches_hash(()), 0, params.base_fee_min, nothing,
    )  # fmt: skip
    return Block(header, (), Hash(genesis_hash))
