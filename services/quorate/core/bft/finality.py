"""What proves a block final: its finalization, or that of a tail block (docs/protocol.md#N2).

Layout: a plain certificate, or FINALITY u8 ‖ the tail block's header ‖ the certificate. As the
handover in an epoch's first block it proves the last block of the epoch before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quorate.core.bft.messages import Certificate, Kind, decode_certificate
from quorate.core.bft.quorum import check_certificate
from quorate.core.blocks import HEADER_BYTES, Block, Header, compute_digest
from quorate.core.errors import InvalidCertificate


@dataclass(frozen=True, slots=True)
class Finality:
    """A finalization; `tail` is the header it is for when that is a tail block's."""

    certificate: Certificate
    tail: Header | None = None

    @property
    def digest(self) -> bytes:
        """The block that is final by this."""
        return self.certificate.digest if self.tail is None else self.tail.last_block

    def encode(self) -> bytes:
        """Return the canonical layout."""
        if self.tail is None:
            return self.certificate.encode()
        return bytes((Kind.FINALITY,)) + self.tail.encode() + self.certificate.encode()


def decode_finality(data: bytes) -> Finality:
    """Return the finality of these bytes; raises MalformedBytes."""
    if data[:1] != bytes((Kind.FINALITY,)):
        return Finality(decode_certificate(data))
    tail = Header.decode(data[1 : 1 + HEADER_BYTES])
    return Finality(decode_certificate(data[1 + HEADER_BYTES :]), tail)


def check_finality(finality: Finality, block: Block, keys: Sequence[bytes], domain: bytes) -> None:
    """Raise InvalidCertificate unless a quorum of the block's epoch made it final."""
    certificate, header, tail = finality.certificate, block.header, finality.tail
    if certificate.kind is not Kind.FINALIZE or finality.digest != block.digest:
        raise InvalidCertificate("no finalization of this block")
    signed = header if tail is None else tail
    if certificate.view != signed.view:
        raise InvalidCertificate("a finalization of another view")
    if tail is not None and (
        tail.epoch != header.epoch or compute_digest(tail.encode()) != certificate.digest
    ):
        raise InvalidCertificate("the tail block is not the one that was finalized")
    check_certificate(certificate, keys, domain, header.epoch)
