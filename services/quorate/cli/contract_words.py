"""Values of contracts as people type and read them, by the types of docs/contract-abi.md.

A number is 12, 1_000, 0xff or -5; an Address an address, the name of a key, or of a contract here;
bytes are hex digits or @FILE; lists, tuples and records are JSON, with the same inside:
'["alice", 12]', '{"seller": "alice", "price": 5}'.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from quorate.core.contracts.abi_types import (
    INTEGERS,
    Fields,
    ListOf,
    Records,
    Scalar,
    TupleOf,
    Type,
    format_type,
)
from quorate.core.errors import InvalidInput, NotFound
from quorate.core.values import format_address

Resolve = Callable[[str], bytes]
"""Returns the address that a text stands for."""

_BYTES_SHOWN: Final = 24
_EXAMPLES: Final = {"bool": True, "str": "text", "Address": "alice", "bytes": "00ff"}


def read_arguments(
    fields: Fields, texts: Sequence[str], records: Records, resolve: Resolve, what: str
) -> list[Any]:
    """Return the values of a method's parameters, given by position and as name=value.

    `what` is how the method is called, for people. Raises InvalidInput, naming what is missing.
    """
    given = _match(fields, texts, what)
    values = []
    for name, kind in fields:
        try:
            values.append(read_value(records.resolve(kind), given[name], resolve))
        except InvalidInput as error:
            message = f"argument {name}: {error.message}"
            raise InvalidInput(message, reason=error.reason, argument=name, type=kind) from error
        except NotFound as error:
            message = f"argument {name}: {error.message}"
            raise NotFound(message, reason=error.reason, argument=name) from error
    return values


def read_value(type_: Type, text: str, resolve: Resolve) -> Any:
    """Return the value of a type that a text stands for; raises InvalidInput."""
    if isinstance(type_, Scalar):
        return _read_scalar(type_.name, text, resolve)
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _refuse(type_, text) from error
    return _convert(type_, found, resolve)


def format_signature(name: str, fields: Fields, returns: str = "") -> str:
    """Return a method or event as people read it: transfer(to: Address, amount: u64)."""
    inside = ", ".join(f"{field}: {kind}" for field, kind in fields)
    return f"{name}({inside})" + (f" → {returns}" if returns else "")


def clean(text: str) -> str:
    """Return a stranger's text with what could move a terminal's cursor spelled out."""
    return "".join([c if c.isprintable() else f"\\x{ord(c):02x}" for c in text])


def format_value(type_: Type, value: Any, name_of: Callable[[bytes], str]) -> str:
    """Return a value as people read it; `name_of` tells what an address is called, or ""."""
    if isinstance(type_, Scalar):
        return _format_scalar(type_.name, value, name_of)
    if isinstance(type_, ListOf):
        return f"[{', '.join(format_value(type_.item, each, name_of) for each in value)}]"
    assert isinstance(type_, TupleOf), "a map has no value"
    values = list(value.values()) if isinstance(value, Mapping) else value
    parts = [format_value(t, v, name_of) for t, v in zip(type_.items, values, strict=True)]
    if not type_.name:
        return f"({', '.join(parts)})"
    named = [f"{field}={part}" for field, part in zip(type_.names, parts, strict=True)]
    return f"{type_.name}({', '.join(named)})"


def _match(fields: Fields, texts: Sequence[str], what: str) -> dict[str, str]:
    names = [name for name, _ in fields]
    given: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        is_named = bool(equals) and name in names
        key = name if is_named else next((each for each in names if each not in given), "")
        if not key or key in given:
            raise _refuse_arguments(fields, what, f"'{text}' is too much")
        given[key] = value if is_named else text
    missing = [name for name in names if name not in given]
    if missing:
        raise _refuse_arguments(fields, what, f"{', '.join(missing)} missing")
    return given


def _refuse_arguments(fields: Fields, what: str, why: str) -> InvalidInput:
    message = f"{why}: it is {format_signature(what, fields)}"
    return InvalidInput(message, reason="BAD_ARGUMENTS", method=what)


def _read_scalar(kind: str, text: str, resolve: Resolve) -> Any:
    if kind == "str":
        return text
    if kind == "Address":
        return resolve(text)
    if kind == "bytes":
        return _read_bytes(text)
    if kind == "bool":
        if text.lower() not in ("true", "false"):
            raise _refuse(Scalar(kind), text, "give true or false")
        return text.lower() == "true"
    return _read_number(kind, text)


def _read_number(kind: str, text: str) -> int:
    size, signed = INTEGERS[kind]
    least = -(1 << 8 * size - 1) if signed else 0
    most = (1 << 8 * size - signed) - 1
    try:
        number = int(text.replace(",", ""), 0)
    except ValueError as error:
        advice = "give a whole number, like 12, 1_000 or 0xff"
        raise _refuse(Scalar(kind), text, advice) from error
    if not least <= number <= most:
        raise _refuse(Scalar(kind), text, f"it must be {least:,} to {most:,}")
    return number


def _read_bytes(text: str) -> bytes:
    if text.startswith("@"):
        try:
            return Path(text[1:]).read_bytes()
        except OSError as error:
            raise InvalidInput(f"cannot read {text[1:]}: {error}", reason="NO_FILE") from error
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise _refuse(Scalar("bytes"), text, "give hex digits, or @FILE") from error


def _convert(type_: Type, found: Any, resolve: Resolve) -> Any:
    """Return the value of a type out of what JSON gave."""
    if isinstance(type_, Scalar) and not isinstance(found, list | dict):
        text = found if isinstance(found, str) else json.dumps(found)
        return _read_scalar(type_.name, text, resolve)
    if isinstance(type_, ListOf) and isinstance(found, list):
        return [_convert(type_.item, each, resolve) for each in found]
    if isinstance(type_, TupleOf):
        if type_.name and isinstance(found, dict) and set(found) == set(type_.names):
            found = [found[name] for name in type_.names]
        if isinstance(found, list) and len(found) == len(type_.items):
            pairs = zip(type_.items, found, strict=True)
            return tuple([_convert(item, each, resolve) for item, each in pairs])
    raise _refuse(type_, json.dumps(found))


def _refuse(type_: Type, text: str, advice: str = "") -> InvalidInput:
    advice = advice or f"give JSON, like '{json.dumps(_make_example(type_))}'"
    message = f"'{text}' is no {format_type(type_)}: {advice}"
    return InvalidInput(message, reason="MALFORMED_VALUE")


def _make_example(type_: Type) -> Any:
    if isinstance(type_, Scalar):
        return _EXAMPLES.get(type_.name, 12)
    if isinstance(type_, ListOf):
        return [_make_example(type_.item)]
    assert isinstance(type_, TupleOf), "a map has no value"
    parts = [_make_example(item) for item in type_.items]
    return dict(zip(type_.names, parts, strict=True)) if type_.name else parts


def _format_scalar(kind: str, value: Any, name_of: Callable[[bytes], str]) -> str:
    if kind == "Address":
        name = name_of(value)
        text = format_address(value) if any(value) else "nobody"
        return f"{text} ({name})" if name else text
    if isinstance(value, bytes):
        shown = "0x" + value[:_BYTES_SHOWN].hex()
        return shown if len(value) <= _BYTES_SHOWN else f"{shown}… ({len(value):,} bytes)"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:,}" if isinstance(value, int) else clean(json.dumps(value, ensure_ascii=False))
