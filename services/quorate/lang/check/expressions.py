"""Expressions: each kind of node has one function, which settles its type."""

import ast
from collections.abc import Callable
from typing import Any

from quorate.lang import tree
from quorate.lang.check import calls, operators, places
from quorate.lang.check.scope import Scope
from quorate.lang.constants import fold, is_text
from quorate.lang.errors import Refused
from quorate.lang.tree import Expression
from quorate.lang.types import (
    ADDRESS,
    BOOL,
    BYTES,
    I64,
    NOTHING,
    STR,
    U64,
    U128,
    Int,
    List,
    Tuple,
    Type,
    widens,
)

_FOLDED = (ast.Constant, ast.Name, ast.BinOp, ast.UnaryOp)


def check(scope: Scope, node: ast.expr, wanted: Type | None = None) -> Expression:
    """Return a node's meaning; `wanted` only decides what literals become."""
    if isinstance(node, _FOLDED):
        value = fold(node, scope.program.constants)
        if value is not None and not (isinstance(node, ast.Name) and node.id in scope.locals):
            return make_literal(scope, node, value, wanted)
    handler = _HANDLERS.get(type(node))
    if handler is None:
        raise _refuse_unknown(scope, node)
    return handler(scope, node, wanted)


def expect(scope: Scope, node: ast.expr, wanted: Type) -> Expression:
    """Return a node's meaning as a value of a type, widened if need be."""
    return convert(scope, node, check(scope, node, wanted), wanted)


def check_value(scope: Scope, node: ast.expr, wanted: Type | None = None) -> Expression:
    """Return a node's meaning; refuses what has no value."""
    found = check(scope, node, wanted)
    if found.type == NOTHING:
        raise scope.problems.refuse(node, "this has no value", "call it as a statement of its own")
    return found


def convert(scope: Scope, node: ast.expr, found: Expression, wanted: Type) -> Expression:
    """Widen a value to a type, or refuse."""
    if found.type == wanted:
        return found
    if widens(found.type, wanted):
        return tree.Convert(wanted, found.line, found)
    hint = ""
    if isinstance(wanted, Int) and isinstance(found.type, Int):
        hint = f"convert it: {wanted.name}(…) reverts if it does not fit"
    elif wanted == BOOL and isinstance(found.type, Int):
        hint = "compare it: … != 0"
    elif wanted == BOOL:
        hint = "conditions are bool: compare it, or ask for its length"
    elif wanted == ADDRESS and found.type == BYTES:
        hint = "convert it: Address(…)"
    elif wanted == BYTES and found.type == STR:
        hint = "convert it: ….encode()"
    raise scope.problems.refuse(node, f"this is {found.type.name}, {wanted.name} is needed", hint)


def make_literal(scope: Scope, node: ast.expr, value: Any, wanted: Type | None) -> Expression:
    """Return a known value; an int takes the wanted type."""
    line = node.lineno
    if isinstance(value, bool):
        return tree.Literal(BOOL, line, value)
    if isinstance(value, bytes):
        return tree.Literal(BYTES, line, value)
    if isinstance(value, str):
        if not is_text(value):
            raise scope.problems.refuse(node, "this is no valid text")
        return tree.Literal(STR, line, value)
    kind = wanted if isinstance(wanted, Int) else _choose_int(value)
    if not kind.holds(value):
        hint = "unsigned types hold no negative numbers; i64 does" if value < 0 else ""
        raise scope.problems.refuse(node, f"{value} does not fit {kind.name}", hint)
    return tree.Literal(kind, line, value)


def _choose_int(value: int) -> Int:
    if value < 0:
        return I64
    return U64 if U64.holds(value) else U128


def _check_name(scope: Scope, node: ast.Name, wanted: Type | None) -> Expression:
    name = node.id
    if name in scope.locals:
        if not scope.is_assigned(name):
            hint = "give it a value before the branch or loop"
            raise scope.problems.refuse(node, f"`{name}` may have no value here", hint)
        return tree.Local(scope.locals[name], node.lineno, name)
    if name in scope.unknown:
        raise Refused
    constant = scope.program.constants.get(name)
    if constant is not None and constant.type is not None:
        return tree.Literal(constant.type, node.lineno, constant.value)
    if name == "NO_ADDRESS":
        return tree.Literal(ADDRESS, node.lineno, bytes(32))
    if name == "self":
        raise scope.problems.refuse(
            node, "self is no value", "self.address is the contract's address"
        )
    if name in scope.program.variables and scope.function.is_method:
        raise scope.problems.refuse(node, f"there is no `{name}` here", f"write self.{name}")
    raise scope.problems.refuse(node, f"there is no `{name}` here")


def _check_attribute(scope: Scope, node: ast.Attribute, wanted: Type | None) -> Expression:
    return places.check_attribute(scope, node)


def _check_subscript(scope: Scope, node: ast.Subscript, wanted: Type | None) -> Expression:
    return places.check_subscript(scope, node)


def _check_call(scope: Scope, node: ast.Call, wanted: Type | None) -> Expression:
    return calls.check_call(scope, node, wanted)


def _check_logic(scope: Scope, node: ast.BoolOp, wanted: Type | None) -> Expression:
    operands = [expect(scope, value, BOOL) for value in node.values]
    operator = "and" if isinstance(node.op, ast.And) else "or"
    return tree.Logic(BOOL, node.lineno, operator, operands)


def _check_choice(scope: Scope, node: ast.IfExp, wanted: Type | None) -> Expression:
    test = expect(scope, node.test, BOOL)
    yes, no = operators.check_alike(scope, [node.body, node.orelse], wanted)
    return tree.Choice(yes.type, node.lineno, test, yes, no)


def _check_tuple(scope: Scope, node: ast.Tuple, wanted: Type | None) -> Expression:
    if not node.elts:
        raise scope.problems.refuse(node, "a tuple has at least one part")
    fits = isinstance(wanted, Tuple) and len(wanted.types) == len(node.elts)
    kinds = wanted.types if isinstance(wanted, Tuple) and fits else (None,) * len(node.elts)
    items = []
    for part, kind in zip(node.elts, kinds, strict=True):
        item = check_value(scope, part, kind)
        items.append(convert(scope, part, item, kind) if kind is not None else item)
    return tree.Make(Tuple(item.type for item in items), node.lineno, items)


def _check_list(scope: Scope, node: ast.List, wanted: Type | None) -> Expression:
    if isinstance(wanted, List):
        items = [expect(scope, part, wanted.item) for part in node.elts]
        return tree.Make(wanted, node.lineno, items)
    if not node.elts:
        hint = "say so where it is assigned: `items: List[u64] = []`"
        raise scope.problems.refuse(node, "an empty List of what?", hint)
    items = operators.check_alike(scope, node.elts, None)
    return tree.Make(List(items[0].type), node.lineno, items)


def _check_text(scope: Scope, node: ast.JoinedStr, wanted: Type | None) -> Expression:
    whole: Expression | None = None
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            if part.conversion != -1 or part.format_spec is not None:
                raise scope.problems.refuse(node, "no formats in f-strings", "write {name} only")
            piece = calls.make_text(scope, part.value)
        else:
            piece = check(scope, part, STR)
        whole = piece if whole is None else tree.Join(STR, node.lineno, whole, piece)
    return whole or tree.Literal(STR, node.lineno, "")


_HANDLERS: dict[type[ast.expr], Callable[[Scope, Any, Type | None], Expression]] = {
    ast.Name: _check_name,
    ast.Attribute: _check_attribute,
    ast.Subscript: _check_subscript,
    ast.Call: _check_call,
    ast.BinOp: operators.check_binary,
    ast.UnaryOp: operators.check_unary,
    ast.Compare: operators.check_compare,
    ast.BoolOp: _check_logic,
    ast.IfExp: _check_choice,
    ast.Tuple: _check_tuple,
    ast.List: _check_list,
    ast.JoinedStr: _check_text,
}

_INSTEAD: dict[type[ast.expr], tuple[str, str]] = {
    ast.Dict: ("there are no dicts", "use a Map variable, or a List"),
    ast.Set: ("there are no sets", "use a Map[…, bool] variable, or a List"),
    ast.ListComp: ("there are no comprehensions", "write a for loop that appends"),
    ast.SetComp: ("there are no comprehensions", "write a for loop"),
    ast.DictComp: ("there are no comprehensions", "write a for loop"),
    ast.GeneratorExp: ("there are no generators", "write a for loop"),
    ast.Lambda: ("there are no lambdas", "write a function of the module"),
    ast.NamedExpr: ("no assignment inside an expression", "assign on a line of its own"),
    ast.Await: ("nothing is asynchronous here", "call other contracts directly"),
    ast.Yield: ("there are no generators", "append to a List and return it"),
    ast.Starred: ("no `*` here", "name every value"),
}


def _refuse_unknown(scope: Scope, node: ast.expr) -> Refused:
    message, hint = _INSTEAD.get(type(node), ("this is outside the language", ""))
    if isinstance(node, ast.Constant):
        message, hint = f"`{node.value!r}` is no value here", "a type's zero stands for nothing"
        if isinstance(node.value, float):
            message, hint = "there are no floats", "count in the smallest unit, as u64 or u128"
    return scope.problems.refuse(node, message, hint)
