"""What a build refuses: every problem with its place, a caret line and what to write instead."""

import ast
from typing import NamedTuple

from quorate.core.errors import InvalidInput


class Problem(NamedTuple):
    """One place that is no contract; line and column count from 1, the end is exclusive."""

    line: int
    column: int
    end_column: int
    message: str
    hint: str

    def render(self, path: str, text: str) -> str:
        """Return the problem as people read it, with the source line and carets under it."""
        carets = "^" * max(1, min(self.end_column, len(text) + 1) - self.column)
        lines = [f"{path}:{self.line}:{self.column}: {self.message}", f"    {text}"]
        lines.append(" " * (3 + self.column) + carets)
        return "\n".join([*lines, f"    {self.hint}"] if self.hint else lines)


class InvalidContract(InvalidInput):
    """Source code is outside the language (docs/contract-language.md); `problems` says where."""

    reason = "INVALID_CONTRACT"

    def __init__(self, path: str, source: str, problems: list[Problem]) -> None:
        self.path, self.problems = path, sorted(set(problems))
        lines = source.splitlines()
        texts = [
            problem.render(path, lines[problem.line - 1] if problem.line <= len(lines) else "")
            for problem in self.problems
        ]
        super().__init__("\n".join(texts), path=path, line=self.problems[0].line)

    def render(self) -> str:
        """Return all problems as people read them."""
        return self.message


def refuse_depth(path: str, source: str) -> InvalidContract:
    """Return what is raised for a file that nests deeper than Python's own stack."""
    problem = Problem(1, 1, 2, "too deeply nested", "put parts into variables or functions")
    return InvalidContract(path, source, [problem])


class Refused(Exception):
    """Ends the checking of one statement or declaration; its problem is noted already."""


class Problems:
    """Collects what is wrong with one file."""

    def __init__(self, source: str) -> None:
        self._lines = source.splitlines()
        self.found: list[Problem] = []

    def note(self, node: ast.AST, message: str, hint: str = "") -> None:
        """Note a problem at a node and go on."""
        line: int = getattr(node, "lineno", 1)
        end: int = getattr(node, "end_col_offset", 0) or 0
        if getattr(node, "end_lineno", line) != line:
            end = 1 << 16
        start = self._count_columns(line, getattr(node, "col_offset", 0))
        self.found.append(
            Problem(line, start + 1, self._count_columns(line, end) + 1, message, hint)
        )

    def refuse(self, node: ast.AST, message: str, hint: str = "") -> Refused:
        """Note a problem; return what to raise to give up what it stands in."""
        self.note(node, message, hint)
        return Refused()

    def _count_columns(self, line: int, offset: int) -> int:
        """Turn an offset in UTF-8 bytes into characters."""
        if line > len(self._lines):
            return 0
        return len(self._lines[line - 1].encode()[:offset].decode(errors="ignore"))
