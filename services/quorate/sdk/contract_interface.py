"""What an interface says of a contract (docs/contract-abi.md, section 5), and keys of its state."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from quorate.core.contracts.abi_types import Fields, MapOf, Records, Type, WrongType
from quorate.core.contracts.values import WrongValue, decode_all, encode, show
from quorate.core.errors import InvalidInput, MalformedBytes, NotFound

INTERFACE_BYTES_MAX: Final = 16_384
_VERSION: Final = 1
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TAKEN: Final = frozenset(
    {"bool", "u8", "u32", "u64", "i64", "u128", "Address", "bytes", "str", "List", "tuple", "Map"}
)
_Item = TypeVar("_Item")


class WrongInterface(InvalidInput):
    """A contract's interface is not what docs/contract-abi.md says; its state can't be shown."""

    reason = "WRONG_INTERFACE"


class Method(NamedTuple):
    """A method: what it takes and gives ("": nothing), and how it may be called."""

    name: str
    parameters: Fields
    returns: str
    view: bool
    payable: bool
    doc: str


class Interface(NamedTuple):
    """What is in a contract; `constructor` is a method named init, `events` have their fields."""

    name: str
    language: str
    records: Records
    variables: Fields
    constructor: Method
    methods: tuple[Method, ...]
    events: dict[str, Fields]

    def find_method(self, name: str) -> Method:
        """Return a method; raises NotFound (NO_METHOD), which names those there are."""
        for method in self.methods:
            if method.name == name:
                return method
        names = ", ".join(method.name for method in self.methods) or "none"
        raise NotFound(f"there is no method {name}; there are: {names}", reason="NO_METHOD")

    def find_variable(self, name: str) -> str:
        """Return the type of a variable; raises NotFound (NO_VARIABLE)."""
        for variable, type_ in self.variables:
            if variable == name:
                return type_
        names = ", ".join(variable for variable, _ in self.variables) or "none"
        raise NotFound(f"there is no variable {name}; there are: {names}", reason="NO_VARIABLE")


class Entry(NamedTuple):
    """A record of state read by an interface: variable, keys of its map (or none), value."""

    variable: str
    keys: tuple[Any, ...]
    value: Any


def parse_interface(data: bytes) -> Interface:
    """Return what an interface says; raises WrongInterface, which says where it is wrong."""
    if len(data) > INTERFACE_BYTES_MAX:
        raise WrongInterface(f"an interface has at most {INTERFACE_BYTES_MAX} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WrongInterface("the interface is no JSON") from error
    if not isinstance(document, dict) or document.get("abi") != _VERSION:
        raise WrongInterface(f"the interface is not of version {_VERSION}")
    interface = _build(document)
    for name in interface.records:
        _check_type(interface, f"records.{name}", name)
    for name, type_ in interface.variables:
        _check_type(interface, f"variables.{name}", type_, is_variable=True)
    for method in (interface.constructor, *interface.methods):
        for name, type_ in method.parameters:
            _check_type(interface, f"{method.name}.{name}", type_)
        if method.returns:
            _check_type(interface, f"{method.name}.returns", method.returns)
    for event, fields in interface.events.items():
        for name, type_ in fields:
            _check_type(interface, f"{event}.{name}", type_)
    return interface


def compute_prefix(variable: str) -> bytes:
    """Return what all keys of a variable's records begin with."""
    return bytes([len(variable.encode())]) + variable.encode()


def compute_key(interface: Interface, variable: str, *keys: Any) -> bytes:
    """Return the key of a variable's record, or of a map's entry; raises NotFound, WrongValue."""
    types, _ = _split(interface.records.resolve(interface.find_variable(variable)))
    if len(keys) != len(types):
        raise WrongValue(variable, f"{len(types)} keys", f"{len(keys)}")
    parts = [
        encode(type_, key, f"{variable}[{show(key)}]")
        for type_, key in zip(types, keys, strict=True)
    ]
    return compute_prefix(variable) + b"".join(parts)


def decode_record(interface: Interface, key: bytes, value: bytes) -> Entry | None:
    """Return what a record of state is; None when it is none of the interface's variables."""
    name = key[1 : 1 + key[0]] if key else b""
    try:
        variable = name.decode("ascii")
        type_ = interface.records.resolve(interface.find_variable(variable))
        types, held = _split(type_)
        rest = key[1 + len(name) :]
        return Entry(
            variable,
            tuple(decode_all(types, rest, "key")),
            decode_all([held], value, "value")[0],
        )
    except (UnicodeDecodeError, NotFound, MalformedBytes):
        return None


def decode_event(interface: Interface, name: str, data: bytes) -> dict[str, Any] | None:
    """Return the fields of an event; None when the interface does not have it so."""
    fields = interface.events.get(name)
    if fields is None:
        return None
    types = [interface.records.resolve(type_) for _, type_ in fields]
    try:
        values = decode_all(types, data, "event")
    except MalformedBytes:
        return None
    return dict(zip([field for field, _ in fields], values, strict=True))


def _split(type_: Type) -> tuple[list[Type], Type]:
    """Return the types of a variable's keys, and of the value of each of its records."""
    keys = []
    while isinstance(type_, MapOf):
        keys.append(type_.key)
        type_ = type_.value
    return keys, type_


def _build(document: Mapping[str, Any]) -> Interface:
    record_fields = _take(document, "records", dict, {})
    records = {_check_name(name): _read_fields(f, name) for name, f in record_fields.items()}
    if _TAKEN & set(records):
        raise WrongInterface("a record has the name of a type")
    init = {"name": "init", "returns": "", "view": False}
    constructor = {**_take(document, "constructor", dict, {}), **init}
    methods = _read_list(document, "methods", _read_method)
    events = _read_list(document, "events", _read_event)
    return Interface(
        name=_take(document, "name", str, ""),
        language=_take(document, "language", str, ""),
        records=Records(records),
        variables=_read_fields(document.get("variables", []), "variables"),
        constructor=_read_method(constructor),
        methods=_check_unique(methods, "methods", [method.name for method in methods]),
        events=dict(_check_unique(events, "events", [name for name, _ in events])),
    )


def _read_method(item: Any) -> Method:
    if not isinstance(item, dict):
        raise WrongInterface("a method is no object")
    name = _check_name(item.get("name"))
    return Method(
        name,
        _read_fields(item.get("parameters", []), name),
        _take(item, "returns", str, ""),
        _take(item, "view", bool, False),
        _take(item, "payable", bool, False),
        _take(item, "doc", str, ""),
    )


def _read_event(item: Any) -> tuple[str, Fields]:
    if not isinstance(item, dict):
        raise WrongInterface("an event is no object")
    name = _take(item, "name", str, "")
    return name, _read_fields(item.get("fields", []), name)


def _read_fields(items: Any, place: str) -> Fields:
    found = []
    for item in items if isinstance(items, list) else [None]:
        if not isinstance(item, list) or len(item) != 2 or not isinstance(item[1], str):
            raise WrongInterface(f"{place}: expected a list of [name, type]")
        found.append((_check_name(item[0]), item[1]))
    return _check_unique(found, place, [name for name, _ in found])


def _read_list(
    document: Mapping[str, Any], field: str, read: Callable[[Any], _Item]
) -> tuple[_Item, ...]:
    return tuple([read(item) for item in _take(document, field, list, [])])


def _take(item: Mapping[str, Any], field: str, kind: type[_Item], default: _Item) -> _Item:
    value = item.get(field, default)
    if not isinstance(value, kind):
        raise WrongInterface(f"{field}: expected {kind.__name__}, not {show(value)}")
    return value


def _check_name(name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise WrongInterface(f"{show(name)} is no name")
    return name


def _check_unique(items: Iterable[_Item], place: str, names: list[str]) -> tuple[_Item, ...]:
    if len(set(names)) != len(names):
        raise WrongInterface(f"{place}: a name stands there twice")
    return tuple(items)


def _check_type(interface: Interface, place: str, type_: str, *, is_variable: bool = False) -> None:
    try:
        found = interface.records.resolve(type_)
    except WrongType as error:
        raise WrongInterface(f"{place}: {error.message}") from error
    if isinstance(found, MapOf) and not is_variable:
        raise WrongInterface(f"{place}: only a variable can be a Map")
