"""Expressions: each kind of node has one function, which leaves the value on the stack."""

from quorate.lang import tree
from quorate.lang.lower import calls, operators, storage
from quorate.lang.lower.codec import allocate, loop_items, push_equal
from quorate.lang.lower.evaluate import HANDLERS, MASK, hold, push, push_literal
from quorate.lang.lower.layout import get_kinds, get_offsets, get_slot, load_slot, store_slot
from quorate.lang.lower.writer import Writer, get_locals
from quorate.lang.types import BYTES, Fields, List
from quorate.lang.wasm.code import I32


def _push_local(w: Writer, node: tree.Local) -> None:
    w.get(get_locals(node.name, node.type))


def _push_place(w: Writer, node: tree.Variable | tree.Entry) -> None:
    storage.load(w, storage.find(w, node))


def _push_has(w: Writer, node: tree.Has) -> None:
    place = storage.Place(node.name, node.type, [hold(w, key) for key in node.keys])
    storage.push_key(w, place)
    w.call("has_record")


def _push_native(w: Writer, node: tree.Native) -> None:
    names = {"caller": "get_caller", "origin": "get_origin", "address": "get_self"}
    w.call(names.get(node.name, f"host_{node.name}"))


def _push_join(w: Writer, node: tree.Join) -> None:
    push(w, node.left)
    push(w, node.right)
    if isinstance(node.type, List):
        w.emit(("i32.const", get_slot(node.type.item)))
        w.call("join_lists")
    else:
        w.call("join_bytes")


def _push_logic(w: Writer, node: tree.Logic) -> None:
    push(w, node.operands[0])
    for operand in node.operands[1:]:
        w.emit(("if", w.make_label(), (I32,)))
        if node.operator == "or":
            w.emit(("i32.const", 1), ("else",))
            push(w, operand)
        else:
            push(w, operand)
            w.emit(("else",), ("i32.const", 0))
        w.emit(("end",))


def _push_choice(w: Writer, node: tree.Choice) -> None:
    push(w, node.test)
    w.emit(("if", w.make_label(), get_kinds(node.type)))
    push(w, node.yes)
    w.emit(("else",))
    push(w, node.no)
    w.emit(("end",))


def _push_make(w: Writer, node: tree.Make) -> None:
    items = [hold(w, item) for item in node.items]
    value = w.make_temp()
    if isinstance(node.type, List):
        slot, place = get_slot(node.type.item), w.make_temp()
        w.emit(("i32.const", len(items)), ("i32.const", slot), ("call", "make_list"))
        w.emit(("local.tee", value), ("i32.load", 8), ("local.set", place))
        offsets = [slot * i for i in range(len(items))]
    else:
        assert isinstance(node.type, Fields)
        offsets, place = get_offsets(node.type), value
        allocate(w, offsets[-1], value)
    for item, offset in zip(items, offsets, strict=False):
        item.push(w)
        w.emit(*store_slot(item.type, place, offset, w.keep(get_kinds(item.type))))
    w.emit(("local.get", value))


def _push_field(w: Writer, node: tree.Field) -> None:
    kind = node.operand.type
    assert isinstance(kind, Fields)
    push(w, node.operand)
    place = w.keep((I32,))[0]
    w.emit(*load_slot(node.type, place, get_offsets(kind)[node.index]))


def _push_item(w: Writer, node: tree.Item) -> None:
    push(w, node.operand)
    push(w, node.index)
    if node.operand.type == BYTES:
        w.call("get_byte", node.line)
        return
    push_item_place(w, node)
    place = w.keep((I32,))[0]
    w.emit(*load_slot(node.type, place, 0))


def push_item_place(w: Writer, node: tree.Item) -> None:
    """Turn a List and an index on the stack into the item's address."""
    w.emit(("i32.const", get_slot(node.type)))
    w.call("get_item", node.line)


def _push_slice(w: Writer, node: tree.Slice) -> None:
    push(w, node.operand)
    for bound, default in ((node.lower, 0), (node.upper, MASK)):
        if bound is None:
            w.emit(("i64.const", default))
        else:
            push(w, bound)
    w.call("slice_bytes")


def _push_contains(w: Writer, node: tree.Contains) -> None:
    value = hold(w, node.value)
    push(w, node.items)
    value.push(w)
    assert isinstance(node.items.type, List)
    w.call(_make_contains(w, node.items.type))


def _make_contains(outer: Writer, kind: List) -> str:
    name = f"contains {kind.name}"
    if name not in outer.builder.module.functions:
        w = Writer(outer.builder, name, (I32,))
        w.add_parameters([("items", kind), ("value", kind.item)])

        def compare(place: str) -> None:
            w.emit(*load_slot(kind.item, place, 0))
            w.get(get_locals("value", kind.item))
            push_equal(w, kind.item)
            w.emit(("if", w.make_label(), ()), ("i32.const", 1), ("return",), ("end",))

        loop_items(w, kind, "items", compare)
        w.emit(("i32.const", 0), ("return",))
        w.finish()
    return name


HANDLERS.update(
    {
        tree.Literal: push_literal,
        tree.Local: _push_local,
        tree.Variable: _push_place,
        tree.Entry: _push_place,
        tree.Has: _push_has,
        tree.Native: _push_native,
        tree.Binary: operators.push_binary,
        tree.Unary: operators.push_unary,
        tree.Compare: operators.push_compare,
        tree.Convert: operators.push_convert,
        tree.Join: _push_join,
        tree.Logic: _push_logic,
        tree.Choice: _push_choice,
        tree.Call: calls.push_call,
        tree.Remote: calls.push_remote,
        tree.Builtin: calls.push_builtin,
        tree.Make: _push_make,
        tree.Field: _push_field,
        tree.Item: _push_item,
        tree.Slice: _push_slice,
        tree.Contains: _push_contains,
    }
)
