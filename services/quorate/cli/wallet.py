"""Key files by name, passwords, and the names that stand for accounts.

`demo` and `faucet` are the accounts of the local network in the current directory; all other names
are files <name>.json in ~/.quorate/keys (or QUORATE_KEYS, or --dir).
"""

import json
import os
import sys
from pathlib import Path
from typing import Final

import typer

from quorate.core.errors import InvalidInput, NotFound, Rejected
from quorate.core.values import ADDRESS_PREFIX, Address, parse_address
from quorate.devnet.accounts import load_accounts
from quorate.devnet.layout import DEFAULT_DIRECTORY
from quorate.sdk.keyfile import load_key, save_key
from quorate.sdk.keys import Key

PASSWORD_VARIABLE: Final = "QUORATE_PASSWORD"  # noqa: S105 (its name, not a password)
KEYS_VARIABLE: Final = "QUORATE_KEYS"
DEVNET_NAMES: Final = ("demo", "faucet")


def find_directory(given: Path | None) -> Path:
    """Return the directory of key files."""
    named = os.environ.get(KEYS_VARIABLE)
    return given or (Path(named) if named else Path.home() / ".quorate" / "keys")


def list_keys(directory: Path) -> list[tuple[str, str]]:
    """Return (name, address) of each key file."""
    return [(path.stem, _read_address(path)) for path in sorted(directory.glob("*.json"))]


def store(directory: Path, name: str, key: Key, password: str) -> Path:
    """Write a new key file; raises Rejected when the name is taken, never overwrites."""
    path = _path(directory, name)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        save_key(path, key, password)
    except FileExistsError as error:
        raise Rejected(
            f"there is a key '{name}' already ({path}): choose another name", reason="KEY_EXISTS"
        ) from error
    return path


def check_free(directory: Path, name: str) -> None:
    """Raise Rejected when a name is taken, before anyone has typed a password or phrase."""
    path = _path(directory, name)
    if path.exists():
        raise Rejected(
            f"there is a key '{name}' already ({path}): choose another name", reason="KEY_EXISTS"
        )


def open_key(directory: Path, name: str, password_file: Path | None) -> Key:
    """Return the key behind a name; asks for its password. Raises NotFound, WrongPassword."""
    if name in DEVNET_NAMES:
        return Key(getattr(load_accounts(DEFAULT_DIRECTORY.absolute()), name))
    path = _path(directory, name)
    _read_address(path)
    return load_key(path, read_password(password_file, f"Password of {name}"))


def resolve(directory: Path, text: str) -> Address:
    """Return the address that a text stands for: an address, or the name of a key."""
    if text.lower().startswith(f"{ADDRESS_PREFIX}1"):
        return parse_address(text)
    if text in DEVNET_NAMES:
        return open_key(directory, text, None).address
    return parse_address(_read_address(_path(directory, text)))


def read_password(file: Path | None, prompt: str, *, confirm: bool = False) -> str:
    """Return a password from the file, the environment, or a person at a terminal."""
    if file is not None:
        try:
            return file.read_text().rstrip("\r\n")
        except OSError as error:
            raise InvalidInput(f"cannot read {file}: {error}", reason="NO_PASSWORD") from error
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise InvalidInput(
            f"no terminal to ask for the password: set {PASSWORD_VARIABLE} or --password-file",
            reason="NO_PASSWORD",
        )
    answer: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return answer


def _path(directory: Path, name: str) -> Path:
    if name in DEVNET_NAMES or not name or not all(c.isalnum() or c in "-_." for c in name):
        raise InvalidInput(
            f"'{name}' is no name for a key: letters, digits, - _ . and not "
            f"{' or '.join(DEVNET_NAMES)}, which are the local network's",
            reason="BAD_KEY_NAME",
        )
    return directory / f"{name}.json"


def _read_address(path: Path) -> str:
    try:
        return str(json.loads(path.read_text())["address"])
    except FileNotFoundError as error:
        known = ", ".join(each.stem for each in sorted(path.parent.glob("*.json"))) or "none"
        raise NotFound(
            f"no key '{path.stem}' in {path.parent} (there: {known}): make one with "
            f"`quorate keys new {path.stem}`",
            reason="NO_KEY",
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"{path} is no key file ({error})", reason="MALFORMED_KEY_FILE"
        ) from error
