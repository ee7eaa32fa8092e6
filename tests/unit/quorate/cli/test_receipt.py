"""`quorate receipt`: what is proven, what is not, and what to do then."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quorate.cli.main import main
from quorate.kit import faults
from quorate.sdk import receipts
from tests.unit.quorate.cli.test_reads import build_network
from tests.vectors.receipts_chain import Chain

__all__ = ["build_network"]

CHAIN = Chain()
HASH = CHAIN.genesis_hash.hex()


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `quorate receipt …` in a directory of its own; return exit code and stdout."""
    monkeypatch.chdir(tmp_path)

    def run_here(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["quorate", "receipt", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().out

    return run_here


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A file with a receipt, in the directory that commands run in."""
    path = tmp_path / "kept"
    path.write_bytes(CHAIN.prove(4, 3, last=2).encode())
    return path


def verify(run: Run, *arguments: str, code: int = 0) -> Any:
    ended, out = run("verify", "kept", "--json", *arguments)
    assert ended == code, out
    return json.loads(out)["error"] if code else json.loads(out)


def test_a_receipt_is_verified_without_a_network(run: Run, kept: Path) -> None:
    found = verify(run, "--genesis", HASH, "--any-age")
    inclusion = CHAIN.prove(4, 3).inclusion
    assert (found["id"], found["outcome"]) == (inclusion.receipt.id.hex(), "FAILED")
    assert (found["reason"], found["height"], found["position"]) == ("DUPLICATE", 4, 3)
    assert found["first_id"] == inclusion.receipt.first_id.hex()
    assert [each["seat"] for each in found["signers"]] == [0, 1, 2]
    assert (found["seats"], found["links"], found["header"]["epoch"]) == (4, 1, 2)
    point = receipts.parse_point(found["trust_point"])
    assert (point.epoch, point.set_hash) == (2, CHAIN.get_set(2).hash)


def test_people_read_the_same(run: Run, kept: Path) -> None:
    code, out = run("verify", "kept", "-g", HASH, "--any-age")
    assert code == 0
    for text in ("failed (DUPLICATE)", "height 4, position 3", "validator-2 (seat 0)", "3 of 4"):
        assert text in out


def test_exit_codes_tell_false_too_old_and_missing_apart(run: Run, kept: Path) -> None:
    old = verify(run, "--genesis", HASH, code=faults.EXIT_PRECONDITION)
    assert old["reason"] == "TRUST_TOO_OLD"
    other = verify(run, "--genesis", "00" * 32, "--any-age", code=faults.EXIT_USAGE)
    assert other["reason"] == "WRONG_GENESIS"
    nowhere = verify(run, code=faults.EXIT_NOT_FOUND)
    assert nowhere["reason"] == "NO_GENESIS"
    data = bytearray(kept.read_bytes())
    data[-1] ^= 1
    kept.write_bytes(data)
    false = verify(run, "--genesis", HASH, "--any-age", code=faults.EXIT_USAGE)
    assert false["reason"] == "NOT_CLAIMED"
    kept.unlink()
    missing = verify(run, "--genesis", HASH, code=faults.EXIT_NOT_FOUND)
    assert missing["reason"] == "NO_FILE"


def test_a_trust_point_stands_for_what_was_verified_before(run: Run, kept: Path) -> None:
    point = verify(run, "--genesis", HASH, "--any-age")["trust_point"]
    kept.write_bytes(CHAIN.prove(5, 7, first=2, last=3).encode())
    refused = verify(run, "--genesis", HASH, "--any-age", code=faults.EXIT_USAGE)
    assert refused["reason"] == "UNTRUSTED_EPOCH"
    found = verify(run, "--genesis", HASH, "--any-age", "--trust", point)
    assert (found["links"], found["header"]["epoch"]) == (1, 3)
    bad = verify(run, "--genesis", HASH, "--trust", "x", code=faults.EXIT_USAGE)
    assert bad["reason"] == "MALFORMED_TRUST_POINT"


async def test_get_writes_only_what_it_has_verified(
    run: Run, build_network: Any, tmp_path: Path
) -> None:
    network = await build_network()
    id_ = CHAIN.blocks[3][3].id
    network.chain.proofs[id_] = CHAIN.prove(4, 3).encode()

    async def get(*arguments: str) -> tuple[int, Any]:
        command = ("get", id_.hex(), "-e", network.target, "--json", "--any-age", *arguments)
        code, out = await asyncio.to_thread(run, *command)
        # The gateway, which is in this process, logs there too.
        (document,) = [line for line in out.splitlines() if line.startswith("{")]
        return code, json.loads(document)

    path = tmp_path / f"{id_.hex()}.receipt"
    code, found = await get()
    assert (code, found["error"]["reason"]) == (faults.EXIT_USAGE, "WRONG_GENESIS")
    assert not path.exists()
    code, found = await get("--genesis", HASH)
    assert (code, found["file"], found["size_bytes"]) == (0, path.name, path.stat().st_size)
    network.chain.unclaimed = 10**6
    code, found = await get("--genesis", HASH, "--timeout", "0")
    assert (code, found["error"]["reason"]) == (faults.EXIT_TIMEOUT, "NOT_CLAIMED_YET")
