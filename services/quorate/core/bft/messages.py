"""What engines say to each other: canonical layouts, first byte the kind.

Vote: kind u8 (NOTARIZE, NULLIFY or FINALIZE), epoch u64, view u64, digest 32 (zero for nullify),
seat u16, signature 64. Certificate: CERTIFICATE u8, kind u8, epoch u64, view u64, digest 32,
seats u16, bitmap ⌈seats/8⌉, signatures 64 each. Proposal: PROPOSAL u8, signature 64, block.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from operator import attrgetter
from struct import Struct
from typing import Final

from quorate.core import crypto
from quorate.core.blocks import Block
from quorate.core.codec import U16, U64, Reader, encode_blob
from quorate.core.errors import MalformedBytes
from quorate.core.params import SEATS_MAX
from quorate.core.values import ZERO_HASH

RANGE_MAX: Final = 64
_PLACE: Final = Struct(">QQ")


class Kind(IntEnum):
    """First byte of a message; the first four are what a seat can sign in a view."""

    PROPOSAL = 1
    NOTARIZE = 2
    NULLIFY = 3
    FINALIZE = 4
    CERTIFICATE = 5
    PROOF_REQUEST = 6
    SEAT_QUERY = 7
    SEAT_ANSWER = 8
    FINALITY = 9


TAGS: Final = {
    Kind.PROPOSAL: crypto.TAG_PROPOSAL,
    Kind.NOTARIZE: crypto.TAG_NOTARIZE,
    Kind.NULLIFY: crypto.TAG_NULLIFY,
    Kind.FINALIZE: crypto.TAG_FINALIZE,
}


def encode_statement(epoch: int, view: int, digest: bytes) -> bytes:
    """Return what every consensus signature covers besides its purpose and domain."""
    return _PLACE.pack(epoch, view) + digest


@dataclass(frozen=True, slots=True)
class Vote:
    """One seat's notarize, nullify or finalize in a view."""

    kind: Kind
    epoch: int
    view: int
    digest: bytes
    seat: int
    signature: bytes

    def encode(self) -> bytes:
        """Return the canonical layout."""
        statement = encode_statement(self.epoch, self.view, self.digest)
        return bytes((self.kind,)) + statement + U16.pack(self.seat) + self.signature


@dataclass(frozen=True, slots=True)
class Proposal:
    """A leader's block for a view; epoch, view and seat stand in the block's header."""

    block: Block
    signature: bytes

    @property
    def kind(self) -> Kind:
        """What it is, as a vote says it."""
        return Kind.PROPOSAL

    @property
    def epoch(self) -> int:
        """The epoch of its block."""
        return self.block.header.epoch

    @property
    def view(self) -> int:
        """The view of its block."""
        return self.block.header.view

    @property
    def digest(self) -> bytes:
        """What it is about."""
        return self.block.digest

    def encode(self) -> bytes:
        """Return the canonical layout."""
        return bytes((Kind.PROPOSAL,)) + self.signature + self.block.encode()


@dataclass(frozen=True, slots=True)
class Certificate:
    """A quorum's notarizes, nullifies or finalizes of one statement."""

    kind: Kind
    epoch: int
    view: int
    digest: bytes
    seats: int
    signatures: tuple[tuple[int, bytes], ...]

    def encode(self) -> bytes:
        """Return the canonical layout; signatures stand in seat order."""
        bitmap = bytearray((self.seats + 7) // 8)
        for seat, _ in self.signatures:
            bitmap[seat // 8] |= 1 << (seat % 8)
        head = bytes((Kind.CERTIFICATE, self.kind))
        statement = encode_statement(self.epoch, self.view, self.digest)
        signatures = b"".join(signature for _, signature in self.signatures)
        return head + statement + U16.pack(self.seats) + bytes(bitmap) + signatures


@dataclass(frozen=True, slots=True)
class ProofRequest:
    """Asks for what proves a parent: its block and notarization, and nullifications after it.

    The answer is ordinary proposals and certificates for views `from_view`..`to_view`, at most
    RANGE_MAX views of them.
    """

    epoch: int
    from_view: int
    to_view: int

    def encode(self) -> bytes:
        """Return the canonical layout."""
        head = bytes((Kind.PROOF_REQUEST,)) + U64.pack(self.epoch)
        return head + U64.pack(self.from_view) + U64.pack(self.to_view)


@dataclass(frozen=True, slots=True)
class SeatQuery:
    """A seat that starts asks what others have seen of it (docs/protocol.md#L4)."""

    epoch: int
    seat: int

    def encode(self) -> bytes:
        """Return the canonical layout."""
        return bytes((Kind.SEAT_QUERY,)) + U64.pack(self.epoch) + U16.pack(self.seat)


@dataclass(frozen=True, slots=True)
class SeatAnswer:
    """The message of the highest view seen of a seat in an epoch, verbatim; empty: none seen."""

    epoch: int
    seat: int
    message: bytes

    def encode(self) -> bytes:
        """Return the canonical layout."""
        head = bytes((Kind.SEAT_ANSWER,)) + U64.pack(self.epoch) + U16.pack(self.seat)
        return head + encode_blob(self.message)


Message = Vote | Proposal | Certificate | ProofRequest | SeatQuery | SeatAnswer


# The epoch a message belongs to; in C, because every message is asked several times.
get_epoch: Callable[[Message], int] = attrgetter("epoch")


def decode_message(data: bytes) -> Message:
    """Return the message of these bytes; raises MalformedBytes."""
    reader = Reader(data, "consensus message")
    try:
        kind = Kind(reader.u8())
    except ValueError as error:
        raise MalformedBytes("consensus message", "unknown kind") from error
    message: Message
    match kind:
        case Kind.PROPOSAL:
            signature = reader.take(crypto.SIGNATURE_BYTES)
            message = Proposal(Block.decode(reader.rest()), signature)
        case Kind.NOTARIZE | Kind.NULLIFY | Kind.FINALIZE:
            message = _decode_vote(kind, reader)
        case Kind.CERTIFICATE:
            message = _decode_certificate(reader)
        case Kind.PROOF_REQUEST:
            message = ProofRequest(reader.u64(), reader.u64(), reader.u64())
        case Kind.SEAT_QUERY:
            message = SeatQuery(reader.u64(), reader.u16())
        case Kind.SEAT_ANSWER:
            message = SeatAnswer(reader.u64(), reader.u16(), reader.blob(65_536))
        case Kind.FINALITY:
            raise reader.fail("a finality travels in blocks only")
    reader.end()
    return message


def decode_certificate(data: bytes) -> Certificate:
    """Return the certificate of these bytes; raises MalformedBytes for anything else."""
    message = decode_message(data)
    if not isinstance(message, Certificate):
        raise MalformedBytes("certificate", "is another kind of message")
    return message


def _decode_vote(kind: Kind, reader: Reader) -> Vote:
    epoch, view, digest = reader.u64(), reader.u64(), reader.take(32)
    if kind is Kind.NULLIFY and digest != ZERO_HASH:
        raise reader.fail("a nullify names a block")
    return Vote(kind, epoch, view, digest, reader.u16(), reader.take(crypto.SIGNATURE_BYTES))


def _decode_certificate(reader: Reader) -> Certificate:
    kind = reader.u8()
    if kind not in (Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE):
        raise reader.fail(f"certificate of kind {kind}")
    epoch, view, digest, seats = reader.u64(), reader.u64(), reader.take(32), reader.u16()
    if not 1 <= seats <= SEATS_MAX:
        raise reader.fail(f"{seats} seats")
    bitmap = reader.take((seats + 7) // 8)
    if int.from_bytes(bitmap, "little") >> seats:
        raise reader.fail("bitmap names a seat that is not in the set")
    voters = [seat for seat in range(seats) if bitmap[seat // 8] >> (seat % 8) & 1]
    signatures = tuple((seat, reader.take(crypto.SIGNATURE_BYTES)) for seat in voters)
    if Kind(kind) is Kind.NULLIFY and digest != ZERO_HASH:
        raise reader.fail("a nullification names a block")
    return Certificate(Kind(kind), epoch, view, digest, seats, signatures)
