"""Evaluating any expression; how each kind is, expressions.py tells."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from quorate.lang import tree
from quorate.lang.lower.layout import get_kinds
from quorate.lang.lower.writer import Writer, get_locals, make_bytes
from quorate.lang.types import ADDRESS, BOOL, BYTES, STR, U128, Int, Type

MASK: Final = 2**64 - 1

HANDLERS: Final[dict[type[tree.Expression], Callable[[Writer, Any], None]]] = {}


@dataclass(slots=True)
class Held:
    """A value that is evaluated already, and can be pushed as often as need be."""

    type: Type
    locals: list[str]
    literal: tree.Literal | None = None

    def push(self, w: Writer) -> None:
        """Push the value."""
        if self.literal is not None:
            push_literal(w, self.literal)
        else:
            w.get(self.locals)


def push(w: Writer, node: tree.Expression) -> None:
    """Evaluate a node onto the stack."""
    HANDLERS[type(node)](w, node)


def hold(w: Writer, node: tree.Expression) -> Held:
    """Evaluate a node now, for use later; what can't change by then is used as it is."""
    if isinstance(node, tree.Literal):
        return Held(node.type, [], node)
    if isinstance(node, tree.Local):
        return Held(node.type, get_locals(node.name, node.type))
    push(w, node)
    return Held(node.type, w.keep(get_kinds(node.type)))


def push_literal(w: Writer, node: tree.Literal) -> None:
    """Push a value that is known."""
    kind, value = node.type, node.value
    if isinstance(kind, Int):
        assert isinstance(value, int)
        w.emit(("i64.const", value & MASK))
        if kind == U128:
            w.emit(("i64.const", value >> 64))
    elif kind == BOOL:
        w.emit(("i32.const", int(bool(value))))
    elif kind == ADDRESS:
        assert isinstance(value, bytes)
        w.emit(("data", value) if any(value) else ("i32.const", 0))
    else:
        assert kind in (BYTES, STR) and isinstance(value, bytes | str)
        w.emit(make_bytes(value if isinstance(value, bytes) else value.encode()))
