"""Variables and entries of Maps: records, found by keys that are encoded at HEAP."""

from dataclasses import dataclass

from quorate.lang import tree
from quorate.lang.lower import evaluate as ex
from quorate.lang.lower.codec import push_zero, put, take
from quorate.lang.lower.layout import get_kinds
from quorate.lang.lower.writer import Builder, Writer
from quorate.lang.types import ADDRESS, BOOL, U8, U32, U128, Int, Type
from quorate.lang.wasm.code import I32

DIRTY = 2


@dataclass(slots=True)
class Place:
    """A record: its variable, and its keys, which are evaluated already."""

    name: str
    type: Type
    keys: list[ex.Held]


def find(w: Writer, node: tree.Variable | tree.Entry) -> Place:
    """Evaluate the keys of a place."""
    keys = [ex.hold(w, key) for key in node.keys] if isinstance(node, tree.Entry) else []
    return Place(node.name, node.type, keys)


def push_key(w: Writer, place: Place) -> None:
    """Encode a place's key from HEAP to OUT."""
    name = place.name.encode()
    prefix = bytes((len(name),)) + name
    w.call("begin")
    w.emit(("data", prefix), ("i32.const", len(prefix)), ("call", "put"))
    for key in place.keys:
        key.push(w)
        put(w, key.type)


def load(w: Writer, place: Place) -> None:
    """Push the value of a place: of what can change a new one."""
    if not place.keys and place.name in w.builder.kept:
        w.call(make_getter(w.builder, place.name))
    else:
        _load_record(w, place)


def _load_record(w: Writer, place: Place) -> None:
    push_key(w, place)
    kind = place.type
    if kind == U128:
        low = w.make_temp()
        w.emit(("call", "load_short"), ("local.tee", low), ("i64.load",))
        w.emit(("local.get", low), ("i64.load", 8))
    elif isinstance(kind, Int) or kind == BOOL:
        w.emit(("call", "load_short"), _pick_load(kind))
    elif kind == ADDRESS:
        w.call("load_address")
    else:
        w.emit(("call", "load_record"), ("if", w.make_label(), (I32,)))
        take(w, kind)
        w.emit(("else",))
        push_zero(w, kind)
        w.emit(("end",))


def _pick_load(kind: Type) -> tuple[str]:
    if kind == BOOL:
        return ("i32.load8_u",)
    return ("i64.load8_u",) if kind == U8 else ("i64.load32_u" if kind == U32 else "i64.load",)


def store(w: Writer, place: Place, values: list[str]) -> None:
    """Set a place to the value in locals."""
    if not place.keys and place.name in w.builder.kept:
        for name, value in zip(_name_globals(place.name, place.type), values, strict=True):
            w.emit(("local.get", value), ("global.set", name))
        w.emit(("i32.const", DIRTY), ("global.set", _name_state(place.name)))
        return
    push_key(w, place)
    where = w.make_temp()
    w.emit(("global.get", "OUT"), ("local.set", where))
    w.get(values)
    put(w, place.type)
    w.emit(("local.get", where), ("call", "store_record"))


def declare_globals(builder: Builder) -> None:
    """Declare what keeps variables during a call."""
    for name, kind in builder.kept.items():
        builder.module.globals[_name_state(name)] = I32
        for part, kind_ in zip(_name_globals(name, kind), get_kinds(kind), strict=True):
            builder.module.globals[part] = kind_


def make_getter(builder: Builder, name: str) -> str:
    """Return the function that reads a kept variable, loading it the first time."""
    function, kind = f"get {name}", builder.kept[name]
    if function in builder.module.functions:
        return function
    w = Writer(builder, function, get_kinds(kind))
    parts = _name_globals(name, kind)
    w.emit(("global.get", _name_state(name)), ("i32.eqz",), ("if", w.make_label(), ()))
    _load_record(w, Place(name, kind, []))
    w.emit(*(("global.set", part) for part in reversed(parts)))
    w.emit(("i32.const", 1), ("global.set", _name_state(name)), ("end",))
    w.emit(*(("global.get", part) for part in parts), ("return",))
    return w.finish()


def make_flush(builder: Builder) -> None:
    """Make the functions that store what is dirty, and that forget what is kept."""
    flush, forget = Writer(builder, "flush"), Writer(builder, "forget")
    for name, kind in builder.kept.items():
        state = _name_state(name)
        where = flush.make_temp()
        flush.emit(("global.get", state), ("i32.const", DIRTY), ("i32.eq",))
        flush.emit(("if", flush.make_label(), ()))
        push_key(flush, Place(name, kind, []))
        flush.emit(("global.get", "OUT"), ("local.set", where))
        flush.emit(*(("global.get", part) for part in _name_globals(name, kind)))
        put(flush, kind)
        flush.emit(("local.get", where), ("call", "store_record"))
        flush.emit(("i32.const", 1), ("global.set", state), ("end",))
        forget.emit(("i32.const", 0), ("global.set", state))
        flush.release({})
    flush.finish()
    forget.finish()


def _name_state(name: str) -> str:
    return f"state {name}"


def _name_globals(name: str, kind: Type) -> list[str]:
    return [f"value {name}", f"high {name}"][: len(get_kinds(kind))]
