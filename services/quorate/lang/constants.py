"""What is known when building: literals, constants of the module, arithmetic on them."""

import ast
import operator
from collections.abc import Callable
from typing import Final

from quorate.lang.program import Constant

Value = int | bool | bytes | str

# What is larger is in no type; it also keeps `2 ** 10 ** 9` from being computed.
BITS_MAX: Final = 256

_OPERATORS: Final[dict[type[ast.operator], Callable[[int, int], int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}


def is_text(value: str) -> bool:
    """Say whether a str can be UTF-8: it holds no half of a pair."""
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def fold(node: ast.expr, constants: dict[str, Constant], *, typed: bool = False) -> Value | None:
    """Return the value of an expression that is known when building, or None.

    A constant with a type is one of that type, not a literal: it counts only if `typed`.
    """
    kind = type(node)
    if kind is ast.Constant:
        value = node.value  # type: ignore[attr-defined]
        return value if isinstance(value, int | bytes | str) else None
    if kind is ast.Name:
        found = constants.get(node.id)  # type: ignore[attr-defined]
        return found.value if found is not None and (typed or found.type is None) else None
    if isinstance(node, ast.UnaryOp):
        inner = fold(node.operand, constants, typed=typed)
        return -inner if isinstance(node.op, ast.USub) and type(inner) is int else None
    if isinstance(node, ast.BinOp):
        return _fold_operation(node, constants, typed)
    return None


def _fold_operation(node: ast.BinOp, constants: dict[str, Constant], typed: bool) -> int | None:
    left = fold(node.left, constants, typed=typed)
    if type(left) is not int:
        return None
    right = fold(node.right, constants, typed=typed)
    apply = _OPERATORS.get(type(node.op))
    if type(right) is not int or apply is None:
        return None
    if isinstance(node.op, ast.Pow | ast.LShift) and not 0 <= right <= BITS_MAX:
        return None
    if isinstance(node.op, ast.RShift) and right < 0:
        return None
    if isinstance(node.op, ast.FloorDiv | ast.Mod) and right == 0:
        return None
    value = apply(left, right)
    return value if value.bit_length() <= BITS_MAX else None
