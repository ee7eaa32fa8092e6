"""What the vote log holds, as keys and values; the driver only stores them (docs/protocol.md#L2).

Keys sort by view: b"v" ‖ view u64 ‖ kind u8 for own messages verbatim, b"b" ‖ view ‖ digest for
blocks with the leader's signature, b"c" ‖ view ‖ kind for certificates, b"a" ‖ view ‖ seat u16 ‖
kind ‖ digest[:8] for the audit log of messages received.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from quorate.core.bft.evidence import Signed, get_digest, get_kind, get_view
from quorate.core.bft.messages import Certificate, Proposal, Vote, decode_message
from quorate.core.codec import U16, U64

Record = tuple[bytes, bytes]


def record_own(message: Signed) -> Record:
    """Return the record of an own proposal or vote, verbatim."""
    return b"v" + U64.pack(get_view(message)) + bytes((get_kind(message),)), message.encode()


def record_block(proposal: Proposal) -> Record:
    """Return the record of the block that an own notarize is for, header and batch list."""
    key = b"b" + U64.pack(get_view(proposal)) + proposal.block.digest
    return key, proposal.encode()


def record_certificate(certificate: Certificate) -> Record:
    """Return the record of a certificate that an own vote may depend on."""
    return b"c" + U64.pack(certificate.view) + bytes((certificate.kind,)), certificate.encode()


def record_audit(seat: int, message: Signed) -> Record:
    """Return the record of another seat's signed message."""
    key = b"a" + U64.pack(get_view(message)) + U16.pack(seat)
    return key + bytes((get_kind(message),)) + get_digest(message)[:8], message.encode()


def compute_prune_ranges(view: int) -> tuple[tuple[bytes, bytes], ...]:
    """Return the key ranges [from, to) that may go once everything up to `view` is synced."""
    return tuple((kind, kind + U64.pack(view + 1)) for kind in (b"v", b"b", b"c"))


@dataclass(slots=True)
class Restored:
    """What was read back: own messages, blocks, certificates, and others' newest messages."""

    own: list[Signed] = field(default_factory=list)
    blocks: list[Proposal] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    seen: list[tuple[int, Signed]] = field(default_factory=list)


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
                restored.seen.append((int(U16.unpack(key[9:11])[0]), message))
    return restored
