"""Types of contracts' values as an interface writes them: `Map[Address, List[u8]]` and its kin.

Parsed into a tree of nodes (docs/contract-abi.md, sections 2 and 5). Interfaces come from
strangers: depth and the size of a type's zero are bounded, and no record holds itself.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from quorate.core.errors import InvalidInput

# (name, type) of each parameter, field or variable.
Fields = tuple[tuple[str, str], ...]

TEXT_MAX: Final = 1_024
DEPTH_MAX: Final = 8
# A value of a type whose zero is larger could never be stored, passed or returned.
ZERO_BYTES_MAX: Final = 16_384

# Name → (bytes, is signed).
INTEGERS: Final = {
    "u8": (1, False), "u32": (4, False), "u64": (8, False), "i64": (8, True), "u128": (16, False),
}  # fmt: skip
_ZEROS: Final = {"bool": 1, "Address": 32, "bytes": 4, "str": 4} | {
    name: size for name, (size, _) in INTEGERS.items()
}
_TOKEN: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|[\[\],])")


class WrongType(InvalidInput):
    """A type is not one that contracts have."""

    reason = "WRONG_TYPE"


class Scalar(NamedTuple):
    """A number, `bool`, `Address`, `bytes` or `str`."""

    name: str


class ListOf(NamedTuple):
    """Any number of items of one type."""

    item: "Type"


class TupleOf(NamedTuple):
    """Fields one after the other; `name` and `names` only where it is a record."""

    items: "tuple[Type, ...]"
    zero_bytes: int
    name: str = ""
    names: tuple[str, ...] = ()


class MapOf(NamedTuple):
    """A variable with one record per key; its `value` may be a map again, once."""

    key: "Type"
    value: "Type"


Type = Scalar | ListOf | TupleOf | MapOf


class Records(dict[str, Fields]):
    """The records of an interface by name; resolves types, each once."""

    def __init__(self, records: Mapping[str, Fields] | None = None) -> None:
        super().__init__(records or {})
        self._known: dict[str, Type] = {}
        self._open: list[str] = []

    def resolve(self, text: str) -> Type:
        """Return the type that a text stands for; raises WrongType."""
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = _Parser(text, self).parse()
        return found

    def resolve_record(self, name: str) -> TupleOf:
        """Return a record's fields; raises WrongType when there is none, or it holds itself."""
        known = self._known.get(name)
        if isinstance(known, TupleOf):
            return known
        if name in self._open or len(self._open) >= DEPTH_MAX:
            raise WrongType(f"record {name} holds itself, or others {DEPTH_MAX} deep")
        self._open.append(name)
        try:
            items = tuple([self.resolve(each) for _, each in self[name]])
        finally:
            self._open.pop()
        if not items or any(isinstance(item, MapOf) for item in items):
            raise WrongType(f"record {name} has no fields, or a map among them")
        return _join(items, name, tuple([field for field, _ in self[name]]))


def as_records(records: Mapping[str, Fields] | None) -> Records:
    """Return records that can resolve types."""
    return records if isinstance(records, Records) else Records(records)


def parse_type(text: str, records: Mapping[str, Fields] | None = None) -> Type:
    """Return the type that a text stands for; raises WrongType."""
    return as_records(records).resolve(text)


def format_type(type_: Type) -> str:
    """Return the text that stands for a type."""
    if isinstance(type_, Scalar):
        return type_.name
    if isinstance(type_, ListOf):
        return f"List[{format_type(type_.item)}]"
    if isinstance(type_, MapOf):
        return f"Map[{format_type(type_.key)}, {format_type(type_.value)}]"
    return type_.name or f"tuple[{', '.join(map(format_type, type_.items))}]"


def compute_zero_bytes(type_: Type) -> int:
    """Return how long a type's zero is when encoded: the least that any value takes."""
    if isinstance(type_, Scalar):
        return _ZEROS[type_.name]
    return type_.zero_bytes if isinstance(type_, TupleOf) else 4


def _join(items: tuple[Type, ...], name: str = "", names: tuple[str, ...] = ()) -> TupleOf:
    size = sum(map(compute_zero_bytes, items))
    if size > ZERO_BYTES_MAX:
        what = name or f"tuple of {len(items)}"
        raise WrongType(f"{what} takes more than {ZERO_BYTES_MAX} bytes even when all is zero")
    return TupleOf(items, size, name, names)


class _Parser:
    """Reads one type; a map may stand only outermost, and in such a map's values once."""

    def __init__(self, text: str, records: Records) -> None:
        self._text, self._records, self._place = text, records, 0

    def parse(self) -> Type:
        """Return the type of the whole text."""
        if len(self._text) > TEXT_MAX:
            raise WrongType(f"a type has at most {TEXT_MAX} letters")
        found = self._parse_type(0, maps=2)
        if self._text[self._place :].strip():
            raise self._refuse("goes on after its end")
        return found

    def _parse_type(self, depth: int, maps: int = 0) -> Type:
        name = self._take()
        if depth > DEPTH_MAX:
            raise self._refuse(f"is nested more than {DEPTH_MAX} deep")
        if name in _ZEROS:
            return Scalar(name)
        if name == "List":
            return ListOf(*self._parse_parameters(depth, 1))
        if name == "tuple":
            return _join(self._parse_parameters(depth, None))
        if name == "Map":
            if not maps:
                raise self._refuse("has a Map where only a variable may have one")
            return self._parse_map(depth, maps)
        if name in self._records:
            return self._records.resolve_record(name)
        raise self._refuse(f"has '{name}', which is neither a type nor one of its records")

    def _parse_map(self, depth: int, maps: int) -> Type:
        self._expect("[")
        key = self._parse_type(depth + 1)
        self._expect(",")
        value = self._parse_type(depth + 1, maps - 1)
        self._expect("]")
        return MapOf(key, value)

    def _parse_parameters(self, depth: int, count: int | None) -> tuple[Type, ...]:
        self._expect("[")
        found = [self._parse_type(depth + 1)]
        while (separator := self._take()) == ",":
            found.append(self._parse_type(depth + 1))
        if separator != "]":
            raise self._refuse("lacks a ']'")
        if count not in (None, len(found)):
            raise self._refuse(f"has a List of {len(found)} types")
        return tuple(found)

    def _expect(self, token: str) -> None:
        if self._take() != token:
            raise self._refuse(f"lacks a '{token}'")

    def _take(self) -> str:
        match = _TOKEN.match(self._text, self._place)
        if match is None:
            raise self._refuse("ends too early, or has a sign that types do not have")
        self._place = match.end()
        return match[1]

    def _refuse(self, why: str) -> WrongType:
        return WrongType(f"'{self._text[:80]}' is no type of contracts: it {why}", text=self._text)
