"""Statements: each kind has one function."""

from collections.abc import Callable
from typing import Any, Final

from quorate.lang import tree
from quorate.lang.lower import calls, operators, storage
from quorate.lang.lower import evaluate as ex
from quorate.lang.lower.codec import put
from quorate.lang.lower.expressions import push_item_place
from quorate.lang.lower.layout import get_kinds, get_offsets, get_slot, load_slot, store_slot
from quorate.lang.lower.writer import Writer, get_locals
from quorate.lang.types import BYTES, Fields, Int, List, Type
from quorate.lang.wasm.code import I32, I64


def write_all(w: Writer, nodes: list[tree.Statement]) -> None:
    """Write statements; what each one keeps is free after it."""
    for node in nodes:
        mark = w.mark()
        trace(w, node)
        _HANDLERS[type(node)](w, node)
        w.release(mark)


def trace(w: Writer, node: tree.Statement) -> None:
    """Tell which line runs, in a build for that; what the last one set is stored first."""
    if w.builder.tracing:
        w.call("flush")
        w.call("host_trace_line", node.line)


def _write_assign(w: Writer, node: tree.Assign) -> None:
    if isinstance(node.target, tree.Local):
        ex.push(w, node.value)
        w.set(get_locals(node.target.name, node.target.type))
        return
    _assign(w, node.target, ex.hold(w, node.value))


def _write_unpack(w: Writer, node: tree.Unpack) -> None:
    kind = node.value.type
    assert isinstance(kind, Fields)
    ex.push(w, node.value)
    place = w.keep((I32,))[0]
    values = []
    for part, offset in zip(kind.types, get_offsets(kind), strict=False):
        w.emit(*load_slot(part, place, offset))
        values.append(ex.Held(part, w.keep(get_kinds(part))))
    for target, value in zip(node.targets, values, strict=True):
        _assign(w, target, value)


def _assign(w: Writer, target: tree.Target, value: ex.Held) -> None:
    """Set a target to a value that is evaluated already."""
    if isinstance(target, tree.Local):
        value.push(w)
        w.set(get_locals(target.name, target.type))
    else:
        set_value = _find_target(w, target)[1]
        value.push(w)
        set_value(w.keep(get_kinds(value.type)))


Setter = Callable[[list[str]], None]


def _find_target(w: Writer, target: tree.Target) -> tuple[Callable[[], None], Setter]:
    """Evaluate where a target is; return what pushes its value, and what sets it."""
    if isinstance(target, tree.Local):
        names = get_locals(target.name, target.type)
        return (lambda: w.get(names)), (lambda values: w.move(values, names))
    if isinstance(target, tree.Variable | tree.Entry):
        place = storage.find(w, target)
        return (lambda: storage.load(w, place)), (lambda values: storage.store(w, place, values))
    if isinstance(target, tree.Field):
        return _find_field(w, target)
    if isinstance(target.operand, tree.Variable | tree.Entry):
        return _find_stored_item(w, target, storage.find(w, target.operand))
    return _find_item(w, target)


def _find_field(w: Writer, target: tree.Field) -> tuple[Callable[[], None], Setter]:
    kind = target.operand.type
    assert isinstance(kind, Fields)
    ex.push(w, target.operand)
    where, offset = w.keep((I32,))[0], get_offsets(kind)[target.index]

    def set_value(values: list[str]) -> None:
        w.emit(*store_slot(target.type, where, offset, values))

    return (lambda: w.emit(*load_slot(target.type, where, offset))), set_value


def _find_item(w: Writer, target: tree.Item) -> tuple[Callable[[], None], Setter]:
    ex.push(w, target.operand)
    items = w.keep((I32,))
    index = ex.hold(w, target.index)

    def find() -> str:
        w.get(items)
        index.push(w)
        push_item_place(w, target)
        return w.keep((I32,))[0]

    def set_value(values: list[str]) -> None:
        w.emit(*store_slot(target.type, find(), 0, values))

    return (lambda: w.emit(*load_slot(target.type, find(), 0))), set_value


def _find_stored_item(
    w: Writer, target: tree.Item, place: storage.Place
) -> tuple[Callable[[], None], Setter]:
    """An item of a List in storage: the List is loaded to read it, and again to set it."""
    index = ex.hold(w, target.index)
    items = w.make_temp()

    def find() -> str:
        storage.load(w, place)
        w.emit(("local.tee", items))
        index.push(w)
        push_item_place(w, target)
        return w.keep((I32,))[0]

    def set_value(values: list[str]) -> None:
        w.emit(*store_slot(target.type, find(), 0, values))
        storage.store(w, place, [items])

    return (lambda: w.emit(*load_slot(target.type, find(), 0))), set_value


def _write_augment(w: Writer, node: tree.Augment) -> None:
    kind = node.target.type
    push_value, set_value = _find_target(w, node.target)
    push_value()
    ex.push(w, node.value)
    if isinstance(kind, Int):
        operators.apply(w, node.operator, kind, node.line)
    else:
        w.call("join_bytes")
    set_value(w.keep(get_kinds(kind)))


def _write_delete(w: Writer, node: tree.Delete) -> None:
    keys = [ex.hold(w, key) for key in node.keys]
    storage.push_key(w, storage.Place(node.name, keys[0].type, keys))
    w.call("delete_record")


def _write_if(w: Writer, node: tree.If) -> None:
    """Write all branches side by side: a long row of `elif` nests no deeper than one."""
    if not node.other:
        ex.push(w, node.test)
        w.emit(("if", w.make_label(), ()))
        write_all(w, node.body)
        w.emit(("end",))
        return
    out = w.make_label()
    w.emit(("block", out, ()))
    branch = node
    while True:
        ex.push(w, branch.test)
        w.emit(("if", w.make_label(), ()))
        write_all(w, branch.body)
        if not branch.other:
            break
        w.emit(("br", out), ("end",))
        if len(branch.other) > 1 or not isinstance(branch.other[0], tree.If):
            break
        branch = branch.other[0]
        trace(w, branch)
    if branch.other:
        write_all(w, branch.other)
    else:
        w.emit(("end",))
    w.emit(("end",))


def _write_while(w: Writer, node: tree.While) -> None:
    out, again = w.make_label(), w.make_label()
    w.emit(("block", out, ()), ("loop", again, ()))
    ex.push(w, node.test)
    w.emit(("i32.eqz",), ("br_if", out))
    w.loops.append((out, again))
    write_all(w, node.body)
    w.loops.pop()
    w.emit(("br", again), ("end",), ("end",))


def _write_range(w: Writer, node: tree.ForRange) -> None:
    """Count in a local of its own, with what is left: no bound can overflow."""
    kind, step = node.target.type, abs(node.step)
    assert isinstance(kind, Int)
    sign = "s" if kind.is_signed else "u"
    ex.push(w, node.start)
    ex.push(w, node.stop)
    at, stop = w.keep((I64, I64))
    near, far = (at, stop) if node.step > 0 else (stop, at)
    out, again, after = w.make_label(), w.make_label(), w.make_label()
    left = w.make_temps((I64,))[0]
    w.emit(("local.get", far), ("local.get", near), ("i64.sub",), ("local.set", left))
    w.emit(("block", out, ()), ("local.get", near), ("local.get", far))
    w.emit((f"i64.ge_{sign}",), ("br_if", out), ("loop", again, ()))
    w.emit(("local.get", at), ("local.set", node.target.name), ("block", after, ()))
    w.loops.append((out, after))
    write_all(w, node.body)
    w.loops.pop()
    w.emit(("end",), ("local.get", left), ("i64.const", step), ("i64.le_u",), ("br_if", out))
    w.emit(("local.get", left), ("i64.const", step), ("i64.sub",), ("local.set", left))
    w.emit(("local.get", at), ("i64.const", node.step), ("i64.add",), ("local.set", at))
    w.emit(("br", again), ("end",), ("end",))


def _write_items(w: Writer, node: tree.ForItems) -> None:
    """Go by index, and look at the length each time, as Python does."""
    ex.push(w, node.items)
    items, at, place = w.keep((I32,))[0], w.make_temp(), w.make_temp()
    out, again = w.make_label(), w.make_label()
    w.emit(("i32.const", 0), ("local.set", at), ("block", out, ()), ("loop", again, ()))
    w.emit(("local.get", at), ("local.get", items), ("i32.load",), ("i32.ge_u",))
    w.emit(("br_if", out), *_find_at(node.items.type, items, at), ("local.set", place))
    w.emit(("local.get", at), ("i32.const", 1), ("i32.add",), ("local.set", at))
    w.emit(*load_slot(node.target.type, place, 0))
    w.set(get_locals(node.target.name, node.target.type))
    w.loops.append((out, again))
    write_all(w, node.body)
    w.loops.pop()
    w.emit(("br", again), ("end",), ("end",))


def _find_at(kind: Type, items: str, at: str) -> list[tuple[Any, ...]]:
    if kind == BYTES:
        return [
            ("local.get", items),
            ("local.get", at),
            ("i32.add",),
            ("i32.const", 4),
            ("i32.add",),
        ]
    assert isinstance(kind, List)
    slot = ("i32.const", get_slot(kind.item))
    start = [("local.get", items), ("i32.load", 8)]
    return [*start, ("local.get", at), slot, ("i32.mul",), ("i32.add",)]


def _write_break(w: Writer, node: tree.Break) -> None:
    w.emit(("br", w.loops[-1][0]))


def _write_continue(w: Writer, node: tree.Continue) -> None:
    w.emit(("br", w.loops[-1][1]))


def _write_return(w: Writer, node: tree.Return) -> None:
    if node.value is not None:
        ex.push(w, node.value)
    w.emit(("return",))


def _write_assert(w: Writer, node: tree.Assert) -> None:
    ex.push(w, node.test)
    w.emit(("i32.eqz",), ("if", w.make_label(), ()))
    ex.push(w, node.text)
    w.call("fail_text", node.line)
    w.emit(("end",))


def _write_revert(w: Writer, node: tree.Revert) -> None:
    ex.push(w, node.text)
    w.call("fail_text", node.line)
    w.emit(("unreachable",))


def _write_emit(w: Writer, node: tree.Emit) -> None:
    fields = [ex.hold(w, field) for field in node.fields]
    w.call("begin")
    for field in fields:
        field.push(w)
        put(w, field.type)
    w.push_text(node.event.name)
    calls.push_encoded(w)
    w.call("host_emit")


def _write_do(w: Writer, node: tree.Do) -> None:
    ex.push(w, node.value)
    w.emit(*[("drop",)] * len(get_kinds(node.value.type)))


_HANDLERS: Final[dict[type[tree.Statement], Callable[[Writer, Any], None]]] = {
    tree.Assign: _write_assign,
    tree.Unpack: _write_unpack,
    tree.Augment: _write_augment,
    tree.Delete: _write_delete,
    tree.If: _write_if,
    tree.While: _write_while,
    tree.ForRange: _write_range,
    tree.ForItems: _write_items,
    tree.Break: _write_break,
    tree.Continue: _write_continue,
    tree.Return: _write_return,
    tree.Assert: _write_assert,
    tree.Revert: _write_revert,
    tree.Emit: _write_emit,
    tree.Do: _write_do,
}
