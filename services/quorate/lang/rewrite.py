"""The tree of a checked file, changed so that plain CPython does what a build does.

Only what CPython does otherwise is wrapped: integers are checked against their type, asserts carry
their line, Lists in storage are changed where they are. The helpers are in checked.py.
"""

import ast
from typing import Any

from quorate.lang.check import Checked
from quorate.lang.check.operators import SYMBOLS

# How helpers are called in the rewritten tree: no file can use these names.
HELPERS = "<helpers>"
LISTS = "<lists>"


def rewrite(checked: Checked) -> ast.Module:
    """Return what CPython shall run."""
    module = _Rewriter(checked).visit(checked.program.tree)
    assert isinstance(module, ast.Module)
    return ast.fix_missing_locations(module)


class _Rewriter(ast.NodeTransformer):
    """Wraps marked nodes; lines stay what they were."""

    def __init__(self, checked: Checked) -> None:
        self._marks = checked.marks

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        """Check the result of arithmetic."""
        mark = self._marks.get(node)
        inner = self.generic_visit(node)
        assert isinstance(inner, ast.BinOp)
        if mark is None:
            return inner
        if mark.kind == "fit":
            return _call("fit", node, inner, mark.types[0].name)
        return _call("count", node, inner.left, inner.right, mark.kind, mark.types[0].name)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        """Check the result of a minus."""
        mark = self._marks.get(node)
        inner = self.generic_visit(node)
        return _call("fit", node, inner, mark.types[0].name) if mark else inner

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """Check the result of `+=` and its kin, which a helper computes."""
        mark = self._marks.get(node)
        inner = self.generic_visit(node)
        assert isinstance(inner, ast.AugAssign)
        if mark is None:
            return inner
        symbol = SYMBOLS[type(node.op)]
        inner.value = _call("operand", node, inner.value, symbol, mark.types[0].name)
        inner.op = ast.copy_location(ast.MatMult(), node)
        return inner

    def visit_Assert(self, node: ast.Assert) -> Any:
        """Revert with the text and the line of the statement."""
        self.generic_visit(node)
        text = node.msg or ast.copy_location(ast.Constant("assertion failed"), node)
        test = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node)
        call = ast.copy_location(ast.Expr(_call("revert", node, text)), node)
        return ast.copy_location(ast.If(test, [call], []), node)

    def visit_Call(self, node: ast.Call) -> Any:
        """Give what needs it the types and the line."""
        mark = self._marks.get(node)
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "revert":
            return _call("revert", node, *node.args)
        if mark is None:
            return node
        if mark.kind == "fit":
            return _call("fit", node, node, mark.types[0].name)
        return _call(mark.kind, node, *node.args, *(kind.name for kind in mark.types))

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        """Reach a stored List itself where it is changed."""
        self.generic_visit(node)
        if node not in self._marks:
            return node
        return _get(node, LISTS, "get_list", ast.copy_location(ast.Constant(node.attr), node))

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        """Reach a stored List in a Map itself where it is changed."""
        mark = self._marks.get(node)
        self.generic_visit(node)
        if mark is None:
            return node
        function = ast.copy_location(ast.Attribute(node.value, "get_list", ast.Load()), node)
        return ast.copy_location(ast.Call(function, [node.slice], []), node)


def _call(name: str, node: ast.AST, *arguments: Any) -> ast.Call:
    """Call a helper with the values and the line."""
    line = getattr(node, "lineno", 0)
    return _get(node, HELPERS, name, *(_constant(a, node) for a in (*arguments, line)))


def _get(node: ast.AST, owner: str, name: str, *arguments: ast.expr) -> ast.Call:
    helpers = ast.copy_location(ast.Name(owner, ast.Load()), node)
    function = ast.copy_location(ast.Attribute(helpers, name, ast.Load()), node)
    return ast.copy_location(ast.Call(function, list(arguments), []), node)


def _constant(value: Any, node: ast.AST) -> ast.expr:
    if isinstance(value, ast.expr):
        return value
    return ast.copy_location(ast.Constant(value), node)
