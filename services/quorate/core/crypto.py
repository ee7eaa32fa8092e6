"""SHA-256 and ed25519, and what every signature covers (docs/protocol.md#signing).

ed25519 is PyNaCl everywhere: two libraries accept different edge cases, and a signature that one
validator takes and another refuses splits the chain. `tests/vectors/ed25519_edge_cases.json`
pins the behaviour.
"""

from hashlib import sha256
from typing import Final

from nacl import bindings
from nacl.exceptions import BadSignatureError

from quorate.core.values import Address, Hash

SCHEME_ED25519: Final = 1
SEED_BYTES: Final = 32
PUBLIC_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

# Purpose tags: one per kind of signed or hashed thing, so that no bytes mean two things.
TAG_DOMAIN: Final = b"quorate/domain/v1"
TAG_TRANSACTION: Final = b"quorate/transaction/v1"
TAG_BATCH: Final = b"quorate/batch/v1"
TAG_BLOCK: Final = b"quorate/block/v1"
TAG_PROPOSAL: Final = b"quorate/proposal/v1"
TAG_NOTARIZE: Final = b"quorate/notarize/v1"
TAG_NULLIFY: Final = b"quorate/nullify/v1"
TAG_FINALIZE: Final = b"quorate/finalize/v1"
TAG_NODE_RECORD: Final = b"quorate/node-record/v1"
TAG_NODE_STREAM: Final = b"quorate/node-stream/v1"
TAG_SEAT_NODE: Final = b"quorate/seat-node/v1"
TAG_SEAT_GENESIS: Final = b"quorate/seat-genesis/v1"
TAG_SEAT: Final = b"quorate/seat/v1"
TAG_READY: Final = b"quorate/ready/v1"


def compute_hash(tag: bytes, *parts: bytes) -> Hash:
    """Return SHA-256 of the tag (length-prefixed) and the parts as they are."""
    digest = sha256(bytes((len(tag),)) + tag)
    for part in parts:
        digest.update(part)
    return Hash(digest.digest())


def compute_domain(chain_id: str, genesis_hash: bytes, fork_epoch: int) -> Hash:
    """Return the domain that binds a signature to one chain and fork (docs/protocol.md#S1)."""
    name = chain_id.encode()
    return compute_hash(
        TAG_DOMAIN, bytes((len(name),)), name, genesis_hash, fork_epoch.to_bytes(8, "big")
    )


def compute_signing_bytes(tag: bytes, domain: bytes, message: bytes) -> bytes:
    """Return the bytes an ed25519 signature covers: length-prefixed tag, domain, message."""
    return bytes((len(tag),)) + tag + domain + message


def compute_address(scheme: int, public_key: bytes) -> Address:
    """Return the address of a key: SHA-256(scheme ‖ public key)."""
    return Address(sha256(bytes((scheme,)) + public_key).digest())


def compute_public_key(seed: bytes) -> bytes:
    """Return the ed25519 public key of a 32-byte seed."""
    public, _ = bindings.crypto_sign_seed_keypair(seed)
    return bytes(public)


class SigningKey:
    """An ed25519 key that signs for one purpose and domain at a time."""

    __slots__ = ("_secret", "public_key", "seed")

    def __init__(self, seed: bytes) -> None:
        self.public_key, self._secret = bindings.crypto_sign_seed_keypair(seed)
        self.seed = seed

    def sign(self, tag: bytes, domain: bytes, message: bytes) -> bytes:
        """Return the 64-byte signature over (tag, domain, message)."""
        signed = bindings.crypto_sign(compute_signing_bytes(tag, domain, message), self._secret)
        return bytes(signed[:SIGNATURE_BYTES])


def is_signed(
    public_key: bytes, signature: bytes, tag: bytes, domain: bytes, message: bytes
) -> bool:
    """Tell whether `signature` is `public_key`'s over (tag, domain, message)."""
    return is_message_signed(public_key, signature, compute_signing_bytes(tag, domain, message))


def is_message_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether `signature` is `public_key`'s over bytes of anybody's: contracts ask for it."""
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        bindings.crypto_sign_open(signature + message, public_key)
    except BadSignatureError:
        return False
    return True
