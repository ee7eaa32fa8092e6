"""House style that no other tool checks: budgets, as a ratchet, and the shape of the tree.

`ratchet.json` lists what is over a budget and by how much. It only shrinks: what is new in excess,
has grown or is listed without need fails. ruff checks docstrings, names and imports.
"""

import ast
import json
import re
from collections.abc import Iterator

import pytest

from tests.style.sources import ROOT, list_files, list_python, list_text, parse, read

LINES_MAX = 400
FUNCTION_LINES_MAX = 50
PARAMETERS_MAX = 5
COLUMNS_MAX = 100

Function = ast.FunctionDef | ast.AsyncFunctionDef
RATCHET: dict[str, int] = json.loads((ROOT / "tests/style/ratchet.json").read_text())
# Put together so that this file does not hold what it forbids.
MARKS = [first + second for first, second in (("TO", "DO"), ("FIX", "ME"), ("XX", "X"))]
UNFINISHED = re.compile(rf"\b(?:{'|'.join(MARKS)})\b")


def walk_functions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            name = f"{prefix}{child.name}"
            if isinstance(child, Function):
                yield name, child
            yield from walk_functions(child, f"{name}.")


def count_parameters(function: Function) -> int:
    """Count what a caller may pass by position; self and keyword-only ones are free."""
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def measure(name: str) -> dict[str, tuple[int, int]]:
    """Return (value, budget) of everything in a file that has a budget."""
    found = {name: (read(name).count("\n"), LINES_MAX)}
    for path, function in walk_functions(parse(name)):
        assert function.end_lineno is not None
        lines = function.end_lineno - function.lineno + 1
        found[f"{name}::{path} lines"] = (lines, FUNCTION_LINES_MAX)
        found[f"{name}::{path} parameters"] = (count_parameters(function), PARAMETERS_MAX)
    return found


@pytest.mark.parametrize("name", list_python())
def test_file_is_within_its_budgets(name: str) -> None:
    over = {
        what: value
        for what, (value, budget) in measure(name).items()
        if value > RATCHET.get(what, budget)
    }
    assert not over, "split it up; budgets: 400 lines a file, 50 a function, 5 parameters"


def test_ratchet_holds_nothing_that_is_not_needed() -> None:
    measured = {what: pair for name in list_python() for what, pair in measure(name).items()}
    loose = {
        what: allowed
        for what, allowed in RATCHET.items()
        if what not in measured
        or measured[what][0] <= measured[what][1]
        or measured[what][0] < allowed
    }
    assert not loose, "well done: take these out of tests/style/ratchet.json or lower them"


@pytest.mark.parametrize("name", list_text())
def test_text_is_finished_and_clean(name: str) -> None:
    long_lines = name.endswith((".py", ".proto", ".toml", ".sh")) or name in ("Makefile", ".ci/run")
    problems = []
    for number, line in enumerate(read(name).splitlines(), 1):
        if UNFINISHED.search(line):
            problems.append(f"{number}: unfinished; make an issue instead")
        if line != line.rstrip() and name != "LICENSE" and not name.endswith(".md"):
            problems.append(f"{number}: trailing space")
        if long_lines and len(line) > COLUMNS_MAX and not name.startswith("services/quorate/api/"):
            problems.append(f"{number}: {len(line)} columns, at most {COLUMNS_MAX}")
    assert not problems
    assert read(name) == "" or read(name).endswith("\n"), "no newline at the end"


def test_source_roots_are_no_packages() -> None:
    """A package named `operator` would break Python itself; see docs/architecture.md."""
    roots = ("services", "operator")
    wrong = [f"{root}/{file}" for root in roots for file in ("__init__.py", "conftest.py")]
    assert [name for name in wrong if (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", list_python("services/"))
def test_module_says_what_it_is_for(name: str) -> None:
    assert ast.get_docstring(parse(name)), "a docstring at the head of the file"


@pytest.mark.parametrize("name", [n for n in list_python("tests/unit/") if "/test_" in n])
def test_unit_test_mirrors_a_source(name: str) -> None:
    folder, _, file = name.removeprefix("tests/unit/").rpartition("/test_")
    source = ROOT / "services" / folder / file
    assert source.is_file() or source.with_suffix("").is_dir(), f"there is no {source}"


def test_there_is_one_wiring_file_per_service() -> None:
    services = ("gossip", "consensus", "storage", "gateway")
    missing = [s for s in services if f"services/quorate/{s}/wiring.py" not in list_files()]
    assert missing == []
