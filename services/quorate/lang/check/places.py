"""Where values are: variables of the contract, entries of Maps, fields, items."""

import ast
from dataclasses import dataclass

from quorate.lang import tree
from quorate.lang.check import expressions as ex
from quorate.lang.check.scope import Mark, Scope
from quorate.lang.constants import fold
from quorate.lang.tree import Expression
from quorate.lang.types import ADDRESS, BYTES, STR, U8, U64, List, Map, Record, Tuple, Type

NATIVES: dict[str, Type] = {
    "caller": ADDRESS,
    "origin": ADDRESS,
    "address": ADDRESS,
    "value": U64,
    "height": U64,
    "time_ms": U64,
}


@dataclass(slots=True)
class Place:
    """A Map, or the inner one behind a first key."""

    name: str
    type: Map
    keys: list[Expression]


def is_self(node: ast.expr) -> bool:
    """Say whether a node is `self`."""
    return isinstance(node, ast.Name) and node.id == "self"


def check_attribute(scope: Scope, node: ast.Attribute) -> Expression:
    """Check `self.name` and `record.name`."""
    if not is_self(node.value):
        return _check_field(scope, node)
    if not scope.function.is_method:
        raise scope.problems.refuse(
            node, "a function of the module has no self", "make it a method"
        )
    kind = NATIVES.get(node.attr)
    if kind is not None:
        return tree.Native(kind, node.lineno, node.attr)
    kind = scope.program.variables.get(node.attr)
    if kind is None:
        hint = ""
        if node.attr in scope.program.methods:
            hint = f"call it: self.{node.attr}(…)"
        elif node.attr == "balance":
            hint = "write balance(self.address)"
        raise scope.problems.refuse(node, f"the contract has no variable `{node.attr}`", hint)
    if isinstance(kind, Map):
        hint = "read one entry: self.name[key]; a Map can't be counted, copied or iterated"
        raise scope.problems.refuse(node, f"`{node.attr}` is a Map", hint)
    return tree.Variable(kind, node.lineno, node.attr)


def _check_field(scope: Scope, node: ast.Attribute) -> Expression:
    operand = ex.check_value(scope, node.value)
    kind = operand.type
    if not isinstance(kind, Record) or node.attr not in kind.fields:
        raise scope.problems.refuse(node, f"{kind.name} has no field `{node.attr}`")
    index = kind.fields.index(node.attr)
    return tree.Field(kind.types[index], node.lineno, operand, index)


def check_subscript(scope: Scope, node: ast.Subscript) -> Expression:
    """Check `map[key]`, `items[i]`, `data[a:b]`, `pair[0]`."""
    place = find_map(scope, node.value)
    if place is not None:
        if isinstance(node.slice, ast.Slice):
            raise scope.problems.refuse(node, "a Map has no slices")
        key = check_key(scope, node.slice, place)
        if isinstance(place.type.value, Map):
            hint = "it has two keys: self.name[first][second]"
            raise scope.problems.refuse(node, f"`{place.name}` is a nested Map", hint)
        return tree.Entry(place.type.value, node.lineno, place.name, [*place.keys, key])
    operand = ex.check_value(scope, node.value)
    if isinstance(node.slice, ast.Slice):
        return _check_slice(scope, node, node.slice, operand)
    if isinstance(operand.type, Tuple):
        return _check_part(scope, node, operand, operand.type)
    if isinstance(operand.type, List):
        return tree.Item(operand.type.item, node.lineno, operand, check_index(scope, node.slice))
    if operand.type == BYTES:
        return tree.Item(U8, node.lineno, operand, check_index(scope, node.slice))
    hint = "take bytes: text.encode()[i]" if operand.type == STR else ""
    raise scope.problems.refuse(node, f"{operand.type.name} has no items", hint)


def check_index(scope: Scope, node: ast.expr) -> Expression:
    """Check an index: a u64, counted from the start."""
    value = fold(node, scope.program.constants)
    if isinstance(value, int) and value < 0:
        hint = "count from the start: items[len(items) - 1]"
        raise scope.problems.refuse(node, "an index is not negative", hint)
    return ex.expect(scope, node, U64)


def _check_part(scope: Scope, node: ast.Subscript, operand: Expression, kind: Tuple) -> Expression:
    index = fold(node.slice, scope.program.constants)
    if type(index) is not int or not 0 <= index < len(kind.types):
        hint = f"0 to {len(kind.types) - 1}"
        raise scope.problems.refuse(node, "a tuple's part is named by a number known here", hint)
    return tree.Field(kind.types[index], node.lineno, operand, index)


def _check_slice(
    scope: Scope, node: ast.Subscript, bounds: ast.Slice, operand: Expression
) -> Expression:
    if operand.type != BYTES:
        hint = "take bytes: text.encode()" if operand.type == STR else "write a for loop"
        raise scope.problems.refuse(node, f"{operand.type.name} has no slices", hint)
    if bounds.step is not None:
        raise scope.problems.refuse(node, "slices have no step")
    lower = check_index(scope, bounds.lower) if bounds.lower is not None else None
    upper = check_index(scope, bounds.upper) if bounds.upper is not None else None
    return tree.Slice(BYTES, node.lineno, operand, lower, upper)


def find_map(scope: Scope, node: ast.expr) -> Place | None:
    """Return the Map that `self.name` or `self.name[key]` is, or None."""
    if isinstance(node, ast.Attribute) and is_self(node.value) and scope.function.is_method:
        kind = scope.program.variables.get(node.attr)
        return Place(node.attr, kind, []) if isinstance(kind, Map) else None
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
        outer = find_map(scope, node.value)
        if outer is not None and isinstance(outer.type.value, Map):
            key = check_key(scope, node.slice, outer)
            return Place(outer.name, outer.type.value, [key])
    return None


def check_key(scope: Scope, node: ast.expr, place: Place) -> Expression:
    """Check a key of a Map."""
    return ex.expect(scope, node, place.type.key)


def check_target(scope: Scope, node: ast.expr, wanted: Type | None) -> tree.Target:
    """Check what is assigned to, other than a name; notes what is written."""
    if isinstance(node, ast.Attribute) and is_self(node.value) and node.attr in NATIVES:
        raise scope.problems.refuse(node, f"self.{node.attr} can't be set")
    if not isinstance(node, ast.Attribute | ast.Subscript):
        raise scope.problems.refuse(node, "this can't be assigned to")
    target = ex.check(scope, node)
    if isinstance(target, tree.Variable | tree.Entry):
        scope.write(node, f"it sets {target.name}")
        return target
    if isinstance(target, tree.Item) and isinstance(target.operand.type, List):
        check_stored_list(scope, node.value, target.operand)
    elif not (isinstance(target, tree.Field) and isinstance(target.operand.type, Record)):
        kind = "a tuple" if isinstance(target, tree.Field) else "bytes"
        raise scope.problems.refuse(node, f"{kind} can't be changed", "make a new value")
    else:
        _check_owned(scope, node, target.operand)
    assert isinstance(target, tree.Item | tree.Field)
    return target


def check_stored_list(scope: Scope, node: ast.expr, items: Expression) -> None:
    """Check a List that is about to be changed; one in storage is marked as such."""
    if isinstance(items, tree.Variable | tree.Entry):
        scope.write(node, f"it changes {items.name}")
        assert isinstance(items.type, List)
        scope.marks[node] = Mark("stored", (items.type,))
    else:
        _check_owned(scope, node, items)


def _check_owned(scope: Scope, node: ast.expr, operand: Expression) -> None:
    """Refuse changing a copy that nobody will see."""
    while isinstance(operand, tree.Field | tree.Item):
        operand = operand.operand
    if isinstance(operand, tree.Variable | tree.Entry):
        name = f"self.{operand.name}" + "[key]" * isinstance(operand, tree.Entry)
        raise scope.problems.refuse(
            node,
            "this would change a copy of what is stored",
            f"read it, change it, store it: item = {name}; item.… = …; {name} = item",
        )
