"""Arithmetic and comparisons: both sides get one type."""

import ast
from typing import Final

from quorate.lang import tree
from quorate.lang.check import expressions as ex
from quorate.lang.check import places
from quorate.lang.check.scope import Mark, Scope
from quorate.lang.constants import fold
from quorate.lang.tree import Expression
from quorate.lang.types import (
    ADDRESS,
    BOOL,
    BYTES,
    I64,
    STR,
    U64,
    Int,
    List,
    Type,
    widens,
)

SYMBOLS: Final[dict[type[ast.operator], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
}
COUNTED: Final = ("**", "<<", ">>")

_COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


def get_symbol(scope: Scope, node: ast.AST, operator: ast.operator) -> str:
    """Return an operator as written; refuses `/` and `@`."""
    symbol = SYMBOLS.get(type(operator))
    if symbol is None:
        hint = "write // for the quotient" if isinstance(operator, ast.Div) else ""
        raise scope.problems.refuse(
            node, "there are no floats, and so no `/`" if hint else "no `@`", hint
        )
    return symbol


def check_alike(scope: Scope, nodes: list[ast.expr], wanted: Type | None) -> list[Expression]:
    """Return values of one type; literals take the type of the others."""
    known = [_is_flexible(scope, node) for node in nodes]
    found: list[Expression | None] = [None] * len(nodes)
    for i, node in enumerate(nodes):
        if not known[i]:
            found[i] = ex.check_value(scope, node, wanted)
    kind = _find_common(scope, nodes, [f.type for f in found if f is not None]) or wanted
    for i, node in enumerate(nodes):
        if known[i]:
            found[i] = ex.check(scope, node, kind)
            kind = kind or found[i].type  # type: ignore[union-attr]
    assert kind is not None
    return [
        ex.convert(scope, node, value, kind)
        for node, value in zip(nodes, found, strict=True)
        if value is not None
    ]


def _is_flexible(scope: Scope, node: ast.expr) -> bool:
    """Say whether a node's type depends on what is wanted."""
    if isinstance(node, ast.Tuple | ast.List):
        return True
    return fold(node, scope.program.constants) is not None


def _find_common(scope: Scope, nodes: list[ast.expr], kinds: list[Type]) -> Type | None:
    if not kinds:
        return None
    kind = kinds[0]
    for other in kinds[1:]:
        if widens(kind, other):
            kind = other
        elif kind != other and not widens(other, kind):
            hint = ""
            if isinstance(kind, Int) and isinstance(other, Int):
                hint = f"convert one: {kind.name}(…) or {other.name}(…)"
            raise scope.problems.refuse(
                nodes[-1], f"{kind.name} and {other.name} don't go together", hint
            )
    return kind


def check_binary(scope: Scope, node: ast.BinOp, wanted: Type | None) -> Expression:
    """Check `left operator right`."""
    symbol = get_symbol(scope, node, node.op)
    if symbol in COUNTED:
        left = ex.check_value(scope, node.left, wanted)
        right = check_count(scope, node.right)
    else:
        left, right = check_alike(scope, [node.left, node.right], wanted)
    return make_binary(scope, node, symbol, left, right)


def check_count(scope: Scope, node: ast.expr) -> Expression:
    """Check the right side of a shift or power: a u64."""
    return ex.expect(scope, node, U64)


def make_binary(
    scope: Scope, node: ast.BinOp | ast.AugAssign, symbol: str, left: Expression, right: Expression
) -> Expression:
    """Join two checked sides."""
    kind, line = left.type, node.lineno
    if symbol == "+" and (kind in (BYTES, STR) or isinstance(kind, List)):
        return tree.Join(kind, line, left, right)
    if not isinstance(kind, Int):
        hint = "write and, or, !=" if kind == BOOL else ""
        raise scope.problems.refuse(node, f"`{symbol}` is not for {kind.name}", hint)
    if symbol not in ("&", "|", "^"):
        scope.marks[node] = Mark(symbol if symbol in COUNTED else "fit", (kind,))
    return tree.Binary(kind, line, symbol, left, right)


def check_unary(scope: Scope, node: ast.UnaryOp, wanted: Type | None) -> Expression:
    """Check `not x`, `-x`, `~x`."""
    if isinstance(node.op, ast.Not):
        operand = ex.expect(scope, node.operand, BOOL)
        return tree.Unary(BOOL, node.lineno, "not", operand)
    operand = ex.check_value(scope, node.operand, wanted)
    if isinstance(node.op, ast.UAdd):
        raise scope.problems.refuse(node, "`+` alone does nothing", "leave it out")
    symbol = "-" if isinstance(node.op, ast.USub) else "~"
    if operand.type != I64:
        hint = "write 0 - x, or use i64" if symbol == "-" else "write x ^ (the largest value)"
        if isinstance(operand.type, Int):
            raise scope.problems.refuse(
                node, f"`{symbol}` of {operand.type.name} is negative", hint
            )
        raise scope.problems.refuse(node, f"`{symbol}` is not for {operand.type.name}")
    if symbol == "-":
        scope.marks[node] = Mark("fit", (I64,))
    return tree.Unary(I64, node.lineno, symbol, operand)


def check_compare(scope: Scope, node: ast.Compare, wanted: Type | None) -> Expression:
    """Check a chain of comparisons, or a membership."""
    if isinstance(node.ops[0], ast.In | ast.NotIn):
        return _check_membership(scope, node)
    symbols = []
    for operator in node.ops:
        symbol = _COMPARISONS.get(type(operator))
        if symbol is None:
            is_identity = isinstance(operator, ast.Is | ast.IsNot)
            hint = "write == or !=" if is_identity else "put it in parentheses with `and`"
            raise scope.problems.refuse(node, "this is no comparison of values", hint)
        symbols.append(symbol)
    operands = check_alike(scope, [node.left, *node.comparators], None)
    kind = operands[0].type
    is_ordered = isinstance(kind, Int) or kind in (BYTES, STR, ADDRESS)
    if not is_ordered and any(symbol not in ("==", "!=") for symbol in symbols):
        raise scope.problems.refuse(node, f"{kind.name} has no order", "compare with == or !=")
    return tree.Compare(BOOL, node.lineno, symbols, operands)


def _check_membership(scope: Scope, node: ast.Compare) -> Expression:
    if len(node.ops) > 1:
        raise scope.problems.refuse(node, "`in` stands alone", "put it in parentheses with `and`")
    where, line = node.comparators[0], node.lineno
    entry = places.find_map(scope, where)
    found: Expression
    if entry is not None:
        key = places.check_key(scope, node.left, entry)
        found = tree.Has(BOOL, line, entry.name, [*entry.keys, key])
    else:
        items = ex.check_value(scope, where)
        if not isinstance(items.type, List):
            hint = "`in` asks a Map or a List"
            raise scope.problems.refuse(where, f"nothing is in {items.type.name}", hint)
        value = ex.expect(scope, node.left, items.type.item)
        found = tree.Contains(BOOL, line, items, value)
    if isinstance(node.ops[0], ast.NotIn):
        return tree.Unary(BOOL, line, "not", found)
    return found
