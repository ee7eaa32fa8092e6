"""What a node says of its seat key, from a file: taken when whole, else refused."""

import json
from pathlib import Path

import pytest

from quorate.cli.seat_words import load_proof, load_ready
from quorate.core.errors import InvalidInput
from quorate.core.values import format_address
from quorate.sdk.payloads import SeatProof, SeatReady

WORDS = {
    "seat_key": "11" * 32, "candidate": format_address(b"c" * 32), "proof": "22" * 64,
    "epoch": 7, "signature": "33" * 64,
}  # fmt: skip


def write(path: Path, **changes: object) -> Path:
    path.write_text(json.dumps({**WORDS, **changes}))
    return path


def test_proof_and_ready_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "seat.json")
    assert load_proof(path) == SeatProof(b"\x11" * 32, b"c" * 32, b"\x22" * 64)
    assert load_ready(path) == SeatReady(7, b"\x11" * 32, b"c" * 32, b"\x33" * 64)


@pytest.mark.parametrize(
    "changes",
    [{"seat_key": "11"}, {"proof": "zz"}, {"signature": 5}, {"epoch": -1}, {"epoch": 2**64},
     {"candidate": "qr1x"}],
)  # fmt: skip
def test_what_is_not_whole_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    path = write(tmp_path / "seat.json", **changes)
    load = load_proof if "proof" in changes or "seat_key" in changes else load_ready
    with pytest.raises(InvalidInput):
        load(path)


@pytest.mark.parametrize("text", ["", "[]", "no json"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "seat.json"
    path.write_text(text)
    with pytest.raises(InvalidInput):
        load_proof(path)
    with pytest.raises(InvalidInput):
        load_ready(tmp_path / "absent.json")
