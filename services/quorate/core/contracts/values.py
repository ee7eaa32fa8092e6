"""Values of contracts: encoded as docs/contract-abi.md, section 2 says, and back.

In Python a number is an int, an Address is 32 bytes, a list a list, a tuple a tuple, and a record a
dict by field (a tuple will do to encode). Nothing is converted silently: what is not of its type
raises WrongValue, which names the place (`offers[2].price`) and what was expected there.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from quorate.core.contracts.abi_types import (
    INTEGERS,
    Fields,
    ListOf,
    Scalar,
    TupleOf,
    Type,
    as_records,
    compute_zero_bytes,
    format_type,
)
from quorate.core.errors import InvalidInput, MalformedBytes

_ADDRESS_BYTES: Final = 32


class WrongValue(InvalidInput):
    """A value is not of its type; `parameter` says which one, `expected` what it should be."""

    reason = "WRONG_VALUE"

    def __init__(self, parameter: str, expected: str, given: str) -> None:
        super().__init__(
            f"{parameter}: expected {expected}, not {given}",
            parameter=parameter, expected=expected,
        )  # fmt: skip


def encode_value(type_: str, value: Any, records: Mapping[str, Fields] | None = None) -> bytes:
    """Return a value of a type encoded; raises WrongType or WrongValue."""
    return encode(as_records(records).resolve(type_), value, "value")


def decode_value(type_: str, data: bytes, records: Mapping[str, Fields] | None = None) -> Any:
    """Return the value of a type that bytes hold, exactly; raises WrongType or MalformedBytes."""
    return decode_all([as_records(records).resolve(type_)], data, "value")[0]


def encode_fields(
    fields: Fields, values: Sequence[Any], records: Mapping[str, Fields] | None = None
) -> bytes:
    """Return values of named fields encoded: arguments, or the fields of an event."""
    if len(values) != len(fields):
        names = ", ".join(f"{name}: {type_}" for name, type_ in fields) or "none"
        raise WrongValue("arguments", f"{len(fields)} of them ({names})", f"{len(values)} of them")
    known = as_records(records)
    pairs = zip(fields, values, strict=True)
    return b"".join([encode(known.resolve(type_), each, name) for (name, type_), each in pairs])


def decode_fields(
    fields: Fields, data: bytes, records: Mapping[str, Fields] | None = None
) -> dict[str, Any]:
    """Return the values of named fields that bytes hold, exactly; raises MalformedBytes."""
    known = as_records(records)
    types = [known.resolve(type_) for _, type_ in fields]
    values = decode_all(types, data, "fields")
    return dict(zip([name for name, _ in fields], values, strict=True))


def compute_zero(type_: Type) -> Any:
    """Return the value that a variable of a type has before anything was stored."""
    return decode_all([type_], bytes(compute_zero_bytes(type_)), "zero")[0]


def encode(type_: Type, value: Any, place: str) -> bytes:
    """Return a value encoded; `place` is how errors call it."""
    if isinstance(type_, Scalar):
        return _encode_scalar(type_.name, value, place)
    if isinstance(type_, ListOf):
        if not isinstance(value, list | tuple):
            raise WrongValue(place, f"a list ({format_type(type_)})", show(value))
        items = [encode(type_.item, each, f"{place}[{i}]") for i, each in enumerate(value)]
        return len(items).to_bytes(4, "little") + b"".join(items)
    if isinstance(type_, TupleOf):
        return _encode_tuple(type_, value, place)
    raise WrongValue(place, "a value, and a Map is none: only a variable can be one", show(value))


def encode_integer(name: str, value: Any, place: str) -> bytes:
    """Return a number encoded; raises WrongValue when it is none, or out of range."""
    size, signed = INTEGERS[name]
    lowest = -(1 << 8 * size - 1) if signed else 0
    highest = (1 << 8 * size - signed) - 1
    # A bool is an int in Python, but True is no amount.
    if type(value) is not int or not lowest <= value <= highest:
        raise WrongValue(place, f"a whole number from {lowest} to {highest} ({name})", show(value))
    return value.to_bytes(size, "little", signed=signed)


def _encode_scalar(name: str, value: Any, place: str) -> bytes:
    if name in INTEGERS:
        return encode_integer(name, value, place)
    if name == "bool":
        if type(value) is not bool:
            raise WrongValue(place, "True or False (bool)", show(value))
        return b"\1" if value else b"\0"
    if name == "str":
        if not isinstance(value, str):
            raise WrongValue(place, "text (str)", show(value))
        try:
            data = value.encode()
        except UnicodeEncodeError as error:
            raise WrongValue(place, "text of whole characters (str)", show(value)) from error
        return len(data).to_bytes(4, "little") + data
    if not isinstance(value, bytes):
        raise WrongValue(place, f"bytes ({name})", show(value))
    if name == "bytes":
        return len(value).to_bytes(4, "little") + value
    if len(value) != _ADDRESS_BYTES:
        raise WrongValue(place, f"{_ADDRESS_BYTES} bytes (Address)", f"{len(value)} bytes")
    return value


def _encode_tuple(type_: TupleOf, value: Any, place: str) -> bytes:
    values, names = value, [f"{place}[{i}]" for i in range(len(type_.items))]
    if type_.name:
        names = [f"{place}.{name}" for name in type_.names]
        if isinstance(value, Mapping):
            if set(value) != set(type_.names):
                fields = ", ".join(type_.names)
                raise WrongValue(place, f"the fields {fields} ({type_.name})", show(list(value)))
            values = [value[name] for name in type_.names]
    if not isinstance(values, list | tuple) or len(values) != len(type_.items):
        kind = type_.name or format_type(type_)
        raise WrongValue(place, f"{len(type_.items)} values ({kind})", show(value))
    triples = zip(type_.items, values, names, strict=True)
    return b"".join([encode(item, each, name) for item, each, name in triples])


def decode_all(types: Sequence[Type], data: bytes, what: str) -> list[Any]:
    """Return the values that stand one after the other; raises MalformedBytes."""
    reader = Reader(data, what)
    values = [reader.read(type_) for type_ in types]
    if reader.place != len(data):
        raise MalformedBytes(what, f"has {len(data) - reader.place} bytes too many")
    return values


class Reader:
    """Reads values off bytes that a stranger may have made; `place` is how far it got."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data, self._what, self.place = data, what, 0

    def read(self, type_: Type) -> Any:
        """Return the next value; raises MalformedBytes."""
        if isinstance(type_, Scalar):
            return self._read_scalar(type_.name)
        if isinstance(type_, ListOf):
            count = self._read_count(compute_zero_bytes(type_.item))
            return [self.read(type_.item) for _ in range(count)]
        if isinstance(type_, TupleOf):
            values = [self.read(item) for item in type_.items]
            return dict(zip(type_.names, values, strict=True)) if type_.name else tuple(values)
        raise MalformedBytes(self._what, "a Map is no value: each of its entries is a record")

    def _read_scalar(self, name: str) -> Any:
        if name in INTEGERS:
            size, signed = INTEGERS[name]
            return int.from_bytes(self._take(size), "little", signed=signed)
        if name == "Address":
            return self._take(_ADDRESS_BYTES)
        if name == "bool":
            value = self._take(1)[0]
            if value > 1:
                raise MalformedBytes(self._what, f"a bool is 0 or 1, not {value}")
            return value == 1
        data = self._take(self._read_count(1))
        if name == "bytes":
            return data
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise MalformedBytes(self._what, "a str is not UTF-8") from error

    def _read_count(self, size_bytes: int) -> int:
        """Return a length; what is left must have room for so many things of this size."""
        count = int.from_bytes(self._take(4), "little")
        if count * size_bytes > len(self._data) - self.place:
            raise MalformedBytes(self._what, "ends too early")
        return count

    def _take(self, count: int) -> bytes:
        data = self._data[self.place : self.place + count]
        if len(data) != count:
            raise MalformedBytes(self._what, "ends too early")
        self.place += count
        return data


def show(value: object) -> str:
    """Return a value as errors show it."""
    try:
        text = repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 80 else text[:77] + "..."
