"""Key files: what opens, what does not, and why."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from nacl import pwhash

from quorate.sdk.errors import MalformedKeyFile, WrongPassword
from quorate.sdk.keyfile import Cost, decrypt_key, encrypt_key, load_key, save_key
from quorate.sdk.keys import Key

CHEAP = Cost(pwhash.argon2id.OPSLIMIT_MIN, pwhash.argon2id.MEMLIMIT_MIN)
KEY = Key(bytes(range(32)))


def change(text: str, **changes: Any) -> str:
    """Return the document with fields replaced; kdf fields are given as kdf_name."""
    document = json.loads(text)
    for name, value in changes.items():
        head, _, tail = name.partition("_")
        if tail:
            document[head][tail] = value
        else:
            document[name] = value
    return json.dumps(document)


def test_a_key_file_opens_with_its_password(tmp_path: Path) -> None:
    path = tmp_path / "alice.json"
    save_key(path, KEY, "correct horse", CHEAP)
    assert load_key(path, "correct horse").seed == KEY.seed
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KEY.seed.hex() not in path.read_text()


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "alice.json"
    save_key(path, KEY, "x", CHEAP)
    with pytest.raises(FileExistsError):
        save_key(path, KEY, "x", CHEAP)


def test_the_default_cost_is_argon2s_moderate_one() -> None:
    assert Cost() == Cost(3, 268_435_456)


def test_a_wrong_password_is_told_as_such() -> None:
    with pytest.raises(WrongPassword):
        decrypt_key(encrypt_key(KEY, "right", CHEAP), "wrong")


def test_changed_ciphertext_does_not_open() -> None:
    text = encrypt_key(KEY, "x", CHEAP)
    sealed = bytearray.fromhex(json.loads(text)["ciphertext"])
    sealed[-1] ^= 1
    with pytest.raises(WrongPassword):
        decrypt_key(change(text, ciphertext=sealed.hex()), "x")


def test_a_changed_address_is_noticed() -> None:
    text = encrypt_key(KEY, "x", CHEAP)
    with pytest.raises(MalformedKeyFile):
        decrypt_key(change(text, address=Key.generate().address_text), "x")


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"cipher": "none"},
        {"kdf_name": "md5"},
        {"kdf_memlimit": 2**40},
        {"kdf_opslimit": 10**9},
        {"kdf_opslimit": "3"},
        {"kdf_salt": "00"},
        {"kdf": 3},
        {"ciphertext": "00"},
        {"ciphertext": "no hex"},
    ],
)
def test_a_malformed_file_is_refused_before_work(changes: dict[str, Any]) -> None:
    with pytest.raises((MalformedKeyFile, WrongPassword)):
        decrypt_key(change(encrypt_key(KEY, "x", CHEAP), **changes), "x")


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "\x00"])
def test_what_is_no_key_file_is_refused(text: str) -> None:
    with pytest.raises(MalformedKeyFile):
        decrypt_key(text, "x")
