"""`quorate genesis` and `quorate keys candidate`: a genesis by several people, files kept safe."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quorate.cli.main import app
from quorate.core.errors import QuorateError
from quorate.core.genesis import parse_genesis
from quorate.core.values import format_address

OWNERS = [format_address(bytes([number + 1]) * 32) for number in range(5)]


@pytest.fixture(autouse=True)
def _in_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: object) -> dict[str, Any]:
    """Run a command with --json in this process; raises its typed error."""
    done = CliRunner().invoke(
        app, [*map(str, words[:2]), "--json", *map(str, words[2:])], standalone_mode=False
    )
    if done.exception is not None:
        raise done.exception
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def refuse(*words: object) -> QuorateError:
    before = snapshot()
    with pytest.raises(QuorateError) as caught:
        run(*words)
    assert snapshot() == before, "what is refused leaves every file as it was"
    return caught.value


def snapshot() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def make_candidate(number: int, *more: object, name: str = "") -> dict[str, Any]:
    name = name or f"v{number}"
    return run(
        "keys", "candidate", "--home", f"home-{name}", "--chain-id", "town", "--name", name,
        "--owner", OWNERS[number], "--stake", "50.5", "-o", f"parts/{name}.json", *more,
    )  # fmt: skip


def make_parts(candidates: int = 4) -> list[str]:
    run("genesis", "init", "--chain-id", "town", "--time-ms", 7, "-o", "parts/head.json")
    for number in range(candidates):
        make_candidate(number)
        run("genesis", "add-account", "parts/head.json", OWNERS[number], "1000.000000001")
    return sorted(str(path) for path in Path("parts").glob("*.json"))


def test_several_people_make_one_genesis() -> None:
    parts = make_parts()
    first = run("genesis", "assemble", *parts, "-o", "one.json")
    second = run("genesis", "assemble", *parts[::-1], "-o", "two.json")
    assert first["hash"] == second["hash"] == run("genesis", "hash", "one.json")["hash"]
    found = run("genesis", "check", "two.json")
    assert found["hash"] == first["hash"]
    assert (found["seats"], found["accounts"], found["time_ms"]) == (4, 4, 7)
    assert found["supply"] == 4 * 1_000_000_000_001 + 4 * 50_500_000_000
    assert found["operators_of_a_third"] == 2
    assert found["warnings"] == []


def test_candidates_may_be_gathered_one_by_one() -> None:
    parts = make_parts()
    expected = run("genesis", "assemble", *parts, "-o", "one.json")["hash"]
    for part in parts[1:]:
        run("genesis", "add-candidate", "parts/head.json", part)
    assert run("genesis", "assemble", "parts/head.json", "-o", "two.json")["hash"] == expected


def test_the_seat_key_stays_where_it_was_made_and_is_made_once() -> None:
    first, again = make_candidate(0), make_candidate(0, "--force")
    assert first == again
    seed = Path("home-v0/consensus/seat.key").read_text().strip()
    assert stat.S_IMODE(os.stat("home-v0/consensus/seat.key").st_mode) == 0o600
    text = Path("parts/v0.json").read_text()
    assert seed not in text
    assert first["public_key"] in text
    assert Path("home-v0/gossip/node.key").exists()


def test_nothing_is_overwritten_unasked() -> None:
    parts = make_parts(1)
    run("genesis", "assemble", *parts)
    assert refuse("genesis", "init", "--chain-id", "x", "-o", parts[0]).reason == "FILE_EXISTS"
    assert refuse("genesis", "assemble", *parts).reason == "FILE_EXISTS"
    with pytest.raises(QuorateError) as caught:
        make_candidate(0)
    assert caught.value.reason == "FILE_EXISTS"
    run("genesis", "assemble", *parts, "--force")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["--chain-id", ""], "chain_id"),
        (["--chain-id", "é" * 33], "chain_id"),
        (["--chain-id", "x", "--time-ms", "-1"], "time_ms"),
        (["--chain-id", "x", "--param", "seats_max=0"], "params.seats_max"),
        (["--chain-id", "x", "--param", "seats_max=-1"], "params.seats_max"),
        (["--chain-id", "x", "--param", "seats_max=1e3"], "params.seats_max"),
        (["--chain-id", "x", "--param", "seats_max=" + "9" * 5_000], "params.seats_max"),
        (["--chain-id", "x", "--param", "seats_max"], "params.seats_max"),
        (["--chain-id", "x", "--param", "seats=4"], "params.seats"),
        (["--chain-id", "x", "--param", "seats_max=4", "--param", "seats_max=5"],
         "params.seats_max"),
    ],
)  # fmt: skip
def test_a_wrong_beginning_is_named_by_its_field(words: list[str], field: str) -> None:
    assert refuse("genesis", "init", *words).fields()["field"] == field


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([OWNERS[0], "1"], "ACCOUNT_EXISTS"),
        ([OWNERS[4], "0"], "INVALID_GENESIS"),
        ([OWNERS[4], "9223372036.854775808"], "INVALID_GENESIS"),
        ([OWNERS[4], "-1"], "MALFORMED_AMOUNT"),
        ([OWNERS[4], "0.0000000001"], "MALFORMED_AMOUNT"),
        ([OWNERS[4], "9" * 5_000], "MALFORMED_AMOUNT"),
        ([OWNERS[4].replace("qr1", "bc1"), "1"], "MALFORMED_ADDRESS"),
        (["qr1w96k7unpw3jjqarjv4shxatj0yqqqqqqqqqqqqqqqqqqqqqqqqqq2f4xam", "1"],
         "INVALID_GENESIS"),
    ],
)  # fmt: skip
def test_a_wrong_account_is_refused(words: list[str], reason: str) -> None:
    make_parts(1)
    assert refuse("genesis", "add-account", "parts/head.json", "--", *words).reason == reason


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["--name", ""], "candidates[0].name"),
        (["--name", "n" * 65], "candidates[0].name"),
        (["--description", "d" * 257], "candidates[0].description"),
        (["--stake", "9223372036.854775808"], "candidates[0].stake"),
        (["--chain-id", ""], "chain_id"),
        (["--owner", "qr1w96k7unpw3jjqarjv4shxatj0yqqqqqqqqqqqqqqqqqqqqqqqqqq2f4xam"],
         "candidates[0].owner"),
    ],
)  # fmt: skip
def test_a_wrong_candidate_is_named_before_any_key_is_made(words: list[str], field: str) -> None:
    right = ["--home", "h", "--chain-id", "t", "--name", "v", "--owner", OWNERS[0], "--stake", "1"]
    error = refuse("keys", "candidate", *right, "-o", "v.json", *words)
    assert error.fields()["field"].endswith(field)
    assert not Path("h").exists()


def test_a_key_file_is_no_part() -> None:
    make_parts(1)
    Path("key.json").write_text('{"chain_id": "town", "seed": "c0ffee"}')
    error = refuse("genesis", "assemble", "parts/head.json", "key.json")
    assert "key.json: seed" in error.message
    assert "c0ffee" not in error.message
    seat_key = Path("home-v0/consensus/seat.key")
    assert refuse("genesis", "assemble", seat_key).fields()["field"].endswith("(document)")


def test_a_part_that_is_no_text_or_not_there_is_refused() -> None:
    make_parts(1)
    Path("bad.json").write_bytes(b"\xff\xfe")
    assert refuse("genesis", "check", "bad.json").reason == "BAD_FILE"
    assert refuse("genesis", "check", "none.json").reason == "NO_FILE"
    assert refuse("genesis", "check", "parts").reason == "BAD_FILE"


def test_a_part_named_twice_is_refused() -> None:
    parts = make_parts(1)
    assert "named twice" in refuse("genesis", "assemble", *parts, parts[0]).message


def test_a_candidate_of_another_chain_is_refused() -> None:
    make_parts(1)
    make_candidate(1, "--fork-epoch", "1", name="late")
    error = refuse("genesis", "add-candidate", "parts/head.json", "parts/late.json")
    assert error.fields()["field"] == "parts/late.json: fork_epoch"
    error = refuse("genesis", "add-candidate", "parts/head.json", "parts/head.json")
    assert error.fields()["field"] == "candidates"


def test_check_tells_all_faults_at_once_and_fails() -> None:
    run("genesis", "assemble", *make_parts(), "-o", "g.json")
    document = json.loads(Path("g.json").read_text())
    document["seats"][2]["proof"] = "00" * 64
    document["accounts"][1]["balance"] = 1.5
    document["params"]["slash_bp"] = 10_001
    Path("g.json").write_text(json.dumps(document))
    error = refuse("genesis", "check", "g.json")
    names = {"seats[2].proof", "accounts[1].balance", "params.slash_bp"}
    assert error.reason == "INVALID_GENESIS"
    assert error.fields().keys() == names


def test_check_tells_what_somebody_should_look_at() -> None:
    run("genesis", "assemble", *make_parts(3), "-o", "g.json")
    found = run("genesis", "check", "g.json")
    assert {each["field"] for each in found["warnings"]} == {"seats", "params.seats_min"}
    done = CliRunner().invoke(app, ["genesis", "check", "g.json"])
    assert done.exit_code == 0
    assert "look at seats" in done.output


def test_a_fork_needs_its_state_file() -> None:
    run("genesis", "assemble", *make_parts(), "-o", "g.json")
    document = json.loads(Path("g.json").read_text())
    assert refuse("genesis", "adopt", "g.json", "--home", "h").fields()["field"] == "parent"
    entries = [make_candidate(n, "--force", "--fork-epoch", "1") for n in range(4)]
    assert len(entries) == 4
    seats = [json.loads(Path(f"parts/v{n}.json").read_text())["candidates"][0] for n in range(4)]
    parent = {
        "genesis_hash": "01" * 32, "fork_epoch": 0, "height": 7, "epoch": 0, "block": "02" * 32,
        "write_digest": "03" * 32,
    }  # fmt: skip
    state = {"hash": "04" * 32, "records": 9, "supply": 1_000}
    document |= {"seats": seats, "candidates": [], "accounts": [], "fork_epoch": 1}
    document |= {"parent": parent, "state": state}
    Path("f.json").write_text(json.dumps(document))
    assert parse_genesis(Path("f.json").read_text()).height == 7
    assert refuse("genesis", "check", "f.json").reason == "NO_GENESIS_STATE"
    assert refuse("genesis", "adopt", "f.json", "--home", "h").reason == "NO_GENESIS_STATE"
    Path("genesis-state-0404040404040404.txt").write_bytes(b"00 01\n")
    assert refuse("genesis", "check", "f.json").reason == "INVALID_GENESIS"
