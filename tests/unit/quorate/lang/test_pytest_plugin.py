"""The plugin for authors: `chain` in any folder, and on which machines."""

import pytest

pytest_plugins = ["pytester"]

CONTRACT = """
from quorate.lang import Contract, public, u64


class Box(Contract):
    count: u64

    @public
    def add(self, more: u64) -> None:
        self.count += more
"""
TEST = """
def test_adds(chain):
    ann = chain.account("ann")
    box = chain.deploy("box.py", caller=ann)
    box.add(2, caller=ann)
    assert box.count == 2
"""


@pytest.fixture
def author(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(**{"box": CONTRACT, "tests/test_box": TEST})
    return pytester


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], ["test_adds[[]shim]"]),
        (["--contracts=compiled"], ["test_adds[[]compiled]"]),
        (["--contracts=both"], ["test_adds[[]shim]", "test_adds[[]compiled]"]),
    ],
)
def test_option_chooses_machines(
    author: pytest.Pytester, options: list[str], names: list[str]
) -> None:
    result = author.runpytest_subprocess("-v", *options)
    result.assert_outcomes(passed=len(names))
    result.stdout.fnmatch_lines([f"*{name}*PASSED*" for name in names])


def test_setting_chooses_machines(author: pytest.Pytester) -> None:
    author.makeini("[pytest]\ncontracts = both\n")
    author.runpytest_subprocess().assert_outcomes(passed=2)


def test_tests_without_contracts_are_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_plain(): pass")
    pytester.runpytest_subprocess("--contracts=both").assert_outcomes(passed=1)
