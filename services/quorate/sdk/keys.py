"""Account keys: made at random, from a seed, or from a recovery phrase.

From a phrase: the 64-byte BIP-39 seed of phrase and passphrase goes through HKDF-SHA-256 (RFC 5869)
with salt "quorate/phrase/v1" and info "account" ‖ index as u32, big-endian; the 32 bytes that come
out are the ed25519 seed. One phrase thus gives any number of accounts, independent of each other.
"""

import hmac
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from mnemonic import Mnemonic

from quorate.core import crypto
from quorate.core.errors import InvalidInput
from quorate.core.transactions import Signature
from quorate.core.values import Address, format_address
from quorate.sdk.errors import InvalidPhrase

PHRASE_SALT: Final = b"quorate/phrase/v1"
PHRASE_INFO: Final = b"account"
_STRENGTHS: Final = {12: 128, 15: 160, 18: 192, 21: 224, 24: 256}


class Key:
    """An ed25519 account key; never shows its secret in repr()."""

    __slots__ = ("_signing", "address")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != crypto.SEED_BYTES:
            raise InvalidInput(f"a seed has {crypto.SEED_BYTES} bytes", reason="MALFORMED_SEED")
        self._signing = crypto.SigningKey(seed)
        self.address: Address = crypto.compute_address(crypto.SCHEME_ED25519, self.public_key)

    @classmethod
    def generate(cls, entropy: Callable[[int], bytes] = secrets.token_bytes) -> "Key":
        """Return a new random key."""
        return cls(entropy(crypto.SEED_BYTES))

    @classmethod
    def from_phrase(cls, phrase: str, passphrase: str = "", index: int = 0) -> "Key":
        """Return account `index` of a BIP-39 phrase (English words); raises InvalidPhrase."""
        words = " ".join(phrase.lower().split())
        book = Mnemonic("english")
        if not book.check(words):
            raise InvalidPhrase("these words are no recovery phrase: check order and spelling")
        seed = book.to_seed(words, passphrase)
        return cls(derive(seed, PHRASE_SALT, PHRASE_INFO + index.to_bytes(4, "big")))

    @property
    def public_key(self) -> bytes:
        """The 32-byte public key."""
        return self._signing.public_key

    @property
    def seed(self) -> bytes:
        """The secret 32 bytes that are the key."""
        return self._signing.seed

    @property
    def address_text(self) -> str:
        """The address as people write it (bech32m)."""
        return format_address(self.address)

    def sign(self, domain: bytes, body: bytes) -> Signature:
        """Return this key's signature over a transaction body on one chain."""
        signature = self._signing.sign(crypto.TAG_TRANSACTION, domain, body)
        return Signature(crypto.SCHEME_ED25519, self.public_key, signature)

    def __repr__(self) -> str:
        return f"Key({self.address_text})"


def generate_phrase(words: int = 24) -> str:
    """Return a new BIP-39 phrase of 12, 15, 18, 21 or 24 English words."""
    if words not in _STRENGTHS:
        raise InvalidInput("a phrase has 12, 15, 18, 21 or 24 words", reason="PHRASE_LENGTH")
    return str(Mnemonic("english").generate(_STRENGTHS[words]))


def derive(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """Return 32 bytes by HKDF-SHA-256 (RFC 5869: extract, then one block of expand)."""
    extracted = hmac.new(salt, secret, sha256).digest()
    return hmac.new(extracted, info + b"\x01", sha256).digest()
