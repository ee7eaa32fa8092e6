"""Makes a program that fails smaller, one statement, branch or operand after another."""

import ast
import time
from collections.abc import Callable, Iterator

Judge = Callable[[str], bool]


def shrink(source: str, still_fails: Judge, seconds: float) -> str:
    """Return the smallest program found in the time that `still_fails`."""
    until = time.monotonic() + seconds
    source = ast.unparse(ast.parse(source))
    if not still_fails(source):
        return source
    improved = True
    while improved:
        improved = False
        for candidate in list_smaller(source):
            if time.monotonic() > until:
                return source
            if len(candidate) < len(source) and still_fails(candidate):
                source, improved = candidate, True
                break
    return source


def list_smaller(source: str) -> Iterator[str]:
    """Yield programs that lack something, those that lack most first."""
    for change in (_drop_statements, _unwrap, _simplify):
        yield from change(source)


def _iter_bodies(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for name in ("body", "orelse"):
            body = getattr(node, name, None)
            if isinstance(body, list) and body:
                yield body


def _drop_statements(source: str) -> Iterator[str]:
    count = sum(len(body) for body in _iter_bodies(ast.parse(source)))
    for wanted in range(count):
        tree, at = ast.parse(source), 0
        for body in _iter_bodies(tree):
            if at <= wanted < at + len(body):
                del body[wanted - at]
                if not body:
                    body.append(ast.Pass())
                break
            at += len(body)
        yield _write(tree)


def _unwrap(source: str) -> Iterator[str]:
    """Put what is inside an `if` or a loop in its place."""
    places = [
        (which, position)
        for which, body in enumerate(_iter_bodies(ast.parse(source)))
        for position, statement in enumerate(body)
        if isinstance(statement, ast.If | ast.For | ast.While)
    ]
    for which, position in places:
        tree = ast.parse(source)
        body = list(_iter_bodies(tree))[which]
        inner = body[position]
        assert isinstance(inner, ast.If | ast.For | ast.While)
        body[position : position + 1] = inner.body
        yield _write(tree)


class _Replacer(ast.NodeTransformer):
    """Replaces the n-th expression by one of its parts."""

    def __init__(self, wanted: int, part: int) -> None:
        self.wanted, self.part, self.seen, self.done = wanted, part, 0, False

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Visit a node: the wanted one gives way to a part of it."""
        if isinstance(node, ast.expr):
            self.seen += 1
            if self.seen == self.wanted + 1:
                parts = [p for p in ast.iter_child_nodes(node) if isinstance(p, ast.expr)]
                if self.part < len(parts):
                    self.done = True
                    return parts[self.part]
        return super().generic_visit(node)


def _simplify(source: str) -> Iterator[str]:
    count = sum(isinstance(node, ast.expr) for node in ast.walk(ast.parse(source)))
    for wanted in range(count):
        for part in range(3):
            replacer = _Replacer(wanted, part)
            tree = replacer.visit(ast.parse(source))
            if replacer.done:
                yield _write(tree)


def _write(tree: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"
