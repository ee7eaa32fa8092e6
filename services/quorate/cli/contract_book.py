"""Names of contracts: `quorate contract deploy … --as token`, and later just `token`.

They lie in contracts.json of the local network in the current directory, and go with it.
"""

import json
from typing import Final

from quorate.core.errors import InvalidInput, MalformedAddress, NotFound
from quorate.core.values import ADDRESS_PREFIX, Address, format_address, parse_address
from quorate.devnet.layout import DEFAULT_DIRECTORY

_FILE: Final = "contracts.json"
_NAME_MAX: Final = 64


def resolve(text: str) -> Address:
    """Return the address that a text stands for: an address, or a contract's name here."""
    if text.lower().startswith(f"{ADDRESS_PREFIX}1"):
        return parse_address(text)
    names = list_names()
    if text in names:
        return names[text]
    known = ", ".join(names) or "none"
    raise NotFound(
        f"no contract '{text}' in {DEFAULT_DIRECTORY} (there: {known}): give its address, or name "
        "it when it is deployed, with --as",
        reason="NO_CONTRACT_NAME",
    )


def find_name(address: bytes) -> str:
    """Return what an address is called here, or ""."""
    return next((name for name, each in list_names().items() if each == address), "")


def list_names() -> dict[str, Address]:
    """Return the contracts that have a name here."""
    path = DEFAULT_DIRECTORY / _FILE
    try:
        document = json.loads(path.read_text())
        return {str(name): parse_address(text) for name, text in document["contracts"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, AttributeError, TypeError, MalformedAddress) as error:
        raise InvalidInput(
            f"{path} cannot be read ({error}): delete it, only names are in it",
            reason="MALFORMED_NAMES",
        ) from error


def check_name(name: str) -> None:
    """Raise unless a contract can be called so here, before anything is sent."""
    is_word = 0 < len(name) <= _NAME_MAX and all(c.isalnum() or c in "-_." for c in name)
    if not is_word or name.lower().startswith(f"{ADDRESS_PREFIX}1"):
        raise InvalidInput(
            f"'{name}' is no name for a contract: letters, digits, - _ . and not like an address",
            reason="BAD_CONTRACT_NAME",
        )
    if not DEFAULT_DIRECTORY.is_dir():
        raise NotFound(
            f"names are kept in the local network's directory, and {DEFAULT_DIRECTORY} is not "
            "here: leave --as out, or start one with `quorate devnet up`",
            reason="NO_DEVNET",
        )


def save(name: str, address: bytes) -> None:
    """Call a contract so from now on; whoever had the name loses it."""
    check_name(name)
    names = {**list_names(), name: address}
    document = {"contracts": {each: format_address(names[each]) for each in sorted(names)}}
    path = DEFAULT_DIRECTORY / _FILE
    part = path.with_suffix(".part")
    part.write_text(json.dumps(document, indent=2))
    part.replace(path)
