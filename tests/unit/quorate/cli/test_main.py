"""The command line as a process: exit codes, one error envelope, stdout for data only."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from quorate.cli.main import app
from quorate.kit import faults


def run_quorate(
    *arguments: str, cwd: Path, stdin: str = "", **environment: str
) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUORATE_")}
    return subprocess.run(
        [sys.executable, "-m", "quorate.cli.main", *arguments],
        cwd=cwd,
        input=stdin,
        env={**kept, "HOME": str(cwd), **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def read_error(done: "subprocess.CompletedProcess[str]") -> dict[str, object]:
    document = json.loads(done.stdout)
    assert set(document) == {"error"}
    assert set(document["error"]) == {"reason", "message", "fields"}
    return dict(document["error"])


@pytest.mark.parametrize(
    "command",
    [
        [], ["tx", "send"], ["tx", "status"], ["tx", "watch"], ["keys", "new"], ["keys", "show"],
        ["keys", "import"], ["keys", "recover"], ["keys", "candidate"],
        *[["genesis", name] for name in (
            "init", "add-account", "add-candidate", "assemble", "check", "hash", "fork", "adopt"
        )],
        ["account"], ["block"], ["seats"], ["audit"],
        ["status"], ["receipt", "get"], ["receipt", "verify"], ["serve"], ["faucet"], ["load"],
        ["devnet", "run"], ["devnet", "up"],
        ["devnet", "down"], ["devnet", "status"], ["devnet", "kill"], ["devnet", "pause"],
        ["token", "create"], ["token", "mint"], ["token", "burn"], ["token", "send"],
        ["token", "policy"], ["token", "show"], ["token", "list"], ["lock", "create"],
        ["lock", "claim"], ["lock", "refund"], ["lock", "show"], ["gov", "propose"],
        ["gov", "vote"], ["gov", "list"],
        ["devnet", "resume"], ["devnet", "wipe"], ["devnet", "scale"], ["devnet", "handover"],
    ],
)  # fmt: skip
def test_help_of_every_command_starts_with_an_example(command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "100"})
    assert done.exit_code == 0
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    assert lines[1].startswith(" ".join(["quorate", *command]).strip())


def test_help_names_the_exit_codes(tmp_path: Path) -> None:
    help_text = run_quorate("--help", cwd=tmp_path, COLUMNS="200").stdout
    codes = (faults.EXIT_USAGE, faults.EXIT_NOT_FOUND, faults.EXIT_PRECONDITION)
    for code in (*codes, faults.EXIT_UNREACHABLE, faults.EXIT_TIMEOUT):
        assert f"{code} " in help_text.partition("Exit codes")[2]


@pytest.mark.parametrize(
    ("arguments", "reason", "code"),
    [
        (["status"], "NO_ENDPOINT", faults.EXIT_NOT_FOUND),
        (["status", "-e", "127.0.0.1:1"], "NO_GATEWAY", faults.EXIT_UNREACHABLE),
        (["account", "qr1nonsense"], "MALFORMED_ADDRESS", faults.EXIT_USAGE),
        (["account", "nobody"], "NO_KEY", faults.EXIT_NOT_FOUND),
        (["block", "x", "-e", "127.0.0.1:1"], "MALFORMED_BLOCK", faults.EXIT_USAGE),
        (["tx", "status", "12"], "MALFORMED_ID", faults.EXIT_USAGE),
        (["devnet", "status"], "NO_DEVNET", faults.EXIT_NOT_FOUND),
        (["devnet", "scale", "7"], "NO_DEVNET", faults.EXIT_NOT_FOUND),
        (["devnet", "handover", "2"], "NO_DEVNET", faults.EXIT_NOT_FOUND),
        (["status", "--colour"], "USAGE", faults.EXIT_USAGE),
        (["teleport"], "USAGE", faults.EXIT_USAGE),
    ],
)
def test_failure_is_one_json_document_with_its_exit_code(
    arguments: list[str], reason: str, code: int, tmp_path: Path
) -> None:
    done = run_quorate(*arguments, "--json", cwd=tmp_path)
    assert read_error(done)["reason"] == reason
    assert done.returncode == code


def test_failure_for_people_goes_to_stderr_and_names_the_next_step(tmp_path: Path) -> None:
    done = run_quorate("status", cwd=tmp_path)
    assert done.stdout == ""
    assert "quorate devnet up" in done.stderr
    assert "\x1b" not in done.stderr


def test_key_is_made_shown_and_recovered_from_its_phrase(tmp_path: Path) -> None:
    made = json.loads(
        run_quorate("keys", "new", "alice", "--json", cwd=tmp_path, QUORATE_PASSWORD="x").stdout
    )
    shown = run_quorate("keys", "show", "alice", cwd=tmp_path)
    assert shown.stdout.strip() == made["address"]
    again = run_quorate(
        *("keys", "recover", "alice2", "--json"),
        cwd=tmp_path,
        stdin=made["phrase"],
        QUORATE_PASSWORD="y",
    )
    assert json.loads(again.stdout)["address"] == made["address"]
    assert Path(made["path"]).stat().st_mode & 0o077 == 0
    assert made["phrase"].split()[0] not in Path(made["path"]).read_text().split()


def test_key_is_imported_from_a_seed_and_bad_seeds_are_refused(tmp_path: Path) -> None:
    arguments = ("keys", "import", "bob", "--json")
    bad = run_quorate(*arguments, cwd=tmp_path, stdin="zz", QUORATE_PASSWORD="x")
    assert bad.returncode == faults.EXIT_USAGE
    good = run_quorate(*arguments, cwd=tmp_path, stdin="01" * 32, QUORATE_PASSWORD="x")
    assert json.loads(good.stdout)["address"].startswith("qr1")


def test_key_name_is_never_taken_twice(tmp_path: Path) -> None:
    run_quorate("keys", "new", "alice", cwd=tmp_path, QUORATE_PASSWORD="x")
    again = run_quorate("keys", "new", "alice", "--json", cwd=tmp_path, QUORATE_PASSWORD="x")
    assert read_error(again)["reason"] == "KEY_EXISTS"
    assert again.returncode == faults.EXIT_PRECONDITION


def test_no_password_without_a_terminal_names_the_next_step(tmp_path: Path) -> None:
    done = run_quorate("keys", "new", "alice", "--json", cwd=tmp_path)
    assert read_error(done)["reason"] == "NO_PASSWORD"
    assert "QUORATE_PASSWORD" in str(read_error(done)["message"])


@pytest.mark.parametrize("role", ["all", "gossip", "consensus", "storage", "gateway"])
def test_serving_without_a_config_is_refused(role: str, tmp_path: Path) -> None:
    done = run_quorate("serve", role, "--config", "node.toml", cwd=tmp_path)
    assert "[NO_CONFIG]" in done.stderr
    assert done.returncode == faults.EXIT_PRECONDITION


def test_serving_with_a_wrong_config_names_the_field(tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text('name = "a"\nhome = "."\nsockets_dir = "."\nhat = 1\n')
    done = run_quorate("serve", "all", "--config", "node.toml", cwd=tmp_path)
    assert "[BAD_CONFIG]" in done.stderr
    assert "hat" in done.stderr
    assert done.returncode == faults.EXIT_PRECONDITION


def test_serving_an_unknown_role_names_those_there_are(tmp_path: Path) -> None:
    done = run_quorate("serve", "cook", "--config", "node.toml", cwd=tmp_path)
    assert "consensus" in done.stderr
    assert done.returncode == faults.EXIT_USAGE
