"""What imports cannot show about core/: no floats, no hash(), no set order, no I/O built-ins.

Imports are checked by import-linter (pyproject.toml). State and digests must come out the same on
every machine and under every PYTHONHASHSEED; ints only, since floats round differently.
"""

import ast

import pytest

from tests.style.sources import list_python, parse

BANNED_CALLS = {"hash", "float", "open", "print", "input", "eval", "exec", "id", "breakpoint"}
SET_MAKERS = {"set", "frozenset"}


def find_impure(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        where = f"line {getattr(node, 'lineno', '?')}"
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            found.append(f"{where}: {node.value!r} is no integer")
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            found.append(f"{where}: / makes floats; use //")
        if isinstance(node, ast.Call) and get_name(node.func) in BANNED_CALLS:
            found.append(f"{where}: {get_name(node.func)}()")
        found += [f"{where}: iterates over a set" for each in list_iterated(node) if is_set(each)]
        if isinstance(node, ast.Global | ast.Nonlocal):
            found.append(f"{where}: state outside of objects")
    return found


def get_name(node: ast.expr) -> str:
    """Return the plain name an expression is, or nothing."""
    return node.id if isinstance(node, ast.Name) else ""


def list_iterated(node: ast.AST) -> list[ast.expr]:
    """Return the expressions whose order a node depends on."""
    if isinstance(node, ast.For):
        return [node.iter]
    if isinstance(node, ast.ListComp | ast.DictComp):
        return [each.iter for each in node.generators]
    if isinstance(node, ast.Starred):
        return [node.value]
    if isinstance(node, ast.Call):
        name = get_name(node.func)
        joins = isinstance(node.func, ast.Attribute) and node.func.attr == "join"
        if joins or name in ("tuple", "list", "enumerate", "zip", "iter", "next", "map", "dict"):
            return list(node.args)
    return []


def is_set(node: ast.expr) -> bool:
    """Tell whether an expression is plainly a set: a literal, a comprehension, a call of set()."""
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub):
        return is_set(node.left) or is_set(node.right)
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in SET_MAKERS
    )


@pytest.mark.parametrize("name", list_python("services/quorate/core/"))
def test_core_file_is_deterministic(name: str) -> None:
    assert find_impure(parse(name)) == []


@pytest.mark.parametrize(
    "code",
    [
        "x = 1 / 2", "x = 0.5", "hash(b'')", "open('f')", "float(3)", "for x in {1, 2}: pass",
        "x = [y for y in set(z)]", "b''.join({b'a'})", "x = tuple(set(a) | set(b))",
        "x = [*{1, 2}]",
    ],
)  # fmt: skip
def test_walk_finds(code: str) -> None:
    assert find_impure(ast.parse(code))


@pytest.mark.parametrize(
    "code", ["x = 1 // 2", "x = sorted(set(z))", "x = {y for y in z}", "x = 3 in {1, 2}"]
)
def test_walk_lets_pass(code: str) -> None:
    assert find_impure(ast.parse(code)) == []
