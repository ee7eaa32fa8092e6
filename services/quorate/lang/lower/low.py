"""Low Python: how the runtime (runtime/*.low) is written.

Python's syntax with two types, i32 and i64, that wrap and are unsigned; loads and stores; globals
in capitals; and several results. One line here is a few instructions, so what a contract costs can
be read off. A text becomes two arguments, its address and its size.
"""

import ast
from collections.abc import Iterable
from typing import Any, Final

from quorate.lang.lower.imports import IMPORTS
from quorate.lang.wasm.code import I32, I64, Code, Function

GLOBALS: Final = ("HEAP", "OUT", "CURSOR", "LIMIT", "WHAT", "LINE", "CALLER", "ORIGIN", "SELF")

Kinds = tuple[str, ...]
Signatures = dict[str, tuple[Kinds, Kinds]]

_INTRINSICS: Final[dict[str, tuple[Code, Kinds, Kinds]]] = {
    "load8": ([("i32.load8_u",)], (I32,), (I32,)),
    "load32": ([("i32.load",)], (I32,), (I32,)),
    "load64": ([("i64.load",)], (I32,), (I64,)),
    "store8": ([("i32.store8",)], (I32, I32), ()),
    "store32": ([("i32.store",)], (I32, I32), ()),
    "store64": ([("i64.store",)], (I32, I64), ()),
    "wide": ([("i64.extend_i32_u",)], (I32,), (I64,)),
    "narrow": ([("i32.wrap_i64",)], (I64,), (I32,)),
    "copy": ([("memory.copy",)], (I32, I32, I32), ()),
    "fill": ([("memory.fill",)], (I32, I32, I32), ()),
    "memory_size": ([("memory.size",)], (), (I32,)),
    "memory_grow": ([("memory.grow",)], (I32,), (I32,)),
    "unreachable": ([("unreachable",)], (), ()),
    "clz": ([("i64.clz",)], (I64,), (I64,)),
    "shift_right_signed": ([("i64.shr_s",)], (I64, I64), (I64,)),
    "divide_signed": ([("i64.div_s",)], (I64, I64), (I64,)),
    "remain_signed": ([("i64.rem_s",)], (I64, I64), (I64,)),
    "less_signed": ([("i64.lt_s",)], (I64, I64), (I32,)),
    "wide_add": ([("i64.add128",)], (I64,) * 4, (I64, I64)),
    "wide_sub": ([("i64.sub128",)], (I64,) * 4, (I64, I64)),
    "wide_mul": ([("i64.mul_wide_u",)], (I64, I64), (I64, I64)),
    "wide_mul_signed": ([("i64.mul_wide_s",)], (I64, I64), (I64, I64)),
}

_OPERATORS: Final[dict[type[ast.operator], str]] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.FloorDiv: "div_u",
    ast.Mod: "rem_u",
    ast.BitAnd: "and",
    ast.BitOr: "or",
    ast.BitXor: "xor",
    ast.LShift: "shl",
    ast.RShift: "shr_u",
}

_COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt_u",
    ast.LtE: "le_u",
    ast.Gt: "gt_u",
    ast.GtE: "ge_u",
}


def translate(sources: Iterable[str]) -> dict[str, Function]:
    """Return the functions of some files, which may call each other."""
    nodes = [node for source in sources for node in ast.parse(source).body]
    signatures: Signatures = dict(IMPORTS)
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    for node in functions:
        kinds = tuple(_read_kind(argument.annotation) for argument in node.args.args)
        signatures[node.name] = (kinds, _read_results(node.returns))
    return {node.name: _Translator(signatures, node).run() for node in functions}


def _read_kind(node: ast.expr | None) -> str:
    assert isinstance(node, ast.Name) and node.id in (I32, I64)
    return node.id


def _read_results(node: ast.expr | None) -> Kinds:
    if node is None:
        return ()
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return tuple(_read_kind(part) for part in parts)


class _Translator:
    """Of one function."""

    def __init__(self, signatures: Signatures, node: ast.FunctionDef) -> None:
        self._signatures, self._node = signatures, node
        parameters, results = signatures[node.name]
        names = tuple(argument.arg for argument in node.args.args)
        self._locals = dict(zip(names, parameters, strict=True))
        self._function = Function(node.name, names, results, self._locals)
        self._code = self._function.code
        self._loops: list[int] = []
        self._labels = 0

    def run(self) -> Function:
        """Translate."""
        self._write_all(self._node.body)
        if self._function.results:
            self._code.append(("unreachable",))
        return self._function

    def _write_all(self, nodes: list[ast.stmt]) -> None:
        for node in nodes:
            self._write(node)

    def _write(self, node: ast.stmt) -> None:
        code = self._code
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
                kinds = self._read_all(value)
                for target, kind in reversed(list(zip(targets, kinds, strict=True))):
                    self._set(target, kind)
            case ast.Assign(targets=[target], value=value):
                self._set(target, self._read(value, self._find(target)))
            case ast.AnnAssign(target=target, annotation=annotation, value=ast.expr() as value):
                self._set(target, self._read(value, _read_kind(annotation)))
            case ast.AugAssign(target=ast.Name(id=name) as target, op=operator, value=value):
                kind = self._read(ast.Name(name, ast.Load()), None)
                self._read(value, kind)
                code.append((f"{kind}.{_OPERATORS[type(operator)]}",))
                self._set(target, kind)
            case ast.Return(value=value):
                for part, kind in self._split(value):
                    self._read(part, kind)
                code.append(("return",))
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass
            case ast.Expr(value=value):
                code.extend([("drop",)] * len(self._read_all(value)))
            case ast.If():
                self._write_if(node)
            case ast.While():
                self._write_while(node)
            case ast.Break():
                code.append(("br", f"end{self._loops[-1]}"))
            case _:
                raise AssertionError(ast.dump(node))

    def _split(self, value: ast.expr | None) -> list[tuple[ast.expr, str]]:
        if value is None:
            return []
        parts = value.elts if isinstance(value, ast.Tuple) else [value]
        return list(zip(parts, self._function.results, strict=True))

    def _write_if(self, node: ast.If) -> None:
        self._labels += 1
        self._read(node.test, I32)
        self._code.append(("if", f"if{self._labels}", ()))
        self._write_all(node.body)
        if node.orelse:
            self._code.append(("else",))
            self._write_all(node.orelse)
        self._code.append(("end",))

    def _write_while(self, node: ast.While) -> None:
        self._labels += 1
        number = self._labels
        self._loops.append(number)
        self._code += [("block", f"end{number}", ()), ("loop", f"loop{number}", ())]
        if not isinstance(node.test, ast.Constant):
            self._read(node.test, I32)
            self._code += [("i32.eqz",), ("br_if", f"end{number}")]
        self._write_all(node.body)
        self._code += [("br", f"loop{number}"), ("end",), ("end",)]
        self._loops.pop()

    def _find(self, target: ast.expr) -> str | None:
        assert isinstance(target, ast.Name)
        return I32 if target.id in GLOBALS else self._locals.get(target.id)

    def _set(self, target: ast.expr, kind: str) -> None:
        assert isinstance(target, ast.Name) and self._find(target) in (None, kind), ast.dump(target)
        if target.id in GLOBALS:
            self._code.append(("global.set", target.id))
        else:
            self._locals.setdefault(target.id, kind)
            self._code.append(("local.set", target.id))

    def _read(self, node: ast.expr, wanted: str | None) -> str:
        """Write code that leaves one value; return its type."""
        match node:
            case ast.Constant(value=int() as value):
                kind = wanted or I32
                self._code.append((f"{kind}.const", value))
            case ast.Name(id=name):
                kind = self._find(node) or ""
                opcode = "global.get" if name in GLOBALS else "local.get"
                self._code.append((opcode, name))
            case ast.BinOp(left=left, op=operator, right=right):
                kind = self._read_pair(left, right, wanted)
                self._code.append((f"{kind}.{_OPERATORS[type(operator)]}",))
            case ast.Compare(left=left, ops=[compare], comparators=[right]):
                sides = self._read_pair(left, right, None)
                self._code.append((f"{sides}.{_COMPARISONS[type(compare)]}",))
                kind = I32
            case ast.BoolOp(op=logic, values=values):
                kind = self._read_logic(isinstance(logic, ast.And), values)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self._read(operand, I32)
                self._code.append(("i32.eqz",))
                kind = I32
            case _:
                (kind,) = self._read_all(node)
        assert wanted in (None, kind), f"{self._node.name}: {ast.unparse(node)} is {kind}"
        return kind

    def _read_pair(self, left: ast.expr, right: ast.expr, wanted: str | None) -> str:
        if isinstance(left, ast.Constant):
            wanted = wanted or self._measure(right)
        kind = self._read(left, wanted)
        self._read(right, kind)
        return kind

    def _measure(self, node: ast.expr) -> str:
        """Return the type of an expression, and forget what it writes."""
        kept = len(self._code)
        kind = self._read(node, None)
        del self._code[kept:]
        return kind

    def _read_logic(self, is_and: bool, values: list[ast.expr]) -> str:
        self._read(values[0], I32)
        for value in values[1:]:
            self._labels += 1
            self._code.append(("if", f"if{self._labels}", (I32,)))
            if is_and:
                self._read(value, I32)
                self._code += [("else",), ("i32.const", 0), ("end",)]
            else:
                self._code += [("i32.const", 1), ("else",)]
                self._read(value, I32)
                self._code.append(("end",))
        return I32

    def _read_all(self, node: ast.expr) -> Kinds:
        """Write a call; return the types of its results."""
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name), ast.dump(node)
        name = node.func.id
        code, parameters, results = _INTRINSICS.get(name) or (
            [("call", name)],
            *self._signatures[name],
        )
        kinds = iter(parameters)
        for argument in node.args:
            self._read_argument(argument, kinds)
        assert not list(kinds), f"{self._node.name}: {ast.unparse(node)}"
        self._code.extend(code)
        return results

    def _read_argument(self, node: ast.expr, kinds: Any) -> None:
        kind = next(kinds)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            data = node.value.encode()
            self._code += [("data", data), ("i32.const", len(data))]
            next(kinds)
        else:
            self._read(node, kind)
