"""Keys: phrases, derivation, signatures."""

import pytest
from mnemonic import Mnemonic

from quorate.core import crypto
from quorate.core.errors import InvalidInput
from quorate.sdk.errors import InvalidPhrase
from quorate.sdk.keys import Key, derive, generate_phrase

# First vector of the BIP-39 reference implementation (passphrase TREZOR).
PHRASE = " ".join(["abandon"] * 11 + ["about"])
SEED = (
    "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf1"
    "41630c7a3c4ab7c81b2f001698e7463b04"
)


def test_the_phrase_gives_the_published_seed() -> None:
    assert Mnemonic("english").to_seed(PHRASE, "TREZOR").hex() == SEED


def test_derivation_is_hkdf_sha256() -> None:
    # RFC 5869, test case 1, first 32 bytes.
    secret, salt = bytes([0x0B] * 22), bytes(range(13))
    info = bytes(range(0xF0, 0xFA))
    expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    assert derive(secret, salt, info).hex() == expected


def test_the_derivation_of_accounts_never_changes() -> None:
    found = [Key.from_phrase(PHRASE, "TREZOR", index).seed.hex() for index in (0, 1)]
    assert found == [
        derive(bytes.fromhex(SEED), b"quorate/phrase/v1", b"account" + bytes((0, 0, 0, i))).hex()
        for i in (0, 1)
    ]


def test_spaces_and_capitals_of_a_phrase_do_not_matter() -> None:
    assert Key.from_phrase(f"  {PHRASE.upper()}\n").address == Key.from_phrase(PHRASE).address


def test_passphrase_and_index_give_other_accounts() -> None:
    keys = [Key.from_phrase(PHRASE), Key.from_phrase(PHRASE, "x"), Key.from_phrase(PHRASE, "", 1)]
    assert len({key.address for key in keys}) == 3


@pytest.mark.parametrize("phrase", ["", "abandon", " ".join(["abandon"] * 12), PHRASE + " zoo"])
def test_a_wrong_phrase_is_refused(phrase: str) -> None:
    with pytest.raises(InvalidPhrase):
        Key.from_phrase(phrase)


def test_generated_phrases_open_and_differ() -> None:
    phrases = {generate_phrase(12), generate_phrase(12), generate_phrase()}
    assert sorted(len(phrase.split()) for phrase in phrases) == [12, 12, 24]
    assert len({Key.from_phrase(phrase).address for phrase in phrases}) == 3
    with pytest.raises(InvalidInput):
        generate_phrase(13)


def test_a_key_signs_for_one_chain() -> None:
    key = Key.generate()
    signature = key.sign(b"d" * 32, b"body")
    good = (signature.public_key, signature.signature, crypto.TAG_TRANSACTION)
    assert crypto.is_signed(*good, b"d" * 32, b"body")
    assert not crypto.is_signed(*good, b"e" * 32, b"body")


def test_a_key_does_not_show_its_secret() -> None:
    key = Key(bytes(32))
    assert key.seed.hex() not in repr(key)
    assert key.address_text in repr(key)
    with pytest.raises(InvalidInput):
        Key(bytes(31))
