"""How one contract's bytes are read and shown: by its interface, or as hex where it has none."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from quorate.cli.contract_names import Names
from quorate.cli.contract_words import clean, format_value, read_arguments
from quorate.core.contracts.abi_types import MapOf, format_type
from quorate.core.errors import InvalidInput, MalformedBytes, NotFound
from quorate.core.values import format_address
from quorate.sdk.client import Client
from quorate.sdk.contract_values import (
    Entry,
    Interface,
    Method,
    WrongInterface,
    compute_zero,
    decode_event,
    decode_record,
    decode_value,
    encode_fields,
    encode_value,
    fields_to_json,
    parse_interface,
    to_json,
)

CONSTRUCTOR: Final = "init"
_RAW_BYTES: Final = 32
Shown = tuple[str, Any]
"""Something for people, and the same for `--json`."""


class Face(NamedTuple):
    """A contract as people see it; `names` tells what addresses are called."""

    address: bytes
    interface: Interface | None
    names: Names

    @property
    def title(self) -> str:
        """What the contract is called here, else by its interface, else the end of its address."""
        named = self.names.find(self.address)
        written = clean(self.interface.name) if self.interface is not None else ""
        return named or written or f"…{format_address(self.address)[-8:]}"

    def find_method(self, name: str) -> Method | None:
        """Return a method of its interface, or None without one; raises NotFound."""
        if self.interface is None:
            return None
        return (
            self.interface.constructor if name == CONSTRUCTOR else self.interface.find_method(name)
        )

    def encode_arguments(self, name: str, texts: Sequence[str]) -> bytes:
        """Return a method's arguments encoded; without an interface one text of hex digits."""
        method = self.find_method(name)
        if method is not None and self.interface is not None:
            records, fields = self.interface.records, method.parameters
            values = read_arguments(fields, texts, records, self.names.resolve, name)
            return encode_fields(fields, values, records)
        try:
            return bytes.fromhex("".join(texts).removeprefix("0x"))
        except ValueError as error:
            raise InvalidInput(
                "this contract has no interface: give its encoded arguments as hex digits "
                "(docs/contract-abi.md, section 2)",
                reason="NO_INTERFACE",
            ) from error

    def read_result(self, name: str, data: bytes) -> Shown:
        """Return a method's result; ("", None) where there is none."""
        method = self._find_quietly(name)
        if method is None or not method.returns:
            return _read_raw(data) if data else ("", None)
        try:
            value = decode_value(method.returns, data, self._known.records)
        except MalformedBytes:
            return _read_raw(data)
        return self._show(method.returns, value)

    def read_event(self, name: str, data: bytes) -> Shown:
        """Return an event's fields."""
        fields = decode_event(self.interface, name, data) if self.interface is not None else None
        if fields is None:
            return _read_raw(data)
        kinds = self._known.events[name]
        parts = [f"{field}={self._show(kind, fields[field])[0]}" for field, kind in kinds]
        return ", ".join(parts), fields_to_json(kinds, fields, self._known.records)

    def read_name(self, key: bytes) -> Shown:
        """Return what a record is called, like balances[alice]."""
        entry = self._find_entry(key)
        if entry is None:
            return _read_raw(key)[0], {"variable": None, "keys": []}
        *kinds, _ = self._split(entry.variable)
        keys = [self._show(each, part) for each, part in zip(kinds, entry.keys, strict=True)]
        text = entry.variable + "".join(f"[{shown}]" for shown, _ in keys)
        return text, {"variable": entry.variable, "keys": [each for _, each in keys]}

    def read_record(self, key: bytes, data: bytes) -> Shown:
        """Return a record's value; ("", None): there is none."""
        if not data:
            return "", None
        entry = self._find_entry(key)
        if entry is None:
            return _read_raw(data)
        kind = self._split(entry.variable)[-1]
        try:
            return self._show(kind, decode_value(kind, data, self._known.records))
        except MalformedBytes:
            return _read_raw(data)

    def _find_entry(self, key: bytes) -> Entry | None:
        """Return the variable and keys of a record, whatever its value is."""
        if self.interface is None or not key:
            return None
        name = key[1 : 1 + key[0]].decode("ascii", errors="replace")
        if all(name != variable for variable, _ in self.interface.variables):
            return None
        kind, records = self._split(name)[-1], self.interface.records
        zero = encode_value(kind, compute_zero(records.resolve(kind)), records)
        return decode_record(self.interface, key, zero)

    def _split(self, variable: str) -> list[str]:
        """Return the types of a map's keys and of its values; of another variable its own."""
        type_, kinds = self._known.records.resolve(self._known.find_variable(variable)), []
        while isinstance(type_, MapOf):
            kinds.append(format_type(type_.key))
            type_ = type_.value
        return [*kinds, format_type(type_)]

    def _show(self, kind: str, value: Any) -> Shown:
        records = self._known.records
        text = format_value(records.resolve(kind), value, self.names.find)
        return text, to_json(kind, value, records)

    def _find_quietly(self, name: str) -> Method | None:
        try:
            return self.find_method(name)
        except NotFound:
            return None

    @property
    def _known(self) -> Interface:
        assert self.interface is not None, "asked only where there is one"
        return self.interface


class Faces:
    """The faces of contracts, each fetched once."""

    def __init__(self, client: Client, names: Names) -> None:
        self._client, self._names = client, names
        self._faces: dict[bytes, Face] = {}

    async def load(self, address: bytes) -> Face:
        """Return a contract's face; raises NotFound where there is no contract."""
        if address not in self._faces:
            found = await self._client.contracts.get(address)
            self.add(address, found.interface)
        return self._faces[address]

    async def load_all(self, addresses: Sequence[bytes]) -> None:
        """Fetch the faces of contracts; those that are none are shown as hex."""
        for address in addresses:
            try:
                await self.load(address)
            except NotFound:
                self.add(address, b"")

    def add(self, address: bytes, interface: bytes) -> Face:
        """Note what is known of a contract already, for one that is about to be made, say."""
        try:
            parsed = parse_interface(interface) if interface else None
        except WrongInterface:
            parsed = None
        face = self._faces[address] = Face(address, parsed, self._names)
        return face

    def find(self, address: bytes) -> Face:
        """Return a face that was loaded; any other contract's shows hex."""
        return self._faces.get(address) or Face(address, None, self._names)


def _read_raw(data: bytes) -> Shown:
    text = "0x" + data[:_RAW_BYTES].hex()
    more = f"… ({len(data):,} bytes)" if len(data) > _RAW_BYTES else ""
    return text + more, "0x" + data.hex()
