"""Values of contracts as people and JSON write them.

An Address is bech32m text or 0x and 64 hex digits, bytes are 0x and hex digits, a u128 is decimal
text in JSON because most readers of JSON lose its last digits, a record is an object by field.
"""

import json
import re
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
    format_type,
)
from quorate.core.contracts.values import WrongValue, encode, show
from quorate.core.errors import MalformedAddress
from quorate.core.values import HASH_BYTES, format_address, parse_address

# 2^128 has 39 digits; whoever writes more means nothing that fits.
_DECIMAL: Final = re.compile(r"-?[0-9]{1,40}", re.ASCII)
_HEX: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)
_BOOLS: Final = {"true": True, "false": False}


def parse_text(
    type_: str, text: str, records: Mapping[str, Fields] | None = None, *, name: str = "value"
) -> Any:
    """Return the value that a word of a command line stands for; lists and the like are JSON.

    Raises WrongType or WrongValue.
    """
    known = as_records(records).resolve(type_)
    if isinstance(known, Scalar):
        return _from_json(known, text, name)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WrongValue(name, f"JSON of {format_type(known)}", show(text)) from error
    return _from_json(known, document, name)


def parse_arguments(
    fields: Fields, words: Sequence[str], records: Mapping[str, Fields] | None = None
) -> list[Any]:
    """Return the values that words of a command line stand for, one per field."""
    if len(words) != len(fields):
        names = ", ".join(f"{name}: {type_}" for name, type_ in fields) or "none"
        raise WrongValue("arguments", f"{len(fields)} of them ({names})", f"{len(words)} of them")
    pairs = zip(fields, words, strict=True)
    return [parse_text(type_, word, records, name=name) for (name, type_), word in pairs]


def from_json(
    type_: str, document: Any, records: Mapping[str, Fields] | None = None, *, name: str = "value"
) -> Any:
    """Return the value that a JSON document stands for; raises WrongType or WrongValue."""
    return _from_json(as_records(records).resolve(type_), document, name)


def to_json(type_: str, value: Any, records: Mapping[str, Fields] | None = None) -> Any:
    """Return a value, as decoding gave it, as a JSON document."""
    return _to_json(as_records(records).resolve(type_), value)


def fields_to_json(
    fields: Fields, values: Mapping[str, Any], records: Mapping[str, Fields] | None = None
) -> dict[str, Any]:
    """Return the fields of an event, as decoding gave them, as a JSON document."""
    known = as_records(records)
    return {name: to_json(type_, values[name], known) for name, type_ in fields}


def _from_json(type_: Type, document: Any, place: str) -> Any:
    if isinstance(type_, Scalar):
        return _parse_scalar(type_, document, place)
    if isinstance(type_, ListOf):
        if not isinstance(document, list):
            raise WrongValue(place, f"a list ({format_type(type_)})", show(document))
        return [_from_json(type_.item, each, f"{place}[{i}]") for i, each in enumerate(document)]
    if isinstance(type_, TupleOf):
        return _parse_tuple(type_, document, place)
    raise WrongValue(place, "a value, and a Map is none", show(document))


def _parse_tuple(type_: TupleOf, document: Any, place: str) -> Any:
    if type_.name and isinstance(document, dict):
        if set(document) != set(type_.names):
            expected = f"the fields {', '.join(type_.names)} ({type_.name})"
            raise WrongValue(place, expected, show(list(document)))
        pairs = zip(type_.names, type_.items, strict=True)
        return {name: _from_json(item, document[name], f"{place}.{name}") for name, item in pairs}
    if not isinstance(document, list) or len(document) != len(type_.items):
        kind = type_.name or format_type(type_)
        raise WrongValue(place, f"a list of {len(type_.items)} ({kind})", show(document))
    values = [
        _from_json(item, each, f"{place}[{i}]")
        for i, (item, each) in enumerate(zip(type_.items, document, strict=True))
    ]
    return dict(zip(type_.names, values, strict=True)) if type_.name else tuple(values)


def _parse_scalar(type_: Scalar, document: Any, place: str) -> Any:
    value = document
    if isinstance(document, str):
        if type_.name in INTEGERS:
            value = int(document) if _DECIMAL.fullmatch(document) else document
        elif type_.name == "bool":
            value = _BOOLS.get(document, document)
        elif type_.name == "bytes":
            value = _parse_hex(document, place, "0x and two hex digits per byte (bytes)")
        elif type_.name == "Address":
            value = _parse_address(document, place)
    # Encoding checks the rest: that it is of the type, and in its range.
    encode(type_, value, place)
    return value


def _parse_hex(text: str, place: str, expected: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise WrongValue(place, expected, show(text))
    return bytes.fromhex(text[2:])


def _parse_address(text: str, place: str) -> bytes:
    if text.startswith("0x"):
        data = _parse_hex(text, place, "0x and 64 hex digits (Address)")
        if len(data) != HASH_BYTES:
            raise WrongValue(place, f"{HASH_BYTES} bytes (Address)", f"{len(data)} bytes")
        return data
    try:
        return parse_address(text)
    except MalformedAddress as error:
        raise WrongValue(place, "an address, qr1…", error.message) from error


def _to_json(type_: Type, value: Any) -> Any:
    if isinstance(type_, ListOf):
        return [_to_json(type_.item, each) for each in value]
    if isinstance(type_, TupleOf):
        if isinstance(value, Mapping):
            pairs = zip(type_.names, type_.items, strict=True)
            return {name: _to_json(item, value[name]) for name, item in pairs}
        return [_to_json(item, each) for item, each in zip(type_.items, value, strict=True)]
    assert isinstance(type_, Scalar), "a Map is no value"
    if type_.name == "Address":
        return format_address(value)
    if type_.name == "bytes":
        return "0x" + value.hex()
    return str(value) if type_.name == "u128" else value
