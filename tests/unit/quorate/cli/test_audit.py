"""`quorate audit` tells none, some and unreadable apart by its exit code and by what it prints."""

import json
from pathlib import Path

from typer.testing import CliRunner

from quorate.cli.audit import EXIT_CONFLICT
from quorate.cli.main import app
from quorate.core.bft.log import record_audit
from quorate.core.bft.messages import Kind
from quorate.core.errors import NotFound, Unavailable
from quorate.kit import faults
from tests.unit.quorate.devnet.test_audit import build_history, sign, write_log


def test_lawful_logs_end_with_code_0_and_one_plain_line(tmp_path: Path) -> None:
    for number, records in enumerate(build_history(3)):
        write_log(tmp_path / f"v{number}", records)
    done = CliRunner().invoke(app, ["audit", str(tmp_path)])
    assert done.exit_code == faults.EXIT_OK
    assert done.stdout == (
        "no conflict in 96 messages of 3 views in 4 vote logs; a planted one was found\n"
    )


def test_conflict_ends_with_a_code_of_its_own_and_is_shown_with_its_sources(tmp_path: Path) -> None:
    lies = [sign(2, 9, Kind.NOTARIZE, digest) for digest in (1, 2)]
    homes = [
        str(write_log(tmp_path / f"v{number}", [record_audit(2, lie)]))
        for number, lie in enumerate(lies)
    ]
    done = CliRunner().invoke(app, ["audit", *homes])
    assert done.exit_code == EXIT_CONFLICT == 7
    assert "1 conflict in 2 messages" in done.stdout and "signatures hold" in done.stdout
    as_json = CliRunner().invoke(app, ["audit", "--json", *homes])
    assert as_json.exit_code == EXIT_CONFLICT
    document = json.loads(as_json.stdout)
    assert (document["conflicts"], document["planted_found"]) == (1, True)
    [found] = document["findings"]
    assert (found["epoch"], found["view"], found["seat"], found["verified"]) == (0, 9, 2, True)
    shown = {(each["encoded"], *each["sources"]) for each in found["messages"]}
    assert shown == {(lie.encode().hex(), f"v{number}") for number, lie in enumerate(lies)}


def test_missing_and_unreadable_logs_are_typed_errors(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["audit", str(tmp_path)])
    assert isinstance(done.exception, NotFound)
    assert faults.find_exit_code(done.exception) == faults.EXIT_NOT_FOUND
    home = write_log(tmp_path / "v0", [(b"a" + bytes(19), b"no message")])
    done = CliRunner().invoke(app, ["audit", str(home)])
    assert isinstance(done.exception, Unavailable)
    assert done.exception.reason == "UNREADABLE_VOTE_LOG"
    assert faults.find_exit_code(done.exception) == faults.EXIT_UNREACHABLE
