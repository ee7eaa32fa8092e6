"""Every example builds into a sound module, and answers nonsense the same way on both machines.

What each of them does is proved by its author's tests, in examples/contracts/tests, which run on
both machines as well.
"""

import json
from pathlib import Path

import pytest

from quorate.core.contracts.module import check_module
from quorate.core.contracts.payloads import CODE_BYTES_MAX, PROFILE_PLAIN
from quorate.lang import InvalidContract, load_contract
from quorate.lang.build import build
from quorate.lang.testing.deployed import get_bound

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples/contracts").glob("*.py"))


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def example(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_there_are_examples() -> None:
    names = {path.stem for path in EXAMPLES}
    assert names >= {
        "token", "coin", "multisig", "escrow", "auction", "vote", "registry", "vesting", "oracle",
        "swap",
    }  # fmt: skip


def test_module_is_sound_and_small(example: Path) -> None:
    built = build(example.read_text(), str(example))
    module = check_module(built.code, PROFILE_PLAIN)
    program, _ = get_bound(load_contract(example.read_text(), str(example)))
    exported = {name for name, method in program.methods.items() if method.is_exported}
    assert set(module.methods) == exported - {"__init__"}
    assert module.has_init
    assert len(built.code) < CODE_BYTES_MAX / 3


def test_build_is_the_same_every_time(example: Path) -> None:
    builds = {build(example.read_text(), str(example)) for _ in range(3)}
    assert len(builds) == 1


def test_interface_names_everything(example: Path) -> None:
    interface = json.loads(build(example.read_text(), str(example)).interface)
    program, _ = get_bound(load_contract(example.read_text(), str(example)))
    assert interface["name"] == program.name
    assert [name for name, _ in interface["variables"]] == list(program.variables)
    assert {event["name"] for event in interface["events"]} == set(program.events)
    methods = {method["name"]: method for method in interface["methods"]}
    for name, method in methods.items():
        assert method["view"] == program.methods[name].is_view
        assert method["payable"] == program.methods[name].is_payable
        assert method["doc"], f"{name} says what it does"


def test_example_has_tests(example: Path) -> None:
    assert (example.parent / "tests" / f"test_{example.stem}.py").is_file()


@pytest.mark.parametrize("old", ["assert ", "self.caller", "u64"])
def test_broken_example_is_refused_with_its_place(example: Path, old: str) -> None:
    source = example.read_text()
    broken = source.replace(old, "nothing_of_that_name ", 1)
    if broken == source:
        pytest.skip("it has none")
    with pytest.raises(InvalidContract) as refused:
        build(broken, "broken.py")
    assert refused.value.problems[0].line == source[: source.index(old)].count("\n") + 1
