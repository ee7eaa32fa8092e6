"""Certificates: when votes make one, and when one from elsewhere holds (docs/protocol.md#R1)."""

from collections.abc import Sequence

from quorate.core import crypto
from quorate.core.bft.messages import TAGS, Certificate, Vote, encode_statement
from quorate.core.errors import InvalidCertificate
from quorate.core.values import compute_quorum


def build_certificate(votes: Sequence[Vote], seats: int) -> Certificate | None:
    """Return the certificate of equal votes by distinct seats; None below the quorum."""
    if len(votes) < compute_quorum(seats):
        return None
    first = votes[0]
    signatures = tuple(sorted((vote.seat, vote.signature) for vote in votes))
    return Certificate(first.kind, first.epoch, first.view, first.digest, seats, signatures)


def check_certificate(
    certificate: Certificate, keys: Sequence[bytes], domain: bytes, epoch: int
) -> None:
    """Raise InvalidCertificate unless a quorum of this epoch's distinct seats signed it."""
    if certificate.epoch != epoch or certificate.seats != len(keys):
        raise InvalidCertificate("certificate of another epoch or set")
    voters = [seat for seat, _ in certificate.signatures]
    if len(set(voters)) != len(voters) or any(seat >= len(keys) for seat in voters):
        raise InvalidCertificate("certificate repeats a seat or names a foreign one")
    if len(voters) < compute_quorum(len(keys)):
        raise InvalidCertificate(f"certificate has {len(voters)} of {compute_quorum(len(keys))}")
    statement = encode_statement(certificate.epoch, certificate.view, certificate.digest)
    for seat, signature in certificate.signatures:
        if not crypto.is_signed(keys[seat], signature, TAGS[certificate.kind], domain, statement):
            raise InvalidCertificate(f"seat {seat}'s signature does not verify", seat=seat)
