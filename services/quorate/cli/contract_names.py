"""What addresses are called here: contracts by the local network's book, accounts by their keys."""

import contextlib
from pathlib import Path
from typing import Final

from quorate.cli import contract_book, wallet
from quorate.core.errors import InvalidInput, NotFound, QuorateError
from quorate.core.values import HASH_BYTES, Address, parse_address

NOBODY: Final = "nobody"


class Names:
    """Finds the address of a name, and the name of an address; reads files once."""

    def __init__(self, keys_dir: Path | None) -> None:
        self._keys = wallet.find_directory(keys_dir)
        self._contracts = contract_book.list_names()
        self._known: dict[bytes, str] | None = None

    def resolve(self, text: str) -> Address:
        """Return the address of a text: qr1…, 0x and 64 hex digits, a contract or key, nobody."""
        if text == NOBODY:
            return Address(bytes(HASH_BYTES))
        if text in self._contracts:
            return self._contracts[text]
        if text.startswith("0x"):
            return _parse_hex(text)
        return wallet.resolve(self._keys, text)

    def find(self, address: bytes) -> str:
        """Return what an address is called here, or ""."""
        if self._known is None:
            self._known = self._list()
        return self._known.get(address, "")

    def _list(self) -> dict[bytes, str]:
        known: dict[bytes, str] = {}
        for name in wallet.DEVNET_NAMES:
            try:
                known[wallet.resolve(self._keys, name)] = name
            except NotFound:
                break
        # One key file that can't be read must not keep others from being shown.
        with contextlib.suppress(QuorateError):
            for name, text in wallet.list_keys(self._keys):
                known.setdefault(parse_address(text), name)
        for name, address in self._contracts.items():
            known.setdefault(address, name)
        return known


def _parse_hex(text: str) -> Address:
    try:
        data = bytes.fromhex(text[2:])
    except ValueError:
        data = b""
    if len(data) != HASH_BYTES:
        raise InvalidInput(
            f"'{text}' is no address: qr1…, or 0x and 64 hex digits", reason="MALFORMED_ADDRESS"
        )
    return Address(data)
