"""Encoding, decoding, zero and equality of every type: functions that are made when needed."""

from collections.abc import Callable

from quorate.lang.lower.layout import (
    get_kinds,
    get_offsets,
    get_slot,
    is_zero_address,
    load_slot,
    store_slot,
)
from quorate.lang.lower.writer import Builder, Writer
from quorate.lang.types import BOOL, BYTES, STR, U8, U32, U128, Fields, Int, List, Type
from quorate.lang.wasm.code import I32

_PUTS = {"u8": "put8", "u32": "put32", "u128": "put128", "bool": "put8", "Address": "put_address"}
_TAKES = {
    "u8": "take8",
    "u32": "take32",
    "u64": "take64",
    "i64": "take64",
    "u128": "take128",
    "bool": "take_bool",
    "Address": "take_address",
    "bytes": "take_bytes",
    "str": "take_str",
}


def put(w: Writer, kind: Type) -> None:
    """Encode the value on the stack at OUT."""
    if kind in (U8, U32):
        w.emit(("i32.wrap_i64",))
    if kind in (BYTES, STR):
        w.call("put_bytes")
    elif isinstance(kind, List | Fields):
        w.call(_make_encoder(w.builder, kind))
    else:
        w.call(_PUTS.get(kind.name, "put64"))


def take(w: Writer, kind: Type) -> None:
    """Decode a value at CURSOR onto the stack."""
    if isinstance(kind, List | Fields):
        w.call(_make_decoder(w.builder, kind))
    else:
        w.call(_TAKES[kind.name])


def push_zero(w: Writer, kind: Type) -> None:
    """Push a type's zero; of a List or record a new one."""
    if isinstance(kind, Int):
        w.emit(*[("i64.const", 0)] * len(get_kinds(kind)))
    elif is_zero_address(kind):
        w.emit(("i32.const", 0))
    else:
        w.call(_make_zero(w.builder, kind))


def push_equal(w: Writer, kind: Type) -> None:
    """Compare the two values on the stack."""
    if kind == U128:
        w.call("equal_u128")
    elif isinstance(kind, Int):
        w.emit(("i64.eq",))
    elif kind == BOOL:
        w.emit(("i32.eq",))
    elif isinstance(kind, List | Fields):
        w.call(_make_equal(w.builder, kind))
    else:
        w.call("equal_bytes" if kind in (BYTES, STR) else "equal_address")


def _make_encoder(builder: Builder, kind: List | Fields) -> str:
    name = f"encode {kind.name}"
    if name in builder.module.functions:
        return name
    w = Writer(builder, name)
    w.add_parameters([("value", kind)])
    builder.module.add(w.function)
    if isinstance(kind, List):
        w.emit(("local.get", "value"), ("i32.load",))
        w.call("put32")

        def put_item(place: str) -> None:
            w.emit(*load_slot(kind.item, place, 0))
            put(w, kind.item)

        loop_items(w, kind, "value", put_item)
    else:
        for part, offset in zip(kind.types, get_offsets(kind), strict=False):
            w.emit(*load_slot(part, "value", offset))
            put(w, part)
    return w.finish()


def loop_items(w: Writer, kind: List, items: str, act: Callable[[str], None]) -> None:
    """Do something at the address of every item."""
    place, left = w.make_temps((I32, I32))
    out, again = w.make_label(), w.make_label()
    w.emit(("local.get", items), ("i32.load", 8), ("local.set", place))
    w.emit(("local.get", items), ("i32.load",), ("local.set", left))
    w.emit(("block", out, ()), ("loop", again, ()))
    w.emit(("local.get", left), ("i32.eqz",), ("br_if", out))
    act(place)
    w.emit(("local.get", place), ("i32.const", get_slot(kind.item)), ("i32.add",))
    w.emit(("local.set", place), ("local.get", left), ("i32.const", 1), ("i32.sub",))
    w.emit(("local.set", left), ("br", again), ("end",), ("end",))


def _make_decoder(builder: Builder, kind: List | Fields) -> str:
    name = f"decode {kind.name}"
    if name in builder.module.functions:
        return name
    w = Writer(builder, name, (I32,))
    builder.module.add(w.function)
    value = w.make_temp()
    if isinstance(kind, List):
        w.call("take_count")
        w.emit(("i32.const", get_slot(kind.item)))
        w.call("make_list")
        w.set([value])

        def take_item(place: str) -> None:
            take(w, kind.item)
            w.emit(*store_slot(kind.item, place, 0, w.keep(get_kinds(kind.item))))

        loop_items(w, kind, value, take_item)
    else:
        offsets = get_offsets(kind)
        allocate(w, offsets[-1], value)
        for part, offset in zip(kind.types, offsets, strict=False):
            mark = w.mark()
            take(w, part)
            w.emit(*store_slot(part, value, offset, w.keep(get_kinds(part))))
            w.release(mark)
    w.emit(("local.get", value), ("return",))
    return w.finish()


def allocate(w: Writer, size: int, place: str) -> None:
    """Take memory; a local gets its address."""
    w.emit(("i32.const", size), ("call", "alloc"), ("local.set", place))


def _make_zero(builder: Builder, kind: Type) -> str:
    name = f"zero {kind.name}"
    if name in builder.module.functions:
        return name
    w = Writer(builder, name, (I32,))
    builder.module.add(w.function)
    value = w.make_temp()
    if isinstance(kind, List):
        w.emit(("i32.const", 0), ("i32.const", 0))
        w.call("make_list")
        w.set([value])
    else:
        assert isinstance(kind, Fields)
        offsets = get_offsets(kind)
        allocate(w, offsets[-1], value)
        for part, offset in zip(kind.types, offsets, strict=False):
            mark = w.mark()
            push_zero(w, part)
            w.emit(*store_slot(part, value, offset, w.keep(get_kinds(part))))
            w.release(mark)
    w.emit(("local.get", value), ("return",))
    return w.finish()


def _make_equal(builder: Builder, kind: List | Fields) -> str:
    name = f"equal {kind.name}"
    if name in builder.module.functions:
        return name
    w = Writer(builder, name, (I32,))
    w.add_parameters([("first", kind), ("second", kind)])
    builder.module.add(w.function)
    if isinstance(kind, List):
        _compare_items(w, kind)
    else:
        for part, offset in zip(kind.types, get_offsets(kind), strict=False):
            w.emit(*load_slot(part, "first", offset), *load_slot(part, "second", offset))
            push_equal(w, part)
            _leave_unless(w)
    w.emit(("i32.const", 1), ("return",))
    return w.finish()


def _compare_items(w: Writer, kind: List) -> None:
    w.emit(("local.get", "first"), ("i32.load",), ("local.get", "second"), ("i32.load",))
    w.emit(("i32.eq",))
    _leave_unless(w)
    other = w.make_temp()
    w.emit(("local.get", "second"), ("i32.load", 8), ("local.set", other))

    def compare(place: str) -> None:
        w.emit(*load_slot(kind.item, place, 0), *load_slot(kind.item, other, 0))
        push_equal(w, kind.item)
        _leave_unless(w)
        w.emit(("local.get", other), ("i32.const", get_slot(kind.item)), ("i32.add",))
        w.emit(("local.set", other))

    loop_items(w, kind, "first", compare)


def _leave_unless(w: Writer) -> None:
    w.emit(("i32.eqz",), ("if", w.make_label(), ()), ("i32.const", 0), ("return",), ("end",))
