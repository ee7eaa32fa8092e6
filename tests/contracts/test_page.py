"""The first contract of docs/contracts.md does what the page says, as it stands there."""

import ast
import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs/contracts.md"
pytest_plugins = ["pytester"]


def read_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)


def test_first_contract_passes_its_test_both_ways(pytester: pytest.Pytester) -> None:
    contract, test = read_blocks()[:2]
    pytester.makepyfile(**{"counter": contract, "tests/test_counter": test})
    pytester.runpytest_subprocess("--contracts=both").assert_outcomes(passed=2)


def test_page_names_the_line_that_says_no() -> None:
    contract = read_blocks()[0]
    line = contract.splitlines().index('        assert times <= self.limit, "too many at once"') + 1
    assert f"reverted: too many at once (line {line})" in PAGE.read_text()


def test_the_program_on_the_page_is_whole_and_imports_what_there_is() -> None:
    *_, program = read_blocks()
    tree = ast.parse(program)
    compile(program, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    imported = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert imported
    for node in imported:
        module = importlib.import_module(node.module or "")
        assert all(hasattr(module, alias.name) for alias in node.names)
