"""From source to a typed tree: everything outside the language is refused here."""

import ast
from dataclasses import dataclass

from quorate.lang import tree
from quorate.lang.annotations import Annotations
from quorate.lang.check.scope import Mark, Scope
from quorate.lang.check.statements import check_body
from quorate.lang.declarations import OFFERED, Declarations
from quorate.lang.errors import InvalidContract, Problem, Problems, refuse_depth
from quorate.lang.program import Program
from quorate.lang.types import NOTHING


@dataclass(slots=True)
class Checked:
    """A checked file: what it means, and what plain CPython must do otherwise."""

    contract: tree.Contract
    marks: dict[ast.AST, Mark]

    @property
    def program(self) -> Program:
        """What the file declares."""
        return self.contract.program


def check(source: str, path: str) -> Checked:
    """Check a file; raises InvalidContract with all that was found."""
    try:
        return _check(source, path)
    except RecursionError as error:
        raise refuse_depth(path, source) from error


def _check(source: str, path: str) -> Checked:
    problems = Problems(source)
    program = Program(path, source, _parse(source, path))
    Declarations(program, problems).read()
    marks: dict[ast.AST, Mark] = {}
    annotations = Annotations(program, problems)
    scopes, bodies = [], []
    for function in (*program.functions.values(), *program.methods.values()):
        scope = Scope(program, problems, annotations, function, marks)
        scopes.append(scope)
        bodies.append(_check_function(scope))
    if not problems.found:
        _check_imports(program, problems, scopes)
        _check_views(scopes)
    if problems.found:
        raise InvalidContract(path, source, problems.found)
    return Checked(tree.Contract(program, bodies), marks)


def _parse(source: str, path: str) -> ast.Module:
    try:
        return ast.parse(source, path)
    except SyntaxError as error:
        line, column = error.lineno or 1, error.offset or 1
        end = max(column + 1, error.end_offset or 0)
        problem = Problem(line, column, end, error.msg, "this is not Python")
    except ValueError as error:
        problem = Problem(1, 1, 2, str(error), "this is not Python")
    except (RecursionError, MemoryError) as error:
        raise refuse_depth(path, source) from error
    raise InvalidContract(path, source, [problem])


def _check_function(scope: Scope) -> tree.Body:
    function = scope.function
    for name, kind in function.parameters:
        if name in scope.locals:
            scope.problems.note(function.node, f"`{name}` is declared already")
        scope.locals[name] = kind
        scope.assign(name)
    found = len(scope.problems.found)
    statements = check_body(scope, function.node.body)
    is_clean = len(scope.problems.found) == found
    if is_clean and function.returns != NOTHING and scope.assigned is not None:
        hint = "end with return, or with revert(…)"
        scope.problems.note(
            get_head(function.node), f"`{function.name}` may end without a result", hint
        )
    return tree.Body(function, scope.locals, statements)


def _check_imports(program: Program, problems: Problems, scopes: list[Scope]) -> None:
    """Refuse names of the language that CPython would not find."""
    missing = set(OFFERED) - program.imported
    for scope in scopes:
        missing -= scope.locals.keys()
    missing = {name for name in missing if name in program.source}
    for node in ast.walk(program.tree) if missing else ():
        if type(node) is ast.Name and node.id in missing:
            missing.remove(node.id)
            hint = f"from quorate.lang import {node.id}"
            problems.note(node, f"`{node.id}` is not imported", hint)


def get_head(node: ast.FunctionDef) -> ast.AST:
    """Return a node that covers a function's first line."""
    place = ast.Pass(lineno=node.lineno, col_offset=node.col_offset)
    place.end_lineno, place.end_col_offset = node.lineno, node.col_offset + 4 + len(node.name)
    return place


def _check_views(scopes: list[Scope]) -> None:
    """Refuse views that write, themselves or through what they call."""
    writing = {id(scope.function) for scope in scopes if scope.writes}
    grown = True
    while grown:
        found = {
            id(scope.function)
            for scope in scopes
            if any(id(called) in writing for _, called in scope.calls)
        }
        grown = not found <= writing
        writing |= found
    for scope in scopes:
        if scope.function.is_view:
            _check_view(scope, writing)


def _check_view(scope: Scope, writing: set[int]) -> None:
    hint = "make it @public, or leave that to another method"
    for node, what in scope.writes:
        scope.problems.note(node, f"a view only reads, but {what}", hint)
    for node, called in scope.calls:
        if id(called) in writing:
            what = f"{called.name} writes"
            scope.problems.note(node, f"a view only reads, but {what}", hint)
