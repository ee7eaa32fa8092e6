"""Reads JSON documents field by field: what is wrong is noted with the name of its field.

A fault does not end the reading, so that whoever checks a document hears of all faults at once. A
field at fault reads as a harmless value; a document with faults is never used.
"""

import json
from collections.abc import Iterator
from typing import Final

from quorate.core.errors import InvalidGenesis, MalformedAddress
from quorate.core.values import ZERO_HASH, Address, parse_address

# What parsers of other languages hold exactly in a signed integer.
INTEGER_MAX: Final = 2**63 - 1
# A document may list this much; a file is read no further.
DOCUMENT_BYTES_MAX: Final = 256 * 1024 * 1024
FAULTS_MAX: Final = 1_000


class Faults:
    """What was found wrong so far, each with its field; at most FAULTS_MAX are kept."""

    def __init__(self) -> None:
        self.found: list[InvalidGenesis] = []

    def add(self, field: str, why: str) -> None:
        """Note that a field is wrong."""
        if len(self.found) < FAULTS_MAX:
            self.found.append(InvalidGenesis(field, why))

    def note(self, error: InvalidGenesis) -> None:
        """Note a fault that is an error already."""
        if len(self.found) < FAULTS_MAX:
            self.found.append(error)

    def require(self) -> None:
        """Raise the first fault, if there is any."""
        if self.found:
            raise self.found[0]


class Fields:
    """One JSON object: its `values`, and readers of them that note what is wrong.

    `where` is its own field's name, "" for the document itself.
    """

    def __init__(self, value: object, where: str, faults: Faults) -> None:
        self.faults, self.where = faults, where
        self.is_object = self.is_sound = isinstance(value, dict)
        self.values: dict[str, object] = value if isinstance(value, dict) else {}
        if not self.is_object:
            faults.add(where or "(document)", "must be an object")

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def fail(self, name: str, why: str) -> None:
        """Note that a field is wrong; the object is not sound any more."""
        self.is_sound = False
        self.faults.add(f"{self.where}.{name}" if self.where else name, why)

    def allow(self, *names: str) -> None:
        """Note every field that is none of these."""
        for name in self.values:
            if name not in names:
                self.fail(name, f"is not a field of {self.where or 'this document'}")

    def integer(
        self, name: str, least: int = 0, most: int = INTEGER_MAX, *, default: int | None = None
    ) -> int:
        """Return an integer within bounds; without a default it must be there."""
        value = self.values.get(name, default)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        if self.is_object:
            self.fail(name, f"must be an integer, {least} to {most}")
        return least

    def text(self, name: str, bytes_min: int, bytes_max: int, *, default: str | None = None) -> str:
        """Return text of so many bytes of UTF-8; without a default it must be there."""
        value = self.values.get(name, default)
        if isinstance(value, str) and bytes_min <= _count_bytes(value) <= bytes_max:
            return value
        if self.is_object:
            self.fail(name, f"must be text of {bytes_min} to {bytes_max} bytes")
        return ""

    def hex(self, name: str, size: int) -> bytes:
        """Return `size` bytes that stand in hex digits, lower case: one value has one text."""
        value = self.values.get(name)
        try:
            data = bytes.fromhex(value) if isinstance(value, str) else b""
        except ValueError:
            data = b""
        if len(data) == size and data.hex() == value:
            return data
        if self.is_object:
            self.fail(name, f"must be {2 * size} hex digits in lower case")
        return bytes(size)

    def address(self, name: str, *, default: Address | None = None) -> Address:
        """Return an address that stands as text; without a default it must be there."""
        if default is not None and name not in self.values:
            return default
        value = self.values.get(name)
        try:
            if isinstance(value, str):
                return parse_address(value)
            if self.is_object:
                self.fail(name, "must be an address")
        except MalformedAddress as error:
            self.fail(name, error.message)
        return Address(ZERO_HASH)

    def object(self, name: str) -> "Fields":
        """Return the fields of an object."""
        where = f"{self.where}.{name}" if self.where else name
        return Fields(self.values.get(name), where, self.faults if self.is_object else Faults())

    def objects(self, name: str, most: int, least: int = 0) -> Iterator["Fields"]:
        """Yield the objects of a list of so many."""
        values = self.values.get(name)
        if not isinstance(values, list) or not least <= len(values) <= most:
            if self.is_object:
                self.fail(name, f"must be a list of {least} to {most} entries")
            return
        prefix = f"{self.where}.{name}" if self.where else name
        for index, value in enumerate(values):
            yield Fields(value, f"{prefix}[{index}]", self.faults)


def load_document(text: str, faults: Faults) -> Fields:
    """Return the fields of a JSON document; what is no document reads as an empty one."""
    if len(text) > DOCUMENT_BYTES_MAX:
        faults.add("(document)", f"is larger than {DOCUMENT_BYTES_MAX} bytes")
        return _build_empty()
    try:
        document = json.loads(text, object_pairs_hook=_build_object)
        encode_canonical(document)
    except (ValueError, RecursionError) as error:
        faults.add("(document)", f"is not JSON: {error}")
        return _build_empty()
    return Fields(document, "", faults)


def _build_empty() -> Fields:
    # Nothing more is to be said of it.
    return Fields(None, "", Faults())


def encode_canonical(document: object) -> bytes:
    """Return the bytes that a document's hash covers, whatever its formatting."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return canonical.encode()


def _build_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Of two equal names parsers take different ones, and would start different chains.
    built = dict(pairs)
    if len(built) != len(pairs):
        raise ValueError("an object has the same name twice")
    return built


def _count_bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
