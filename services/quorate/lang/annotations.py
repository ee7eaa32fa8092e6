"""From annotations to types."""

import ast

from quorate.lang.errors import Problems
from quorate.lang.program import Program
from quorate.lang.types import (
    ADDRESS,
    BOOL,
    BYTES,
    INTS,
    NOTHING,
    SIMPLE,
    STR,
    List,
    Map,
    Tuple,
    Type,
)

_INSTEAD = {
    "int": "say how wide: u8, u32, u64, u128 or i64",
    "float": "count in the smallest unit, as u64 or u128",
    "list": "write List[…]",
    "dict": "write Map[…, …]",
    "set": "write Map[…, bool]",
    "Dict": "write Map[…, …]",
    "Tuple": "write tuple[…]",
    "Optional": "the zero of a type stands for nothing",
    "bytearray": "write bytes",
    "object": "name the type",
    "Any": "name the type",
}


class Annotations:
    """Reads annotations of one file."""

    def __init__(self, program: Program, problems: Problems) -> None:
        self._program, self._problems = program, problems

    def read(self, node: ast.expr | None, where: ast.AST) -> Type:
        """Return the type of a value; a Map is none."""
        kind = self._read(node, where)
        if isinstance(kind, Map):
            raise self._problems.refuse(
                node or where,
                "a Map is in storage and can't be passed around",
                "only variables of the contract are Maps; pass the keys, or a List",
            )
        return kind

    def read_result(self, node: ast.expr | None) -> Type:
        """Return a function's result; nothing if there is no annotation, or None."""
        if node is None or (isinstance(node, ast.Constant) and node.value is None):
            return NOTHING
        return self.read(node, node)

    def read_variable(self, node: ast.expr, where: ast.AST) -> Type:
        """Return the type of a variable of the contract, a Map too."""
        return self._read(node, where)

    def _read(self, node: ast.expr | None, where: ast.AST) -> Type:
        if node is None:
            raise self._problems.refuse(where, "its type is missing", "write it as `name: u64`")
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self._read_text(node, node.value)
        if isinstance(node, ast.Name):
            return self._read_name(node)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            return self._read_generic(node, node.value.id)
        raise self._problems.refuse(node, "this is no type", "see docs/contract-language.md#types")

    def _read_text(self, node: ast.Constant, text: str) -> Type:
        try:
            inner = ast.parse(text, mode="eval").body
        except SyntaxError as error:
            raise self._problems.refuse(node, "this is no type") from error
        for part in ast.walk(inner):
            ast.copy_location(part, node)
        return self._read(inner, node)

    def _read_name(self, node: ast.Name) -> Type:
        found = SIMPLE.get(node.id) or self._program.records.get(node.id)
        if found is not None:
            return found
        if node.id in self._program.interfaces:
            hint = "keep the address: `token: Address`, and call `Token(self.token).transfer(…)`"
            raise self._problems.refuse(node, "an interface is no type of values", hint)
        hint = _INSTEAD.get(node.id, "")
        if node.id in ("List", "Map", "tuple"):
            hint = f"say of what: {node.id}[u64{', u64' if node.id == 'Map' else ''}]"
        raise self._problems.refuse(node, f"unknown type `{node.id}`", hint)

    def _read_generic(self, node: ast.Subscript, name: str) -> Type:
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name == "List" and len(inner) == 1:
            return List(self.read(inner[0], node))
        if name == "tuple" and inner:
            return Tuple([self.read(part, node) for part in inner])
        if name == "Map" and len(inner) == 2:
            return self._read_map(node, inner)
        hint = _INSTEAD.get(name, "generic types are List[T], Map[K, V] and tuple[A, B]")
        raise self._problems.refuse(node, f"unknown type `{name}[…]`", hint)

    def _read_map(self, node: ast.Subscript, inner: list[ast.expr]) -> Type:
        key, value = self.read(inner[0], node), self._read(inner[1], node)
        if not is_key(key):
            raise self._problems.refuse(
                inner[0],
                f"{key.name} can't be a key",
                "keys are integers, bool, bytes, str, Address and tuples of them",
            )
        if isinstance(value, Map) and isinstance(value.value, Map):
            raise self._problems.refuse(
                inner[1], "a Map nests once", "use a tuple as key: Map[tuple[A, B], Map[C, V]]"
            )
        return Map(key, value)


def is_key(kind: Type) -> bool:
    """Say whether a map can be keyed by a type."""
    if isinstance(kind, Tuple):
        return all(is_key(part) for part in kind.types)
    return kind.name in INTS or kind in (BOOL, BYTES, STR, ADDRESS)
