"""Statements: types, definite assignment and what is reached."""

import ast
from collections.abc import Callable
from typing import Any, Final

from quorate.lang import tree
from quorate.lang.check import calls, operators, places
from quorate.lang.check import expressions as ex
from quorate.lang.check.scope import Scope, merge
from quorate.lang.constants import fold
from quorate.lang.errors import Refused
from quorate.lang.tree import Statement
from quorate.lang.types import BOOL, BYTES, NOTHING, STR, U8, U128, Int, List, Tuple, Type

STEP_MAX: Final = 2**32


def check_body(scope: Scope, nodes: list[ast.stmt]) -> list[Statement]:
    """Check statements; a refused one is left out, and the next ones are still checked."""
    found: list[Statement] = []
    for node in nodes:
        handler = _HANDLERS.get(type(node))
        try:
            if handler is None:
                message, hint = _INSTEAD.get(type(node), ("this is outside the language", ""))
                raise scope.problems.refuse(node, message, hint)
            statement = handler(scope, node)
        except Refused:
            scope.unknown.update(_find_names(node) - scope.locals.keys())
            continue
        if statement is not None:
            found.append(statement)
    return found


def _find_names(node: ast.stmt) -> set[str]:
    """Return the names that a statement assigns."""
    names = (part for part in ast.walk(node) if isinstance(part, ast.Name))
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}


def _check_assign(scope: Scope, node: ast.Assign) -> Statement:
    if len(node.targets) > 1:
        raise scope.problems.refuse(node, "one target at a time", "write two lines")
    target = node.targets[0]
    if isinstance(target, ast.Tuple | ast.List):
        return _check_unpack(scope, node, target.elts)
    value = ex.check_value(scope, node.value, _peek(scope, target))
    return tree.Assign(node.lineno, *_bind(scope, target, node.value, value))


def _peek(scope: Scope, target: ast.expr) -> Type | None:
    """Return what a target holds, to type literals by; check_target notes what is wrong."""
    if isinstance(target, ast.Name):
        return scope.locals.get(target.id)
    noted = len(scope.problems.found)
    try:
        return ex.check(scope, target).type
    except Refused:
        del scope.problems.found[noted:]
        return None


def _bind(
    scope: Scope, target: ast.expr, node: ast.expr, value: tree.Expression
) -> tuple[tree.Target, tree.Expression]:
    """Give a value to a target; a new name takes the value's type."""
    if isinstance(target, ast.Name):
        kind = scope.locals.get(target.id) or _declare(scope, target, target.id, value.type)
        value = ex.convert(scope, node, value, kind)
        scope.assign(target.id)
        return tree.Local(kind, target.lineno, target.id), value
    place = places.check_target(scope, target, value.type)
    return place, ex.convert(scope, node, value, place.type)


def _declare(scope: Scope, node: ast.AST, name: str, kind: Type) -> Type:
    program = scope.program
    is_taken = name in calls.NAMES or name in scope.called
    if is_taken or name in program.constants or name in program.functions:
        raise scope.problems.refuse(node, f"`{name}` has a meaning already", "choose another name")
    if name.startswith("__"):
        raise scope.problems.refuse(node, f"`{name}` means nothing here", "leave the first _ out")
    if name in program.records or name in program.events or name in program.interfaces:
        raise scope.problems.refuse(node, f"`{name}` is a class", "choose another name")
    scope.locals[name] = kind
    return kind


def _check_unpack(scope: Scope, node: ast.Assign, targets: list[ast.expr]) -> Statement:
    kinds = [_peek(scope, target) for target in targets]
    wanted = None
    if all(kind is not None for kind in kinds):
        wanted = Tuple(kind for kind in kinds if kind is not None)
    value = ex.check_value(scope, node.value, wanted)
    return tree.Unpack(node.lineno, _bind_parts(scope, node, targets, value.type), value)


def _bind_parts(
    scope: Scope, node: ast.stmt, targets: list[ast.expr], kind: Type
) -> list[tree.Target]:
    """Give the parts of a tuple to targets, whose types must be the same."""
    if not isinstance(kind, Tuple) or len(kind.types) != len(targets):
        raise scope.problems.refuse(targets[0], f"{kind.name} is not {len(targets)} values")
    found = []
    for target, part_kind in zip(targets, kind.types, strict=True):
        part = tree.Literal(part_kind, node.lineno, 0)
        place, converted = _bind(scope, target, target, part)
        if converted is not part:
            raise scope.problems.refuse(
                target, f"it is {place.type.name}, the value {part_kind.name}"
            )
        found.append(place)
    return found


def _check_annotated(scope: Scope, node: ast.AnnAssign) -> Statement | None:
    if not isinstance(node.target, ast.Name):
        raise scope.problems.refuse(node, "only a local variable is declared here")
    name = node.target.id
    kind = scope.annotations.read(node.annotation, node)
    if name in scope.locals and scope.locals[name] != kind:
        raise scope.problems.refuse(node, f"`{name}` is {scope.locals[name].name} already")
    if name not in scope.locals:
        _declare(scope, node.target, name, kind)
    if node.value is None:
        return None
    value = ex.expect(scope, node.value, kind)
    scope.assign(name)
    return tree.Assign(node.lineno, tree.Local(kind, node.lineno, name), value)


def _check_augment(scope: Scope, node: ast.AugAssign) -> Statement:
    symbol = operators.get_symbol(scope, node, node.op)
    target: tree.Target
    if isinstance(node.target, ast.Name):
        local = ex.check(scope, ast.Name(node.target.id, ast.Load(), **_place(node.target)))
        if not isinstance(local, tree.Local):
            raise scope.problems.refuse(node, f"`{node.target.id}` can't be changed")
        target = local
    else:
        target = places.check_target(scope, node.target, None)
    kind = target.type
    if symbol in operators.COUNTED:
        value = operators.check_count(scope, node.value)
    else:
        value = ex.expect(scope, node.value, kind)
    made = operators.make_binary(scope, node, symbol, target, value)
    if isinstance(made, tree.Join) and isinstance(kind, List):
        raise scope.problems.refuse(
            node, "`+=` would change the List itself", "append, or write a = a + b"
        )
    return tree.Augment(node.lineno, target, "" if isinstance(made, tree.Join) else symbol, value)


def _place(node: ast.expr) -> dict[str, Any]:
    return {
        "lineno": node.lineno,
        "col_offset": node.col_offset,
        "end_lineno": node.end_lineno,
        "end_col_offset": node.end_col_offset,
    }


def _check_delete(scope: Scope, node: ast.Delete) -> Statement:
    target = node.targets[0]
    place = ex.check(scope, target) if isinstance(target, ast.Subscript) else None
    if len(node.targets) > 1 or not isinstance(place, tree.Entry):
        raise scope.problems.refuse(
            node, "only an entry of a Map can be deleted", "del self.map[key]"
        )
    scope.write(node, f"it deletes from {place.name}")
    return tree.Delete(node.lineno, place.name, place.keys)


def _check_if(scope: Scope, node: ast.If) -> Statement:
    test = ex.expect(scope, node.test, BOOL)
    before = scope.assigned
    body = check_body(scope, node.body)
    after = scope.assigned
    scope.assigned = before
    other = check_body(scope, node.orelse)
    scope.assigned = merge(after, scope.assigned)
    return tree.If(node.lineno, test, body, other)


def _check_while(scope: Scope, node: ast.While) -> Statement:
    _refuse_else(scope, node)
    test = ex.expect(scope, node.test, BOOL)
    before, is_endless = scope.assigned, isinstance(test, tree.Literal) and test.value is True
    body, left = _check_loop(scope, node.body)
    scope.assigned = None if is_endless else before
    for place in left:
        scope.assigned = merge(scope.assigned, place)
    return tree.While(node.lineno, test, body)


def _check_loop(scope: Scope, nodes: list[ast.stmt]) -> tuple[list[Statement], list[Any]]:
    scope.breaks.append([])
    body = check_body(scope, nodes)
    return body, scope.breaks.pop()


def _refuse_else(scope: Scope, node: ast.While | ast.For) -> None:
    if node.orelse:
        raise scope.problems.refuse(node.orelse[0], "a loop has no else", "use a bool")


def _check_for(scope: Scope, node: ast.For) -> Statement:
    _refuse_else(scope, node)
    call = node.iter
    if (
        isinstance(node.target, ast.Name)
        and isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "range"
    ):
        return _check_range(scope, node, node.target, call)
    if places.find_map(scope, call) is not None:
        hint = "keep the keys in a List variable, or count them by number"
        raise scope.problems.refuse(call, "a Map can't be iterated", hint)
    items = ex.check_value(scope, call)
    if not isinstance(items.type, List) and items.type != BYTES:
        raise scope.problems.refuse(call, f"nothing to iterate in {items.type.name}")
    kind = items.type.item if isinstance(items.type, List) else U8
    if isinstance(node.target, ast.Name):
        target = _bind_loop(scope, node.target, kind)
        return tree.ForItems(
            node.lineno, target, items, _check_loop_body(scope, node, [target.name])
        )
    return _check_for_parts(scope, node, items, kind)


def _check_for_parts(scope: Scope, node: ast.For, items: tree.Expression, kind: Type) -> Statement:
    """Check `for a, b in pairs`: the pair is a local without a name that a file could write."""
    if not isinstance(node.target, ast.Tuple | ast.List) or not isinstance(kind, Tuple):
        raise scope.problems.refuse(node.target, f"a loop sets a name to each {kind.name}")
    hidden = tree.Local(kind, node.lineno, f"<item {node.lineno}:{node.col_offset}>")
    scope.locals[hidden.name] = kind
    before = scope.assigned
    targets = _bind_parts(scope, node, node.target.elts, kind)
    unpack = tree.Unpack(node.lineno, targets, hidden)
    body = _check_loop_body(
        scope, node, [part.name for part in targets if isinstance(part, tree.Local)]
    )
    scope.assigned = before
    return tree.ForItems(node.lineno, hidden, items, [unpack, *body])


def _bind_loop(scope: Scope, node: ast.Name, kind: Type) -> tree.Local:
    known = scope.locals.get(node.id)
    if known is None:
        _declare(scope, node, node.id, kind)
    elif known != kind:
        hint = "choose another name"
        raise scope.problems.refuse(
            node, f"`{node.id}` is {known.name}, the items {kind.name}", hint
        )
    return tree.Local(kind, node.lineno, node.id)


def _check_loop_body(scope: Scope, node: ast.For, names: list[str]) -> list[Statement]:
    before = scope.assigned
    for name in names:
        scope.assign(name)
    body, _ = _check_loop(scope, node.body)
    scope.assigned = before
    return body


def _check_range(scope: Scope, node: ast.For, name: ast.Name, call: ast.Call) -> Statement:
    bounds = call.args
    if not 1 <= len(bounds) <= 3 or call.keywords:
        raise scope.problems.refuse(call, "range takes a stop; or start, stop, step")
    step = fold(bounds[2], scope.program.constants, typed=True) if len(bounds) == 3 else 1
    if type(step) is not int or not 0 < abs(step) < STEP_MAX:
        raise scope.problems.refuse(
            call, "the step must be known here, and not 0", "range(a, b, 2)"
        )
    wanted = scope.locals.get(name.id)
    if len(bounds) == 1:
        stop = ex.check_value(scope, bounds[0], wanted)
        start: tree.Expression = tree.Literal(stop.type, node.lineno, 0)
    else:
        start, stop = operators.check_alike(scope, bounds[:2], wanted)
    if not isinstance(stop.type, Int) or stop.type == U128:
        raise scope.problems.refuse(call, "a range is of u8, u32, u64 or i64")
    target = _bind_loop(scope, name, stop.type)
    body = _check_loop_body(scope, node, [name.id])
    return tree.ForRange(node.lineno, target, start, stop, step, body)


def _check_break(scope: Scope, node: ast.Break) -> Statement:
    scope.breaks[-1].append(scope.assigned)
    scope.assigned = None
    return tree.Break(node.lineno)


def _check_continue(scope: Scope, node: ast.Continue) -> Statement:
    scope.assigned = None
    return tree.Continue(node.lineno)


def _check_return(scope: Scope, node: ast.Return) -> Statement:
    wanted, value = scope.function.returns, None
    is_none = isinstance(node.value, ast.Constant) and node.value.value is None
    if node.value is not None and not is_none:
        if wanted == NOTHING:
            hint = "say what: `-> u64`"
            raise scope.problems.refuse(node, f"`{scope.function.name}` returns nothing", hint)
        value = ex.expect(scope, node.value, wanted)
    elif wanted != NOTHING:
        raise scope.problems.refuse(node, f"a {wanted.name} must be returned")
    scope.assigned = None
    return tree.Return(node.lineno, value)


def _check_assert(scope: Scope, node: ast.Assert) -> Statement:
    if isinstance(node.test, ast.Tuple):
        raise scope.problems.refuse(node, "this is always true", "leave the parentheses out")
    test = ex.expect(scope, node.test, BOOL)
    text: tree.Expression = tree.Literal(STR, node.lineno, "assertion failed")
    if node.msg is not None:
        text = ex.expect(scope, node.msg, STR)
    if isinstance(test, tree.Literal) and test.value is False:
        scope.assigned = None
    return tree.Assert(node.lineno, test, text)


def _check_expression(scope: Scope, node: ast.Expr) -> Statement | None:
    value = node.value
    if isinstance(value, ast.Constant) and isinstance(value.value, str | type(...)):
        return None
    if not isinstance(value, ast.Call):
        raise scope.problems.refuse(node, "this does nothing", "assign it, or leave it out")
    name = value.func.id if isinstance(value.func, ast.Name) else ""
    if name == "emit":
        return _check_emit(scope, value)
    if name == "revert":
        text = ex.expect(scope, _get_one(scope, value), STR)
        scope.assigned = None
        return tree.Revert(value.lineno, text)
    return tree.Do(node.lineno, ex.check(scope, value))


def _get_one(scope: Scope, node: ast.Call) -> ast.expr:
    if len(node.args) != 1 or node.keywords:
        raise scope.problems.refuse(node, "it takes one argument")
    return node.args[0]


def _check_emit(scope: Scope, node: ast.Call) -> Statement:
    made = _get_one(scope, node)
    name = made.func.id if isinstance(made, ast.Call) and isinstance(made.func, ast.Name) else ""
    event = scope.program.events.get(name)
    if event is None or not isinstance(made, ast.Call):
        hint = "class Sold(Event): price: u64 … emit(Sold(5))"
        raise scope.problems.refuse(node, "emit takes an event of this file", hint)
    scope.write(node, "it emits an event")
    return tree.Emit(node.lineno, event, calls.check_fields(scope, made, event.fields))


def _check_pass(scope: Scope, node: ast.Pass) -> None:
    return None


_HANDLERS: Final[dict[type[ast.stmt], Callable[[Scope, Any], Statement | None]]] = {
    ast.Assign: _check_assign,
    ast.AnnAssign: _check_annotated,
    ast.AugAssign: _check_augment,
    ast.Delete: _check_delete,
    ast.If: _check_if,
    ast.While: _check_while,
    ast.For: _check_for,
    ast.Break: _check_break,
    ast.Continue: _check_continue,
    ast.Return: _check_return,
    ast.Assert: _check_assert,
    ast.Expr: _check_expression,
    ast.Pass: _check_pass,
}

_INSTEAD: Final[dict[type[ast.stmt], tuple[str, str]]] = {
    ast.Try: ("there is no catching", "check first: a failure ends the whole transaction"),
    ast.Raise: ("there are no exceptions", 'write revert("…")'),
    ast.With: ("there is no `with`", "a failure undoes everything by itself"),
    ast.FunctionDef: (
        "no function inside a function",
        "write a method, or a function of the module",
    ),
    ast.ClassDef: ("no class inside a function", "write it in the module"),
    ast.Import: ("a contract imports only quorate.lang", "at the head of the file"),
    ast.ImportFrom: ("a contract imports only quorate.lang", "at the head of the file"),
    ast.Global: ("there are no variables of the module", "use a variable of the contract"),
    ast.Nonlocal: ("no function inside a function", ""),
    ast.Match: ("there is no match", "write if and elif"),
    ast.AsyncFor: ("nothing is asynchronous here", ""),
    ast.AsyncWith: ("nothing is asynchronous here", ""),
}
