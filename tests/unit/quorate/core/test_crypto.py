"""A signature is for one purpose, one chain and one message; tags keep hashes apart."""

from hashlib import sha256

import pytest

from quorate.core import crypto
from quorate.core.crypto import SigningKey, compute_domain, compute_hash, is_signed

KEY = SigningKey(bytes(range(32)))
DOMAIN = compute_domain("chain", bytes(32), 0)
MESSAGE = b"message"
SIGNATURE = KEY.sign(crypto.TAG_BATCH, DOMAIN, MESSAGE)
TAGS = [value for name, value in vars(crypto).items() if name.startswith("TAG_")]


def test_a_signature_verifies_for_what_was_signed() -> None:
    assert is_signed(KEY.public_key, SIGNATURE, crypto.TAG_BATCH, DOMAIN, MESSAGE)


@pytest.mark.parametrize("tag", [tag for tag in TAGS if tag != crypto.TAG_BATCH])
def test_a_signature_counts_for_no_other_purpose(tag: bytes) -> None:
    assert not is_signed(KEY.public_key, SIGNATURE, tag, DOMAIN, MESSAGE)


def test_purpose_tags_differ_and_none_begins_another() -> None:
    prefixed = [bytes((len(tag),)) + tag for tag in TAGS]
    assert len(set(prefixed)) == len(TAGS)
    assert [a for a in prefixed for b in prefixed if a != b and b.startswith(a)] == []


@pytest.mark.parametrize(
    "domain",
    [
        compute_domain("other", bytes(32), 0),
        compute_domain("chain", b"\1" * 32, 0),
        compute_domain("chain", bytes(32), 1),
    ],
)
def test_a_signature_counts_on_no_other_chain_or_fork(domain: bytes) -> None:
    assert not is_signed(KEY.public_key, SIGNATURE, crypto.TAG_BATCH, domain, MESSAGE)


def test_a_changed_message_signature_or_key_is_refused() -> None:
    other = SigningKey(bytes(32)).public_key
    assert not is_signed(KEY.public_key, SIGNATURE, crypto.TAG_BATCH, DOMAIN, MESSAGE + b"!")
    assert not is_signed(other, SIGNATURE, crypto.TAG_BATCH, DOMAIN, MESSAGE)
    for at in (0, 31, 32, 63):
        broken = bytearray(SIGNATURE)
        broken[at] ^= 1
        assert not is_signed(KEY.public_key, bytes(broken), crypto.TAG_BATCH, DOMAIN, MESSAGE)


@pytest.mark.parametrize("size", [0, 31, 33, 63, 65])
def test_keys_and_signatures_of_a_wrong_length_are_refused_and_raise_nothing(size: int) -> None:
    assert not is_signed(bytes(size), SIGNATURE, crypto.TAG_BATCH, DOMAIN, MESSAGE)
    assert not is_signed(KEY.public_key, bytes(size), crypto.TAG_BATCH, DOMAIN, MESSAGE)


def test_signing_is_deterministic_and_shows_the_public_key() -> None:
    assert SigningKey(KEY.seed).sign(crypto.TAG_BATCH, DOMAIN, MESSAGE) == SIGNATURE
    assert len(SIGNATURE) == crypto.SIGNATURE_BYTES
    assert crypto.compute_public_key(KEY.seed) == KEY.public_key


def test_the_hash_is_sha256_with_a_length_before_the_tag() -> None:
    assert compute_hash(b"tag", b"a", b"b") == sha256(b"\x03tagab").digest()
    assert compute_hash(b"tag", b"a") != compute_hash(b"taga", b"")


def test_the_domain_keeps_its_parts_apart() -> None:
    assert len({compute_domain(name, bytes(32), n) for name in ("a", "ab") for n in (0, 1)}) == 4


def test_the_address_names_the_scheme_too() -> None:
    address = crypto.compute_address(1, KEY.public_key)
    assert address == sha256(b"\x01" + KEY.public_key).digest()
    assert address != crypto.compute_address(2, KEY.public_key)
