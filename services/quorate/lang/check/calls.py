"""Calls: of functions in this file, of the language's own, of other contracts."""

import ast
from collections.abc import Callable
from typing import Final

from quorate.lang import tree
from quorate.lang.author import TokenSpec
from quorate.lang.check import expressions as ex
from quorate.lang.check import operators, places
from quorate.lang.check.scope import Mark, Scope
from quorate.lang.constants import fold
from quorate.lang.errors import Refused
from quorate.lang.program import Function
from quorate.lang.tree import Expression
from quorate.lang.types import (
    ADDRESS,
    BOOL,
    BYTES,
    I64,
    INTS,
    NOTHING,
    STR,
    U8,
    U64,
    Int,
    List,
    Record,
    Type,
)

TOKEN_SPEC: Final = Record(TokenSpec.__name__)
TOKEN_SPEC.fields = ("symbol", "name", "decimals", "cap", "supply", "freezable", "final")
TOKEN_SPEC.types = (STR, STR, U8, U64, U64, BOOL, BOOL)

# Name → parameters, result, whether it acts (a view must not).
NATIVES: Final[dict[str, tuple[tuple[Type, ...], Type, bool]]] = {
    "transfer": ((ADDRESS, U64), NOTHING, True),
    "balance": ((ADDRESS,), U64, False),
    "sha256": ((BYTES,), BYTES, False),
    "ed25519_verify": ((BYTES, BYTES, BYTES), BOOL, False),
    "create_token": ((TOKEN_SPEC,), ADDRESS, True),
    "mint_token": ((ADDRESS, ADDRESS, U64), NOTHING, True),
    "burn_token": ((ADDRESS, U64), NOTHING, True),
    "transfer_token": ((ADDRESS, ADDRESS, U64), NOTHING, True),
    "token_balance": ((ADDRESS, ADDRESS), U64, False),
}


def check_call(scope: Scope, node: ast.Call, wanted: Type | None) -> Expression:
    """Check any call."""
    function = node.func
    if isinstance(function, ast.Attribute):
        return _check_method_call(scope, node, function)
    if not isinstance(function, ast.Name):
        raise scope.problems.refuse(node, "only names can be called")
    name, program = function.id, scope.program
    if name in scope.locals:
        raise scope.problems.refuse(node, f"`{name}` is a variable here", "give it another name")
    scope.called.add(name)
    if name in program.functions:
        return _call_function(scope, node, program.functions[name])
    record = program.records.get(name) or (TOKEN_SPEC if name == TOKEN_SPEC.name else None)
    if record is not None:
        items = check_fields(scope, node, list(zip(record.fields, record.types, strict=True)))
        return tree.Make(record, node.lineno, items)
    if name in NATIVES:
        return _call_native(scope, node, name)
    if name in INTS:
        return _call_conversion(scope, node, INTS[name])
    handler = _BUILTINS.get(name)
    if handler is None:
        raise _refuse_unknown(scope, node, name)
    if node.keywords:
        raise scope.problems.refuse(node, "arguments have no names here", f"{name}(…)")
    return handler(scope, node, wanted)


def check_fields(scope: Scope, node: ast.Call, fields: list[tuple[str, Type]]) -> list[Expression]:
    """Check the arguments that make a record or event: by place, then by name, in order."""
    values = list(node.args)
    for keyword in node.keywords:
        expected = fields[len(values)][0] if len(values) < len(fields) else ""
        if keyword.arg != expected:
            names = ", ".join(name for name, _ in fields)
            raise scope.problems.refuse(keyword.value, "fields stand in their order", names)
        values.append(keyword.value)
    return _check_arguments(scope, node, values, fields)


def _check_arguments(
    scope: Scope, node: ast.Call, values: list[ast.expr], parameters: list[tuple[str, Type]]
) -> list[Expression]:
    if len(values) != len(parameters):
        text = ", ".join(f"{name}: {kind.name}" for name, kind in parameters)
        raise scope.problems.refuse(
            node, f"{len(values)} arguments for {len(parameters)}", f"it takes ({text})"
        )
    pairs = zip(values, parameters, strict=True)
    return [ex.expect(scope, value, kind) for value, (_, kind) in pairs]


def _plain(scope: Scope, node: ast.Call) -> list[ast.expr]:
    if node.keywords:
        raise scope.problems.refuse(node, "arguments are given by place", "leave the names out")
    return node.args


def _call_function(scope: Scope, node: ast.Call, function: Function) -> Expression:
    arguments = _check_arguments(scope, node, _plain(scope, node), function.parameters)
    scope.calls.append((node, function))
    return tree.Call(function.returns, node.lineno, function, arguments)


def _call_native(scope: Scope, node: ast.Call, name: str) -> Expression:
    kinds, result, acts = NATIVES[name]
    parameters = [(f"argument {i + 1}", kind) for i, kind in enumerate(kinds)]
    arguments = _check_arguments(scope, node, _plain(scope, node), parameters)
    if acts:
        scope.write(node, f"it calls {name}")
    return tree.Builtin(result, node.lineno, name, arguments)


def _call_conversion(scope: Scope, node: ast.Call, kind: Int) -> Expression:
    argument = _take(scope, node, 1)[0]
    value = fold(argument, scope.program.constants)
    if type(value) is int:
        return ex.make_literal(scope, argument, value, kind)
    operand = ex.check_value(scope, argument)
    if not isinstance(operand.type, Int) and operand.type != BOOL:
        raise scope.problems.refuse(node, f"{operand.type.name} is no number")
    scope.marks[node] = Mark("convert", (kind,))
    return tree.Convert(kind, node.lineno, operand)


def _check_method_call(scope: Scope, node: ast.Call, function: ast.Attribute) -> Expression:
    owner, name = function.value, function.attr
    if places.is_self(owner) and scope.function.is_method:
        method = scope.program.methods.get(name)
        if method is None or name == "__init__":
            raise scope.problems.refuse(node, f"the contract has no method `{name}`")
        return _call_function(scope, node, method)
    if isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name):
        interface = scope.program.interfaces.get(owner.func.id)
        if interface is not None:
            remote = interface.methods.get(name)
            if remote is None:
                raise scope.problems.refuse(node, f"{interface.name} has no method `{name}`")
            return _call_remote(scope, node, owner, remote)
    operand = ex.check_value(scope, owner)
    if isinstance(operand.type, List) and name in ("append", "pop"):
        return _change_list(scope, node, operand, name)
    if operand.type == STR and name == "encode" and not node.args:
        return tree.Builtin(BYTES, node.lineno, "encode_text", [operand])
    if operand.type == BYTES and name == "decode" and not node.args:
        return tree.Builtin(STR, node.lineno, "decode_text", [operand])
    raise scope.problems.refuse(node, f"{operand.type.name} has no method `{name}` here")


def _change_list(scope: Scope, node: ast.Call, operand: Expression, name: str) -> Expression:
    assert isinstance(operand.type, List) and isinstance(node.func, ast.Attribute)
    arguments = _take(scope, node, 1 if name == "append" else 0)
    values = [ex.expect(scope, argument, operand.type.item) for argument in arguments]
    places.check_stored_list(scope, node.func.value, operand)
    result = NOTHING if name == "append" else operand.type.item
    return tree.Builtin(result, node.lineno, name, [operand, *values])


def _call_remote(scope: Scope, node: ast.Call, owner: ast.Call, method: Function) -> Expression:
    if len(owner.args) != 1:
        raise scope.problems.refuse(owner, "a contract is known by its address", "Token(address)")
    address = ex.expect(scope, owner.args[0], ADDRESS)
    given: dict[str, Expression] = {}
    for keyword in owner.keywords:
        if keyword.arg not in ("value", "fuel") or keyword.arg in given or "fuel" in given:
            raise scope.problems.refuse(owner, "only value=…, then fuel=… go with a call")
        given[keyword.arg] = ex.expect(scope, keyword.value, U64)
    arguments = _check_arguments(scope, node, _plain(scope, node), method.parameters)
    if not method.is_view:
        scope.write(node, f"it calls {method.name}, which is no @view")
    nothing = tree.Literal(U64, node.lineno, 0)
    value, fuel = given.get("value", nothing), given.get("fuel", nothing)
    return tree.Remote(method.returns, node.lineno, method, address, arguments, value, fuel)


def _take(scope: Scope, node: ast.Call, count: int) -> list[ast.expr]:
    if len(node.args) != count or node.keywords:
        raise scope.problems.refuse(node, f"it takes {count or 'no'} argument{'s' * (count > 1)}")
    return node.args


def make_text(scope: Scope, node: ast.expr) -> Expression:
    """Return a number or text as text."""
    operand = ex.check_value(scope, node)
    if operand.type == STR:
        return operand
    if not isinstance(operand.type, Int):
        raise scope.problems.refuse(node, f"{operand.type.name} has no text", "numbers have")
    return tree.Builtin(STR, node.lineno, "str", [operand])


def _check_len(scope: Scope, node: ast.Call, wanted: Type | None) -> Expression:
    argument = _take(scope, node, 1)[0]
    if places.find_map(scope, argument) is not None:
        raise scope.problems.refuse(node, "a Map can't be counted", "keep a count in a variable")
    operand = ex.check_value(scope, argument)
    if operand.type not in (BYTES, STR) and not isinstance(operand.type, List):
        raise scope.problems.refuse(node, f"{operand.type.name} has no length")
    return tree.Builtin(U64, node.lineno, "len", [operand])


def _check_str(scope: Scope, node: ast.Call, wanted: Type | None) -> Expression:
    return make_text(scope, _take(scope, node, 1)[0])


def _check_bytes(scope: Scope, node: ast.Call, wanted: Type | None) -> Expression:
    operand = ex.check_value(scope, _take(scope, node, 1)[0])
    if operand.type == ADDRESS:
        return tree.Builtin(BYTES, node.lineno, "address_bytes", [operand])
    size = ex.convert(scope, node.args[0], operand, U64)
    scope.marks[node] = Mark("zeros")
    return tree.Builtin(BYTES, node.lineno, "zeros", [size])


def _check_address(scope: Scope, node: ast.Call, wanted: Type | None) -> Expression:
    operand = ex.expect(scope, _take(scope, node, 1)[0], BYTES)
    scope.marks[node] = Mark("address")
    return tree.Builtin(ADDRESS, node.lineno, "to_address", [operand])


def _check_extreme(scope: Scope, node: ast.Call, wanted: Type | None) -> Expression:
    assert isinstance(node.func, ast.Name)
    if len(node.args) < 2:
        raise scope.problems.refuse(node, "it takes two values or more", "for a List write a loop")
    values = operators.check_alike(scope, node.args, wanted)
    if not isinstance(values[0].type, Int):
        raise scope.problems.refuse(node, "it compares numbers")
    return tree.Builtin(values[0].type, node.lineno, node.func.id, values)


def _check_abs(scope: Scope, node: ast.Call, wanted: Type | None) -> Expression:
    operand = ex.expect(scope, _take(scope, node, 1)[0], I64)
    scope.marks[node] = Mark("fit", (I64,))
    return tree.Builtin(I64, node.lineno, "abs", [operand])


def _check_sum(scope: Scope, node: ast.Call, wanted: Type | None) -> Expression:
    items = ex.check_value(scope, _take(scope, node, 1)[0])
    if not isinstance(items.type, List) or not isinstance(items.type.item, Int):
        raise scope.problems.refuse(node, "it adds the numbers of a List")
    scope.marks[node] = Mark("sum", (items.type.item,))
    return tree.Builtin(items.type.item, node.lineno, "sum", [items])


def _check_encode(scope: Scope, node: ast.Call, wanted: Type | None) -> Expression:
    if not node.args:
        raise scope.problems.refuse(node, "encode what?", "encode(a, b)")
    values = [ex.check_value(scope, argument) for argument in node.args]
    scope.marks[node] = Mark("encode", tuple(value.type for value in values))
    return tree.Builtin(BYTES, node.lineno, "encode", values)


_BUILTINS: Final[dict[str, Callable[[Scope, ast.Call, Type | None], Expression]]] = {
    "len": _check_len,
    "str": _check_str,
    "bytes": _check_bytes,
    "Address": _check_address,
    "min": _check_extreme,
    "max": _check_extreme,
    "abs": _check_abs,
    "sum": _check_sum,
    "encode": _check_encode,
}

# What no local can be called; other names of the language can be where they are not used.
NAMES: Final = frozenset(
    {*INTS, "emit", "revert", "range", "self", "NO_ADDRESS", "TokenSpec", "Address", "bytes", "str"}
    | {"Map", "List", "tuple", "bool", "Contract", "Record", "Event", "Interface"}
)

_INSTEAD: Final = {
    "int": "write u64(…), or another width",
    "print": "emit an event",
    "isinstance": "types are known when building",
    "sorted": "keep a List sorted as you insert",
    "enumerate": "write for i in range(len(items))",
    "zip": "write for i in range(len(items))",
    "float": "count in the smallest unit",
    "divmod": "write // and %",
    "pow": "write **",
    "bool": "compare: x != 0",
    "list": "write [] and append",
    "dict": "use a Map variable",
    "set": "use a Map[…, bool] variable",
    "hash": "write sha256(…)",
    "getattr": "names are known when building",
    "eval": "there is no code at run time",
    "open": "a contract sees only the chain",
    "input": "take it as a parameter",
}


def _refuse_unknown(scope: Scope, node: ast.Call, name: str) -> Refused:
    program = scope.program
    message, hint = f"there is no function `{name}`", _INSTEAD.get(name, "")
    if name in program.methods and scope.function.is_method:
        hint = f"write self.{name}(…)"
    elif name in program.events:
        message, hint = "an event is no value", f"write emit({name}(…))"
    elif name in program.interfaces:
        message, hint = "a contract is no value", f"call a method: {name}(…).method(…)"
    elif name in ("emit", "revert"):
        message, hint = f"{name} stands on a line of its own", ""
    elif name == "range":
        message, hint = "a range is only for loops", "for i in range(…):"
    return scope.problems.refuse(node, message, hint)
