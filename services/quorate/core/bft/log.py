"""What the vote log holds, as keys and values; the driver only stores them (docs/protocol.md#L2).

Keys sort by epoch and view, `at` = epoch u64 ‖ view u64: b"v" ‖ at ‖ kind u8 for own messages
verbatim, b"b" ‖ at ‖ digest for blocks with the leader's signature, b"c" ‖ at ‖ kind for
certificates, b"a" ‖ at ‖ seat u16 ‖ kind ‖ digest[:8] for the audit log of messages received.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from struct import Struct
from typing import Final

from quorate.core.bft.evidence import Signed, get_digest, get_kind, get_view
from quorate.core.bft.messages import Certificate, Proposal, Vote, decode_message, get_epoch
from quorate.core.codec import U16

Record = tuple[bytes, bytes]
_PLACE: Final = Struct(">QQ")


def record_own(message: Signed) -> Record:
    """Return the record of an own proposal or vote, verbatim."""
    at = encode_place(get_epoch(message), get_view(message))
    return b"v" + at + bytes((get_kind(message),)), message.encode()


def record_block(proposal: Proposal) -> Record:
    """Return the record of the block that an own notarize is for, header and batch list."""
    at = encode_place(get_epoch(proposal), get_view(proposal))
    return b"b" + at + proposal.block.digest, proposal.encode()


def record_certificate(certificate: Certificate) -> Record:
    """Return the record of a certificate that an own vote may depend on."""
    at = encode_place(certificate.epoch, certificate.view)
    return b"c" + at + bytes((certificate.kind,)), certificate.encode()


def record_audit(seat: int, message: Signed) -> Record:
    """Return the record of another seat's signed message."""
    key = b"a" + encode_place(get_epoch(message), get_view(message)) + U16.pack(seat)
    return key + bytes((get_kind(message),)) + get_digest(message)[:8], message.encode()


def encode_place(epoch: int, view: int) -> bytes:
    """Return the part of a key that sorts records: epoch, then view."""
    return _PLACE.pack(epoch, view)


def compute_prune_ranges(epoch: int, view: int) -> tuple[tuple[bytes, bytes], ...]:
    """Return the key ranges [from, to) that may go once everything up to a view is synced."""
    return tuple((kind, kind + encode_place(epoch, view + 1)) for kind in (b"v", b"b", b"c"))


@dataclass(slots=True)
class Restored:
    """What was read back: own messages, blocks, certificates, and others' newest messages."""

    own: list[Signed] = field(default_factory=list)
    blocks: list[Proposal] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    seen: list[tuple[int, Signed]] = field(default_factory=list)

    def pick(self, epoch: int) -> "Restored":
        """Return the part that belongs to one epoch."""
        return self._filter(lambda each: get_epoch(each) == epoch)

    def drop(self, epoch: int) -> "Restored":
        """Return the part that belongs to later epochs."""
        return self._filter(lambda each: get_epoch(each) > epoch)

    def _filter(self, wanted: Callable[[Signed | Certificate], bool]) -> "Restored":
        return Restored(
            [each for each in self.own if wanted(each)],
            [each for each in self.blocks if wanted(each)],
            [each for each in self.certificates if wanted(each)],
            [(seat, each) for seat, each in self.seen if wanted(each)],
        )


def restore(records: Iterable[Record]) -> Restored:
    """Return what a log holds; raises MalformedBytes when a record does not parse."""
    restored = Restored()
    for key, value in records:
        message = decode_message(value)
        match key[:1], message:
            case b"v", Vote() | Proposal():
                restored.own.append(message)
            case b"b", Proposal():
                restored.blocks.append(message)
            case b"c", Certificate():
                restored.certificates.append(message)
            case b"a", Vote() | Proposal():
                restored.seen.append((int(U16.unpack(key[17:19])[0]), message))
    return restored
