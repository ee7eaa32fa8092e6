"""A contract with an interface, as commands show it, and what it did."""

import json
from pathlib import Path

from quorate.cli.contract_faces import Face, Faces
from quorate.cli.contract_names import Names
from quorate.core.values import format_address
from quorate.sdk.client import Client
from quorate.sdk.contract_values import parse_interface

TOKEN, ALICE = b"\1" * 32, b"\2" * 32
DOCUMENT = {
    "abi": 1,
    "name": "Token",
    "language": "python",
    "records": {"Offer": [["seller", "Address"], ["price", "u64"]]},
    "variables": [
        ["owner", "Address"],
        ["balances", "Map[Address, u64]"],
        ["limits", "Map[str, Map[u8, Offer]]"],
    ],
    "constructor": {"parameters": [["supply", "u64"]], "payable": False, "doc": ""},
    "methods": [
        {
            "name": "transfer", "parameters": [["to", "Address"], ["amount", "u64"]],
            "returns": "bool", "view": False, "payable": False, "doc": "Send. All of it.",
        }
    ],
    "events": [{"name": "Sent", "fields": [["to", "Address"], ["amount", "u64"]]}],
}  # fmt: skip
TEXT = json.dumps(DOCUMENT).encode()
INTERFACE = parse_interface(TEXT)


def make_names(directory: Path) -> Names:
    """Return names of which `alice` is a key's; the caller is in a directory of its own."""
    (directory / "keys").mkdir()
    key = {"address": format_address(ALICE)}
    (directory / "keys" / "alice.json").write_text(json.dumps(key))
    return Names(directory / "keys")


def make_faces(names: Names) -> tuple[Faces, Face]:
    """Return faces that know the token; nothing else is ever asked of their client."""
    faces = Faces(Client("127.0.0.1:1"), names)
    return faces, faces.add(TOKEN, TEXT)
