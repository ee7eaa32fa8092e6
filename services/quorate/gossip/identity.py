"""A node's identity: the node key that signs its record, and the TLS certificate it serves with.

gRPC's TLS takes no ed25519, so the certificate is a self-signed P-256 one that the node key vouches
for (docs/adr/001-node-streams.md). Both are made once and lie in `gossip/` of the home directory.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from quorate.core.crypto import SCHEME_ED25519, SEED_BYTES, SigningKey, compute_address
from quorate.core.errors import RefusedToStart

TLS_NAME: Final = "quorate-node"
# A certificate is pinned by its hash, so its dates mean nothing; they span any clock.
_VALID_FROM: Final = datetime(2000, 1, 1, tzinfo=UTC)
_VALID_UNTIL: Final = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Identity:
    """A node's key and certificate; `certificate_hash` is SHA-256 of the certificate's DER."""

    key: SigningKey
    node_id: bytes
    tls_key_pem: bytes
    certificate_pem: bytes
    certificate_hash: bytes


def compute_node_id(public_key: bytes) -> bytes:
    """Return the node id of a node key: its address (32 bytes)."""
    return compute_address(SCHEME_ED25519, public_key)


def init_node(home: Path) -> bytes:
    """Make the node key and certificate of a home unless it has them; return the node id."""
    directory = home / "gossip"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (directory / "node.key").exists():
        _write(directory / "node.key", token_bytes(SEED_BYTES).hex().encode() + b"\n")
    if not (directory / "tls.cert.pem").exists():
        key_pem, certificate_pem = _make_certificate()
        _write(directory / "tls.key.pem", key_pem)
        _write(directory / "tls.cert.pem", certificate_pem)
    return load_node(home).node_id


def load_node(home: Path) -> Identity:
    """Return a home's identity; raises RefusedToStart (NO_NODE_KEY, BAD_NODE_KEY)."""
    directory = home / "gossip"
    try:
        key = SigningKey(bytes.fromhex((directory / "node.key").read_text().strip()))
        key_pem = (directory / "tls.key.pem").read_bytes()
        pem = (directory / "tls.cert.pem").read_bytes()
        certificate = x509.load_pem_x509_certificate(pem)
    except FileNotFoundError as error:
        raise RefusedToStart(
            f"no node key in {directory}: make one before starting", reason="NO_NODE_KEY"
        ) from error
    except (OSError, ValueError) as error:
        raise RefusedToStart(
            f"the node key in {directory} cannot be read: {error}", reason="BAD_NODE_KEY"
        ) from error
    digest = sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()
    return Identity(key, compute_node_id(key.public_key), key_pem, pem, digest)


def _make_certificate() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, TLS_NAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_UNTIL)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(TLS_NAME)]), critical=False)
        # It is the only root of the channel that pins it, so it must be able to vouch for itself.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return key_pem, certificate.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, data: bytes) -> None:
    # Whole or not at all: a node that lost power here must not find half a key.
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
