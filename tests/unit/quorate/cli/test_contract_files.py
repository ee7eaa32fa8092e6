"""Modules and their interfaces as files: inspected, found wrong, loaded to be deployed."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quorate.cli import contract_building, contract_files
from quorate.cli.contract_building import Artifact
from quorate.cli.main import app
from quorate.core.contracts.payloads import PROFILE_JAVA, PROFILE_PLAIN
from quorate.core.contracts.records import compute_code_hash
from quorate.core.errors import InvalidInput, NotFound

# A memory of one page, exported, and a function `go` that does nothing.
MODULE = bytes.fromhex(
    "0061736d01000000" + "010401600000" + "03020100" + "0503010001"
    + "070f02066d656d6f7279020002676f0000" + "0a040102000b"
)  # fmt: skip
INTERFACE = {
    "abi": 1, "name": "Go", "language": "zig", "records": {}, "variables": [],
    "constructor": {"parameters": [], "payable": False, "doc": ""},
    "methods": [
        {"name": "go", "parameters": [], "returns": "", "view": True, "payable": False, "doc": "G"}
    ],
    "events": [],
}  # fmt: skip


def inspect(path: Path) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["contract", "inspect", str(path), "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    return dict(json.loads(done.stdout))


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "go.wasm"
    path.write_bytes(MODULE)
    return path


def test_a_module_is_described_with_exports_imports_and_hash(module: Path) -> None:
    found = inspect(module)
    assert found["exports"] == ["go"] and found["imports"] == [] and found["refused"] == ""
    assert found["memory_pages"] == 1 and found["functions"] == 1
    assert found["code_hash"] == compute_code_hash(MODULE).hex()
    assert "interface" not in found


def test_an_interface_beside_it_is_part_of_it(module: Path) -> None:
    module.with_suffix(".json").write_text(json.dumps(INTERFACE))
    assert [each["name"] for each in inspect(module)["interface"]["methods"]] == ["init", "go"]
    assert contract_building.load(module).profile == PROFILE_PLAIN
    module.with_suffix(".json").write_text(json.dumps({**INTERFACE, "language": "java"}))
    assert contract_building.load(module).profile == PROFILE_JAVA


def test_a_module_that_would_be_refused_says_why(module: Path) -> None:
    module.write_bytes(MODULE[:-3])
    assert inspect(module)["refused"]


@pytest.mark.parametrize("text", ["{", "[]", '{"abi": 2}', '{"abi": 1, "methods": [1]}'])
def test_an_interface_that_says_nothing_right_hides_nothing_else(module: Path, text: str) -> None:
    found = contract_files._describe(Artifact("go", MODULE, text.encode(), PROFILE_PLAIN))
    assert found["exports"] == ["go"] and "interface" in found["refused"]


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [("none.wasm", NotFound, "NO_FILE"), ("none.py", NotFound, "NO_FILE"),
     ("token.rs", InvalidInput, "NO_CONTRACT_FILE")],
)  # fmt: skip
def test_what_cannot_be_loaded_names_the_next_step(
    tmp_path: Path, name: str, kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind) as caught:
        contract_building.load(tmp_path / name)
    assert getattr(caught.value, "reason", "") == reason


def test_a_file_too_large_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "large.wasm"
    with path.open("wb") as file:
        file.truncate(contract_building.SOURCE_BYTES_MAX + 1)
    with pytest.raises(InvalidInput) as caught:
        contract_building.load(path)
    assert caught.value.reason == "OVERSIZED"
