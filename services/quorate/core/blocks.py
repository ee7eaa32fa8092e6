"""Blocks: a header and the names of the batches it orders; certificates over headers.

Layout of a header (big-endian): protocol_version u16, contract_engine u16, epoch u64, view u64,
height u64, parent 32, parent_view u64, time_ms u64, proposer u16, batches_hash 32, weight u64,
base_fee u64, last_block 32, handover_hash 32, what it suspects: height u64, position u32 (zero:
nothing), then what it claims about execution: height u64, write_digest 32, state_root 32 (zero:
absent), receipts_root 32, next_set_hash 32.
A block on the wire is header ‖ handover behind a u32 length ‖ packed batch names.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

from quorate.core import crypto
from quorate.core.codec import Reader, encode_blob, split_hashes
from quorate.core.errors import MalformedBytes
from quorate.core.params import SUPPLY_MAX, Params
from quorate.core.values import ZERO_HASH, Hash

_HEADER: Final = Struct(">HHQQQ32sQQH32sQQ32s32sQIQ32s32s32s32s")
HEADER_BYTES: Final = _HEADER.size
# A certificate of SEATS_MAX signatures behind a tail block's header fits.
HANDOVER_BYTES_MAX: Final = 65_536


@dataclass(frozen=True, slots=True)
class Executed:
    """What a header claims about execution up to `height` (rules in results.py)."""

    height: int
    write_digest: bytes
    state_root: bytes
    receipts_root: bytes
    next_set_hash: bytes


class Suspect(NamedTuple):
    """The call at which the proposer's own contract-runner dies (docs/protocol.md#Z1).

    `height` of its block, and `position` of its transaction there; zeros: none does.
    """

    height: int
    position: int


NO_SUSPECT: Final = Suspect(0, 0)


@dataclass(frozen=True, slots=True)
class Header:
    """A block's header; its hash is the block's digest.

    `last_block` is zero but in a tail block, where it names the epoch's last block;
    `handover_hash` is zero but in an epoch's first block (docs/protocol.md#N2, #N3).
    """

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
    last_block: bytes
    handover_hash: bytes
    executed: Executed
    suspect: Suspect = NO_SUSPECT

    def encode(self) -> bytes:
        """Return the canonical layout."""
        done = self.executed
        return _HEADER.pack(
            self.protocol_version, self.contract_engine, self.epoch, self.view, self.height,
            self.parent, self.parent_view, self.time_ms, self.proposer, self.batches_hash,
            self.weight, self.base_fee, self.last_block, self.handover_hash, *self.suspect,
            done.height, done.write_digest, done.state_root, done.receipts_root,
            done.next_set_hash,
        )  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> "Header":
        """Return the header of exactly HEADER_BYTES bytes; raises MalformedBytes."""
        if len(data) != HEADER_BYTES:
            raise MalformedBytes("block header", f"{len(data)} bytes, not {HEADER_BYTES}")
        values = _HEADER.unpack(data)
        done, suspect = Executed(*values[16:]), Suspect(*values[14:16])
        return cls(*(*values[:14], done, suspect))


@dataclass(frozen=True, slots=True)
class Block:
    """A header, the names of its batches in order, and its digest.

    `handover` is the encoded proof that the epoch before is over; only an epoch's first block
    carries one.
    """

    header: Header
    batches: tuple[bytes, ...]
    digest: Hash
    handover: bytes = b""

    @property
    def is_tail(self) -> bool:
        """Tell whether this block only helps to finalize its epoch's last block."""
        return self.header.last_block != ZERO_HASH

    def encode(self) -> bytes:
        """Return the bytes that travel and are stored."""
        return self.header.encode() + encode_blob(self.handover) + b"".join(self.batches)

    @classmethod
    def build(cls, header: Header, batches: tuple[bytes, ...], handover: bytes = b"") -> "Block":
        """Return the block of a header, its batch names and its handover."""
        return cls(header, batches, compute_digest(header.encode()), handover)

    @classmethod
    def decode(cls, data: bytes) -> "Block":
        """Return a block whose body matches its header; raises MalformedBytes."""
        encoded = data[:HEADER_BYTES]
        header = Header.decode(encoded)
        handover, names = split_body(data)
        batches = tuple(split_hashes(names, "block batches"))
        if compute_batches_hash(batches) != header.batches_hash:
            raise MalformedBytes("block", "batch list does not match its header")
        if compute_handover_hash(handover) != header.handover_hash:
            raise MalformedBytes("block", "handover does not match its header")
        return cls(header, batches, compute_digest(encoded), handover)


def split_body(data: bytes) -> tuple[bytes, bytes]:
    """Return the handover and the packed batch names of an encoded block."""
    reader = Reader(data, "block")
    reader.take(HEADER_BYTES)
    return reader.blob(HANDOVER_BYTES_MAX), reader.rest()


def compute_digest(encoded_header: bytes) -> Hash:
    """Return a block's digest: the hash of its encoded header."""
    return crypto.compute_hash(crypto.TAG_BLOCK, encoded_header)


def compute_batches_hash(batches: tuple[bytes, ...]) -> Hash:
    """Return the hash a header carries of its batch list."""
    return crypto.compute_hash(b"quorate/block-batches/v1", *batches)


def compute_handover_hash(handover: bytes) -> Hash:
    """Return the hash a header carries of its handover; zero when there is none."""
    if not handover:
        return ZERO_HASH
    return crypto.compute_hash(b"quorate/handover/v1", handover)


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


def build_root(
    genesis_hash: bytes,
    time_ms: int,
    params: Params,
    next_set_hash: bytes = ZERO_HASH,
    *,
    height: int = 0,
    epoch: int = 0,
) -> Block:
    """Return the block before the first, which nobody proposes: its digest is the genesis hash.

    It counts as the last block before the first epoch, so it claims the set of the one after that.
    It is block 0 of epoch 0, but for a forked chain, which goes on where it was cut off.
    """
    nothing = Executed(height, ZERO_HASH, ZERO_HASH, ZERO_HASH, next_set_hash)
    header = Header(
        params.protocol_version, params.contract_engine, epoch, 0, height, ZERO_HASH, 0, time_ms, 0,
        compute_batches_hash(()), 0, params.base_fee_min, ZERO_HASH, ZERO_HASH, nothing,
    )  # fmt: skip
    return Block(header, (), Hash(genesis_hash))
