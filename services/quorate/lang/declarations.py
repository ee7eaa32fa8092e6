"""Reads what a file declares, before any function body is looked at."""

import ast
from typing import Any

from quorate.lang.annotations import Annotations
from quorate.lang.constants import fold, is_text
from quorate.lang.errors import Problems, Refused
from quorate.lang.program import (
    Constant,
    Event,
    Function,
    Interface,
    Parameters,
    Program,
    strip_name,
)
from quorate.lang.types import BOOL, BYTES, NOTHING, SIMPLE, STR, Int, Record, Type

# What a file can import: all that quorate.lang offers to contracts.
OFFERED = (
    "Contract", "Record", "Event", "Interface", "TokenSpec", "public", "view", "payable",
    "u8", "u32", "u64", "u128", "i64", "Address", "Map", "List", "NO_ADDRESS", "emit", "revert",
    "transfer", "balance", "sha256", "ed25519_verify", "encode", "create_token", "mint_token",
    "burn_token", "transfer_token", "token_balance",
)  # fmt: skip
BASES = ("Contract", "Record", "Event", "Interface")
DECORATORS = ("public", "view", "payable")
# What `self` has already, and what a module needs for itself.
RESERVED_VARIABLES = ("caller", "origin", "address", "value", "height", "time_ms")
RESERVED_METHODS = ("init", "memory", "public", "view", "payable")
NAME_BYTES_MAX = 64
# Names that a module can't give away, since CPython would then do something else.
BUILTINS = ("abs", "bool", "bytes", "len", "max", "min", "range", "self", "str", "sum", "tuple")


class Declarations:
    """Fills a Program from its tree; every problem is noted, none is raised."""

    def __init__(self, program: Program, problems: Problems) -> None:
        self._program, self._problems = program, problems
        self._annotations = Annotations(program, problems)

    def read(self) -> None:
        """Read all statements of the module."""
        program = self._program
        for statement in program.tree.body:
            try:
                self._read_statement(statement)
            except Refused:
                continue
        if program.contract is None and not self._problems.found:
            end = program.tree.body[-1] if program.tree.body else program.tree
            self._problems.note(
                end, "there is no contract in this file", "write `class Name(Contract):`"
            )

    def _read_statement(self, node: ast.stmt) -> None:
        match node:
            case ast.ClassDef():
                self._read_class(node)
            case ast.FunctionDef():
                self._claim(node, node.name)
                self._program.functions[node.name] = self._read_function(node, is_method=False)
            case ast.Assign() | ast.AnnAssign():
                self._read_constant(node)
            case ast.ImportFrom(module="quorate.lang") | ast.ImportFrom(module="__future__"):
                self._read_import(node)
            case ast.Import() | ast.ImportFrom():
                raise self._problems.refuse(
                    node,
                    "a contract imports only quorate.lang",
                    "copy what you need into this file, or call another contract",
                )
            case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                pass
            case _:
                raise self._problems.refuse(
                    node,
                    "a module holds constants, functions and classes",
                    "put statements into a method",
                )

    def _read_import(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if node.module == "__future__":
                continue
            if alias.name not in OFFERED and alias.name != "*":
                message = f"quorate.lang has no `{alias.name}`"
                self._problems.note(alias, message, "it has " + ", ".join(OFFERED))
            self._program.imported.add(alias.name)
            if alias.asname is not None or alias.name == "*":
                self._problems.note(node, "import names as they are", "leave `as` and `*` out")

    def _check_name(self, node: ast.AST, name: str) -> None:
        """Refuse names that others can't write, and those that CPython changes."""
        if not name.isascii() or len(name) > NAME_BYTES_MAX:
            message = "a name is 1 to 64 letters, digits and _ of ASCII"
            raise self._problems.refuse(node, message, "choose another name")
        if name.startswith("__") and name != "__init__":
            message = f"`{name}` means nothing in a contract"
            raise self._problems.refuse(node, message, "leave the first _ out")

    def _add_field(self, node: ast.AST, fields: Parameters, name: str, kind: Type) -> None:
        """Add a field or parameter, whose name shows in the interface."""
        self._check_name(node, name)
        if any(strip_name(name) == strip_name(other) for other, _ in fields):
            raise self._problems.refuse(node, f"`{name}` is declared already")
        fields.append((name, kind))

    def _claim(self, node: ast.AST, name: str) -> None:
        program = self._program
        self._check_name(node, name)
        if name in BUILTINS or name in OFFERED:
            message = f"`{name}` has a meaning already"
            raise self._problems.refuse(node, message, "choose another name")
        tables: tuple[dict[str, Any], ...] = (
            program.constants,
            program.records,
            program.events,
            program.interfaces,
            program.functions,
            SIMPLE,
        )
        if any(name in table for table in tables) or name == program.name:
            raise self._problems.refuse(
                node, f"`{name}` is declared already", "choose another name"
            )

    def _read_constant(self, node: ast.Assign | ast.AnnAssign) -> None:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        many = isinstance(node, ast.Assign) and len(node.targets) > 1
        if many or not isinstance(target, ast.Name) or node.value is None:
            raise self._problems.refuse(node, "a constant is one name and its value", "FEE = 5")
        self._claim(node, target.id)
        value = fold(node.value, self._program.constants, typed=True)
        if value is None:
            hint = "numbers, bool, bytes and str, and arithmetic on such numbers"
            raise self._problems.refuse(node.value, "the value must be known when building", hint)
        if isinstance(value, str) and not is_text(value):
            raise self._problems.refuse(node.value, "this is no valid text")
        kind: Type | None = {bool: BOOL, bytes: BYTES, str: STR}.get(type(value))
        if isinstance(node, ast.AnnAssign):
            kind = self._annotations.read(node.annotation, node)
            self._check_constant(node.value, kind, value)
        self._program.constants[target.id] = Constant(value, kind)

    def _check_constant(self, node: ast.expr, kind: Type, value: object) -> None:
        wanted = int if isinstance(kind, Int) else {BOOL: bool, BYTES: bytes, STR: str}.get(kind)
        if type(value) is not wanted:
            raise self._problems.refuse(node, f"this is no {kind.name}")
        if isinstance(kind, Int) and isinstance(value, int) and not kind.holds(value):
            raise self._problems.refuse(node, f"{value} does not fit {kind.name}")

    def _read_class(self, node: ast.ClassDef) -> None:
        base = (
            node.bases[0].id if len(node.bases) == 1 and isinstance(node.bases[0], ast.Name) else ""
        )
        if base not in BASES or node.keywords or node.decorator_list:
            raise self._problems.refuse(
                node,
                "a class is a Contract, a Record, an Event or an Interface",
                "one base, no decorators",
            )
        self._claim(node, node.name)
        if base == "Contract":
            self._read_contract(node)
        elif base == "Interface":
            self._read_interface(node)
        else:
            self._read_fields(node, base)

    def _read_fields(self, node: ast.ClassDef, base: str) -> None:
        fields: Parameters = []
        for statement in node.body:
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name), value=None):
                    kind = self._annotations.read(statement.annotation, statement)
                    self._add_field(statement, fields, name, kind)
                case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                    pass
                case _:
                    hint = "write `name: type`; functions stand in the module"
                    raise self._problems.refuse(statement, f"a {base} holds fields only", hint)
        if base == "Event":
            self._program.events[node.name] = Event(node.name, fields)
            return
        if not fields:
            raise self._problems.refuse(node, "a Record needs a field")
        record = Record(node.name)
        record.fields = tuple(name for name, _ in fields)
        record.types = tuple(kind for _, kind in fields)
        self._program.records[node.name] = record

    def _read_interface(self, node: ast.ClassDef) -> None:
        interface = Interface(node.name)
        for statement in node.body:
            match statement:
                case ast.FunctionDef():
                    function = self._read_function(statement, is_method=True)
                    if statement.name in interface.methods:
                        message = f"`{statement.name}` is declared already"
                        raise self._problems.refuse(statement, message)
                    interface.methods[statement.name] = function
                    if not _is_stub(statement):
                        hint = "write `...` as its body"
                        raise self._problems.refuse(
                            statement, "a method of an Interface is empty", hint
                        )
                case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                    pass
                case _:
                    raise self._problems.refuse(statement, "an Interface holds methods only")
        self._program.interfaces[node.name] = interface

    def _read_contract(self, node: ast.ClassDef) -> None:
        program = self._program
        if program.contract is not None:
            raise self._problems.refuse(
                node, "there is one contract in a file", "make another file"
            )
        program.contract, program.name = node, node.name
        for statement in node.body:
            try:
                self._read_member(statement)
            except Refused:
                continue

    def _read_member(self, node: ast.stmt) -> None:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=None):
                self._read_variable(node, name)
            case ast.FunctionDef():
                self._read_method(node)
            case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                pass
            case ast.AnnAssign() | ast.Assign():
                hint = (
                    "declare `name: type` here, set it in __init__; constants stand in the module"
                )
                raise self._problems.refuse(node, "a variable has no value here", hint)
            case _:
                raise self._problems.refuse(node, "a contract holds variables and methods")

    def _read_variable(self, node: ast.AnnAssign, name: str) -> None:
        if name in RESERVED_VARIABLES:
            raise self._problems.refuse(
                node, f"`self.{name}` has a meaning already", "choose another name"
            )
        if name in self._program.variables or name in self._program.methods:
            raise self._problems.refuse(node, f"`{name}` is declared already")
        self._check_name(node, name)
        self._program.variables[name] = self._annotations.read_variable(node.annotation, node)

    def _read_method(self, node: ast.FunctionDef) -> None:
        program = self._program
        function = self._read_function(node, is_method=True)
        taken = node.name in program.methods or node.name in program.variables
        if taken or node.name in RESERVED_VARIABLES:
            raise self._problems.refuse(
                node, f"`{node.name}` is declared already", "choose another name"
            )
        if node.name in RESERVED_METHODS:
            raise self._problems.refuse(node, f"no method can be called `{node.name}`", "rename it")
        self._check_name(node, node.name)
        is_odd = function.is_public or function.is_view or function.returns != NOTHING
        if node.name == "__init__" and is_odd:
            message = "__init__ runs when the contract is deployed, and returns nothing"
            raise self._problems.refuse(node, message, "only @payable stands with it")
        program.methods[node.name] = function

    def _read_function(self, node: ast.FunctionDef, *, is_method: bool) -> Function:
        function = Function(node.name, node, [], is_method=is_method)
        for decorator in node.decorator_list:
            self._read_decorator(function, decorator)
        if function.is_payable and function.is_view:
            raise self._problems.refuse(node, "a view takes no value", "leave @payable out")
        if function.is_payable and not function.is_exported:
            raise self._problems.refuse(node, "only public methods are payable", "add @public")
        arguments = node.args
        odd = arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs
        if odd or arguments.defaults:
            raise self._problems.refuse(
                node, "parameters are plain: no defaults, *, / or **", "pass every argument"
            )
        names = arguments.args
        if is_method:
            if not names or names[0].arg != "self":
                raise self._problems.refuse(node, "the first parameter of a method is self")
            names = names[1:]
        for name in names:
            kind = self._annotations.read(name.annotation, name)
            self._add_field(name, function.parameters, name.arg, kind)
        function.returns = self._annotations.read_result(node.returns)
        return function

    def _read_decorator(self, function: Function, node: ast.expr) -> None:
        name = node.id if isinstance(node, ast.Name) else ""
        if name not in DECORATORS or not function.is_method:
            hint = "@public, @view and @payable, on methods"
            raise self._problems.refuse(node, "unknown decorator", hint)
        setattr(function, f"is_{name}", True)


def _is_stub(node: ast.FunctionDef) -> bool:
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return all(
        isinstance(s, ast.Pass) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in body
    )
