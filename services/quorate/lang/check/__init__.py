"""From source to a typed tree: everything outside the language is refused here."""

import ast
from typing import NamedTuple

from quorate.lang.declarations import Declarations
from quorate.lang.errors import InvalidContract, Problem, Problems
from quorate.lang.program import Program


class Typed(NamedTuple):
    """A checked program."""

    program: Program


def check(source: str, path: str) -> Typed:
    """Check a file; raises InvalidContract with all that was found."""
    problems = Problems(source)
    try:
        tree = ast.parse(source, path)
    except SyntaxError as error:
        line, column = error.lineno or 1, error.offset or 1
        end = error.end_offset or column + 1
        problem = Problem(line, column, end, error.msg, "this is not Python")
        raise InvalidContract(path, source, [problem]) from error
    program = Program(path, source, tree)
    Declarations(program, problems).read()
    if problems.found:
        raise InvalidContract(path, source, problems.found)
    return Typed(program)
