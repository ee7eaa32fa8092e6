"""Signatures for the simulation: real ed25519 for a slice of seeds, a keyed hash for the rest.

An engine signs with the key object in its Setup and checks through `crypto.is_signed`, so these two
are all that must be swapped. The substitute is as strict as ed25519 about purpose, domain, message
and key; it is only forgeable by who computes it on purpose, which no adversary here does: each
signs with its own key object. `cheap_signatures` swaps the check inside a `with` and puts it back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

from quorate.core import crypto


class CheapKey(crypto.SigningKey):
    """A key whose signature is a keyed hash: 40 times cheaper than ed25519."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        self.public_key = blake2b(seed, digest_size=32).digest()

    def sign(self, tag: bytes, domain: bytes, message: bytes) -> bytes:
        """Return 64 bytes that depend on all of key, tag, domain and message."""
        return _sign(self.public_key, tag, domain, message)


def _sign(public_key: bytes, tag: bytes, domain: bytes, message: bytes) -> bytes:
    signed = crypto.compute_signing_bytes(tag, domain, message)
    return blake2b(signed, key=public_key, digest_size=64).digest()


def _is_signed(
    public_key: bytes, signature: bytes, tag: bytes, domain: bytes, message: bytes
) -> bool:
    return signature == _sign(public_key, tag, domain, message)


def make_key(seed: int, seat: int, *, real: bool) -> crypto.SigningKey:
    """Return a seat's key of a run."""
    material = crypto.compute_hash(b"quorate/sim-key", seed.to_bytes(8, "big"), bytes((seat,)))
    return crypto.SigningKey(material) if real else CheapKey(material)


@contextmanager
def cheap_signatures(*, real: bool = False) -> Iterator[None]:
    """Have the engine check CheapKey's signatures within; `real` leaves ed25519 in place."""
    before = crypto.is_signed
    if not real:
        crypto.is_signed = _is_signed
    try:
        yield
    finally:
        crypto.is_signed = before
