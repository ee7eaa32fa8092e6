"""Key files: a seed under a password, argon2id and XSalsa20-Poly1305, as JSON.

{"version": 1, "address": "qr1…", "kdf": {"name": "argon2id", "salt": hex, "opslimit": n,
"memlimit": bytes}, "cipher": "xsalsa20poly1305", "ciphertext": hex of nonce ‖ box}
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nacl import pwhash, secret, utils
from nacl.exceptions import CryptoError

from quorate.sdk.errors import MalformedKeyFile, WrongPassword
from quorate.sdk.keys import Key

VERSION: Final = 1
_KDF: Final = "argon2id"
_CIPHER: Final = "xsalsa20poly1305"
# A file must not be able to make its reader use more than this.
_OPSLIMIT_MAX: Final = 16
_MEMLIMIT_MAX: Final = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess of the password costs: passes, and bytes of memory."""

    opslimit: int = pwhash.argon2id.OPSLIMIT_MODERATE
    memlimit: int = pwhash.argon2id.MEMLIMIT_MODERATE


def encrypt_key(key: Key, password: str, cost: Cost | None = None) -> str:
    """Return the text of a key file."""
    cost = cost or Cost()
    salt = utils.random(pwhash.argon2id.SALTBYTES)
    box = secret.SecretBox(_stretch(password, salt, cost))
    document = {
        "version": VERSION,
        "address": key.address_text,
        "kdf": {
            "name": _KDF,
            "salt": salt.hex(),
            "opslimit": cost.opslimit,
            "memlimit": cost.memlimit,
        },
        "cipher": _CIPHER,
        "ciphertext": bytes(box.encrypt(key.seed)).hex(),
    }
    return json.dumps(document, indent=2) + "\n"


def decrypt_key(text: str, password: str) -> Key:
    """Return the key of a key file; raises MalformedKeyFile or WrongPassword."""
    try:
        document = json.loads(text)
        kdf, address = document["kdf"], document["address"]
        kinds = (document["version"], kdf["name"], document["cipher"])
        salt, sealed = bytes.fromhex(kdf["salt"]), bytes.fromhex(document["ciphertext"])
        cost = Cost(kdf["opslimit"], kdf["memlimit"])
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedKeyFile(f"this is no key file ({error})") from error
    if kinds != (VERSION, _KDF, _CIPHER):
        raise MalformedKeyFile(f"unknown version, kdf or cipher: {kinds}")
    _check(cost, salt)
    try:
        key = Key(secret.SecretBox(_stretch(password, salt, cost)).decrypt(sealed))
    except CryptoError as error:
        raise WrongPassword("the key file does not open with this password") from error
    except (ValueError, TypeError) as error:
        raise MalformedKeyFile(f"the ciphertext is cut off ({error})") from error
    if key.address_text != address:
        raise MalformedKeyFile("the address in the file is not the key's: it was changed")
    return key


def save_key(path: Path, key: Key, password: str, cost: Cost | None = None) -> None:
    """Write a key file that only its owner may read; never overwrites (FileExistsError)."""
    text = encrypt_key(key, password, cost)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def load_key(path: Path, password: str) -> Key:
    """Return the key of a file; raises OSError, MalformedKeyFile or WrongPassword."""
    try:
        text = path.read_text()
    except UnicodeDecodeError as error:
        raise MalformedKeyFile("this is no key file (not text)") from error
    return decrypt_key(text, password)


def _check(cost: Cost, salt: bytes) -> None:
    limits = pwhash.argon2id
    is_sane = (
        type(cost.opslimit) is int
        and type(cost.memlimit) is int
        and limits.OPSLIMIT_MIN <= cost.opslimit <= _OPSLIMIT_MAX
        and limits.MEMLIMIT_MIN <= cost.memlimit <= _MEMLIMIT_MAX
    )
    if not is_sane or len(salt) != limits.SALTBYTES:
        raise MalformedKeyFile("the kdf parameters are out of range")


def _stretch(password: str, salt: bytes, cost: Cost) -> bytes:
    size = secret.SecretBox.KEY_SIZE
    return pwhash.argon2id.kdf(
        size, password.encode(), salt, opslimit=cost.opslimit, memlimit=cost.memlimit
    )
