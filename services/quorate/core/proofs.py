"""The finality receipt: proof, without a network, of what became of a transaction.

It holds a chain of seat sets from one that the reader trusts, a final header of the last of these
epochs, and a path from that header to the transaction's receipt (docs/protocol.md#Q4).

Layout (big-endian), nothing optional, nothing free:

    receipt         version u8, origin (origin.py), chain, signed header, inclusion
    chain           set behind a u32 length, links u16, then per link: signed header, next set
                    behind a u32 length
    signed header   header 338, bitmap ⌈seats/8⌉, signatures 64 each: exactly q of them
    inclusion       height u64, position u32, count u32, receipt (receipts.py), path hashes 32
                    each: first within the block, then among the blocks

What can be computed is not in it: digests, epochs and views of certificates, lengths of paths. So
one proof has one encoding. Verification is in proofs_verify.py.
"""

from dataclasses import dataclass
from typing import Final

from quorate.core.applied import Receipt
from quorate.core.bft.finality import Finality
from quorate.core.blocks import HEADER_BYTES, Header
from quorate.core.codec import U16, U32, U64, Reader, encode_blob
from quorate.core.errors import MalformedBytes
from quorate.core.merkle import compute_depth
from quorate.core.origin import Origin, read_origin
from quorate.core.receipts import encode_receipt, read_receipt
from quorate.core.seats import SeatSet
from quorate.core.values import HASH_BYTES, compute_quorum

VERSION: Final = 1
# An epoch of 100 seats takes 14 KB: enough for as many epochs as stake stays bound.
RECEIPT_BYTES_MAX: Final = 4 * 1024 * 1024
_SET_BYTES_MAX: Final = 128 * 1024
_SIGNATURE_BYTES: Final = 64
_WHAT: Final = "finality receipt"


@dataclass(frozen=True, slots=True)
class SignedHeader:
    """A header, a tail block's too, and a finalize by exactly a quorum of its epoch's seats.

    `signatures` are (seat, signature) in seat order; `seats` is how many the set has.
    """

    header: Header
    seats: int
    signatures: tuple[tuple[int, bytes], ...]

    def encode(self) -> bytes:
        """Return the canonical layout."""
        bitmap = sum(1 << seat for seat, _ in self.signatures)
        packed = bitmap.to_bytes((self.seats + 7) // 8, "little")
        return self.header.encode() + packed + b"".join([each for _, each in self.signatures])


@dataclass(frozen=True, slots=True)
class Link:
    """A final header of one epoch, whose claim carries the hash of the next epoch's set."""

    signed: SignedHeader
    next_set: SeatSet


@dataclass(frozen=True, slots=True)
class SetChain:
    """The set of an epoch that the reader trusts, and those after it, one link each."""

    first: SeatSet
    links: tuple[Link, ...] = ()

    @property
    def last(self) -> SeatSet:
        """The newest set."""
        return self.links[-1].next_set if self.links else self.first

    def encode(self) -> bytes:
        """Return the canonical layout."""
        parts = [encode_blob(self.first.encode()), U16.pack(len(self.links))]
        for link in self.links:
            parts += [link.signed.encode(), encode_blob(link.next_set.encode())]
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Where a receipt stands, and the paths from it to the root that a header claims.

    `count` is how many receipts the block at `height` has; paths run from leaf to root.
    """

    height: int
    position: int
    count: int
    receipt: Receipt
    block_path: tuple[bytes, ...]
    chain_path: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Return the canonical layout."""
        place = U64.pack(self.height) + U32.pack(self.position) + U32.pack(self.count)
        receipt = encode_receipt(self.receipt)
        return b"".join([place, receipt, *self.block_path, *self.chain_path])


@dataclass(frozen=True, slots=True)
class FinalityReceipt:
    """All of it; `signed` is of the epoch of the chain's last set."""

    origin: Origin
    chain: SetChain
    signed: SignedHeader
    inclusion: Inclusion

    def encode(self) -> bytes:
        """Return the canonical layout."""
        parts = (self.origin, self.chain, self.signed, self.inclusion)
        return bytes((VERSION,)) + b"".join([part.encode() for part in parts])

    @classmethod
    def decode(cls, data: bytes) -> "FinalityReceipt":
        """Return the receipt of these bytes; raises MalformedBytes."""
        if len(data) > RECEIPT_BYTES_MAX:
            raise MalformedBytes(_WHAT, f"{len(data)} bytes, more than {RECEIPT_BYTES_MAX}")
        reader = Reader(data, _WHAT)
        version = reader.u8()
        if version != VERSION:
            raise reader.fail(f"version {version} is not known")
        origin, chain = read_origin(reader), _read_chain(reader)
        signed = _read_signed_header(reader, chain.last)
        inclusion = _read_inclusion(reader, signed.header.executed.height)
        reader.end()
        return cls(origin, chain, signed, inclusion)


def build_signed_header(header: Header, finality: Finality, seats: SeatSet) -> SignedHeader:
    """Return what a block's finality proves: its header, or that of the tail block it is for.

    A tail block claims what the block before it claims, so it proves the same. Of a certificate
    the first q signatures are taken: with more, one could be left out and nobody would notice.
    """
    quorum, count = compute_quorum(len(seats.seats)), len(seats.seats)
    signatures = finality.certificate.signatures[:quorum]
    return SignedHeader(finality.tail or header, count, tuple(signatures))


def _read_signed_header(reader: Reader, seats: SeatSet) -> SignedHeader:
    header, count = Header.decode(reader.take(HEADER_BYTES)), len(seats.seats)
    bitmap = int.from_bytes(reader.take((count + 7) // 8), "little")
    if bitmap >> count or bitmap.bit_count() != compute_quorum(count):
        raise reader.fail(f"not signed by exactly {compute_quorum(count)} of {count} seats")
    voters = [seat for seat in range(count) if bitmap >> seat & 1]
    signatures = tuple([(seat, reader.take(_SIGNATURE_BYTES)) for seat in voters])
    return SignedHeader(header, count, signatures)


def _read_chain(reader: Reader) -> SetChain:
    first = current = SeatSet.decode(reader.blob(_SET_BYTES_MAX))
    links = list[Link]()
    for _ in range(reader.u16()):
        signed = _read_signed_header(reader, current)
        current = SeatSet.decode(reader.blob(_SET_BYTES_MAX))
        links.append(Link(signed, current))
    return SetChain(first, tuple(links))


def _read_inclusion(reader: Reader, claimed_height: int) -> Inclusion:
    height, position, count = reader.u64(), reader.u32(), reader.u32()
    if not 1 <= height <= claimed_height or position >= count:
        raise reader.fail("proves a place that the header's claim does not cover")
    receipt = read_receipt(reader)
    block_path = _read_path(reader, position, count)
    return Inclusion(
        height, position, count, receipt, block_path,
        _read_path(reader, height - 1, claimed_height),
    )  # fmt: skip


def _read_path(reader: Reader, index: int, size: int) -> tuple[bytes, ...]:
    return tuple([reader.take(HASH_BYTES) for _ in range(compute_depth(index, size))])
