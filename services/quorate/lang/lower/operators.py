"""Arithmetic, comparisons and conversions; what can fail carries its line."""

from typing import Final

from quorate.lang import tree
from quorate.lang.lower import evaluate as ex
from quorate.lang.lower.codec import loop_items, push_equal
from quorate.lang.lower.layout import get_kinds, load_slot
from quorate.lang.lower.writer import Writer
from quorate.lang.types import BOOL, BYTES, I64, STR, U64, U128, Int, List
from quorate.lang.wasm.code import I32

I64_MAX: Final = I64.largest

_NAMES: Final = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "//": "div",
    "%": "mod",
    "**": "pow",
    "<<": "shl",
}
_BITS: Final = {"&": "i64.and", "|": "i64.or", "^": "i64.xor"}
_ORDERS: Final = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}


def push_binary(w: Writer, node: tree.Binary) -> None:
    """Push the result of checked arithmetic."""
    ex.push(w, node.left)
    ex.push(w, node.right)
    assert isinstance(node.type, Int)
    if _divides_surely(node, node.type):
        w.emit(("i64.div_u" if node.operator == "//" else "i64.rem_u",))
        return
    apply(w, node.operator, node.type, node.line)


def _divides_surely(node: tree.Binary, kind: Int) -> bool:
    """Say whether a division is by a known number, and so needs no check."""
    is_plain = kind.bits <= 64 and not kind.is_signed and node.operator in ("//", "%")
    return is_plain and isinstance(node.right, tree.Literal) and node.right.value != 0


def apply(w: Writer, operator: str, kind: Int, line: int) -> None:
    """Apply an operator to the two values on the stack."""
    if operator in _BITS:
        _apply_bits(w, _BITS[operator], kind)
    elif operator == ">>":
        name = "shr_u64" if kind.bits < 64 else f"shr_{kind.name}"
        w.call(name, line)
    elif kind.bits >= 64:
        w.call(f"{_NAMES[operator]}_{kind.name}", line)
    else:
        _apply_narrow(w, operator, kind, line)


def _apply_narrow(w: Writer, operator: str, kind: Int, line: int) -> None:
    """u8 and u32: plain 64-bit arithmetic where it can't wrap unseen, then a check."""
    if operator in ("+", "-", "*"):
        w.emit((f"i64.{_NAMES[operator]}",))
    else:
        w.call(f"{_NAMES[operator]}_u64", line)
    if operator not in ("//", "%"):
        w.emit(("i64.const", kind.largest))
        w.call("fit", line)


def _apply_bits(w: Writer, opcode: str, kind: Int) -> None:
    if kind != U128:
        w.emit((opcode,))
        return
    low, high, other, other_high = w.keep(get_kinds(U128) * 2)
    w.emit(("local.get", low), ("local.get", other), (opcode,))
    w.emit(("local.get", high), ("local.get", other_high), (opcode,))


def push_unary(w: Writer, node: tree.Unary) -> None:
    """Push `not x`, `-x` or `~x`."""
    if node.operator == "-":
        w.emit(("i64.const", 0))
    ex.push(w, node.operand)
    if node.operator == "not":
        w.emit(("i32.eqz",))
    elif node.operator == "-":
        w.call("sub_i64", node.line)
    else:
        w.emit(("i64.const", -1), ("i64.xor",))


def push_compare(w: Writer, node: tree.Compare) -> None:
    """Push a chain of comparisons; each operand is evaluated once, and only if need be."""
    kinds = get_kinds(node.operands[0].type)
    ex.push(w, node.operands[0])
    last = len(node.operators) - 1
    for i, operator in enumerate(node.operators):
        ex.push(w, node.operands[i + 1])
        if i < last:
            kept = w.keep(kinds)
            w.get(kept)
        _compare(w, operator, node)
        if i < last:
            w.emit(("if", w.make_label(), (I32,)))
            w.get(kept)
    for _ in range(last):
        w.emit(("else",), ("i32.const", 0), ("end",))


def _compare(w: Writer, operator: str, node: tree.Compare) -> None:
    kind = node.operands[0].type
    is_equality = operator in ("==", "!=")
    if isinstance(kind, Int) and kind != U128:
        sign = "" if is_equality else ("_s" if kind.is_signed else "_u")
        w.emit((f"i64.{_ORDERS[operator]}{sign}",))
    elif kind == BOOL:
        w.emit((f"i32.{_ORDERS[operator]}",))
    elif is_equality:
        push_equal(w, kind)
        if operator == "!=":
            w.emit(("i32.eqz",))
    elif kind == U128:
        _compare_u128(w, operator)
    else:
        w.call("compare_bytes" if kind in (BYTES, STR) else "compare_address")
        w.emit(("i64.const", 0), (f"i64.{_ORDERS[operator]}_s",))


def _compare_u128(w: Writer, operator: str) -> None:
    if operator in (">", "<="):
        values = w.keep(get_kinds(U128) * 2)
        w.get(values[2:] + values[:2])
    w.call("less_u128")
    if operator in ("<=", ">="):
        w.emit(("i32.eqz",))


def push_convert(w: Writer, node: tree.Convert) -> None:
    """Push a number as another type's."""
    source, target = node.operand.type, node.type
    ex.push(w, node.operand)
    assert isinstance(target, Int)
    if source == BOOL:
        w.emit(("i64.extend_i32_u",))
    elif isinstance(source, Int) and source != target:
        _narrow(w, source, target, node.line)
    if target == U128 and source != U128:
        w.emit(("i64.const", 0))


def _narrow(w: Writer, source: Int, target: Int, line: int) -> None:
    """Check that a number fits; a negative i64 is a large number here."""
    largest = min(target.largest, U64.largest)
    if source == U128:
        w.emit(("i64.const", largest))
        w.call("narrow_u128", line)
        return
    largest = min(largest, I64_MAX) if source.is_signed else largest
    if source.is_signed or source.largest > largest:
        w.emit(("i64.const", largest))
        w.call("convert_check", line)


def push_extreme(w: Writer, node: tree.Builtin) -> None:
    """Push the smallest or largest of some integers: the first one of equals."""
    kinds = get_kinds(node.type)
    values = [ex.hold(w, argument) for argument in node.arguments]
    values[0].push(w)
    best = w.keep(kinds)
    operator = "<" if node.name == "min" else ">"
    for value in values[1:]:
        value.push(w)
        w.get(best)
        _compare(w, operator, tree.Compare(BOOL, node.line, [operator], node.arguments[:1]))
        w.emit(("if", w.make_label(), ()))
        value.push(w)
        w.set(best)
        w.emit(("end",))
    w.get(best)


def make_sum(outer: Writer, kind: List) -> str:
    """Return the function that adds the items of a List."""
    name = f"sum {kind.name}"
    if name in outer.builder.module.functions:
        return name
    assert isinstance(kind.item, Int)
    item = kind.item
    w = Writer(outer.builder, name, get_kinds(item))
    w.add_parameters([("items", kind), ("line", BOOL)])
    total = w.make_temps(get_kinds(item))

    def add(place: str) -> None:
        w.get(total)
        w.emit(*load_slot(item, place, 0), ("local.get", "line"))
        _add(w, item)
        w.set(total)

    loop_items(w, kind, "items", add)
    w.get(total)
    w.emit(("return",))
    return w.finish()


def _add(w: Writer, kind: Int) -> None:
    if kind.bits >= 64:
        w.call(f"add_{kind.name}")
        return
    line = w.keep((I32,))[0]
    w.emit(("i64.add",), ("i64.const", kind.largest), ("local.get", line), ("call", "fit"))
