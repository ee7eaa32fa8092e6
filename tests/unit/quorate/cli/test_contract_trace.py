"""A call's steps: lines with fuel, and how each variable changed on the way."""

from pathlib import Path

import pytest

from quorate.cli import contract_trace
from quorate.cli.contract_faces import Face, Faces
from quorate.core.values import format_address
from quorate.sdk.contract_messages import Outcome as Ended
from quorate.sdk.contract_messages import Step, Traced
from quorate.sdk.contract_values import compute_key
from tests.unit.quorate.cli.contracts import ALICE, INTERFACE, TOKEN, make_faces, make_names

FIVE, NINE = (5).to_bytes(8, "little"), (9).to_bytes(8, "little")
BALANCE = compute_key(INTERFACE, "balances", ALICE)
HERE = f"balances[{format_address(ALICE)} (alice)]"


@pytest.fixture
async def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Faces, Face]:
    monkeypatch.chdir(tmp_path)
    return make_faces(make_names(tmp_path))


STEPS = (
    Step(2, 10, 1, TOKEN, "", b"", b""),
    Step(0, 20, 1, TOKEN, "load", BALANCE, FIVE),
    Step(3, 30, 1, TOKEN, "", b"", b""),
    Step(0, 40, 1, TOKEN, "store", BALANCE, NINE),
    Step(0, 45, 1, TOKEN, "store", BALANCE, b""),
    Step(0, 50, 1, TOKEN, "emit", b"Sent", ALICE + FIVE),
    Step(0, 60, 1, TOKEN, "call", ALICE, b"\1\2"),
    Step(7, 70, 2, ALICE, "", b"", b""),
)


async def test_steps_are_lines_with_fuel_and_changes_of_variables(known, capsys) -> None:
    lines = ["def transfer(self):", "    balance = 5", "    store()"]
    contract_trace._print_steps(known[0], TOKEN, STEPS, lines)
    told = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert [int(fuel) for fuel, _ in told] == [each.fuel for each in STEPS]
    texts = [text for _, text in told]
    assert texts[0] == "2      balance = 5" and texts[2] == "3      store()"
    assert texts[1] == f"load {HERE} = 5"
    assert texts[3:5] == [f"store {HERE}: 5 → 9", f"store {HERE}: 9 → nothing"]
    assert texts[5] == f"emit Sent(to={format_address(ALICE)} (alice), amount=5)"
    assert texts[6] == "call alice 0x0102"
    assert texts[7] == "7  line 7 of alice"


async def test_steps_are_documents_with_before_and_after(known) -> None:
    faces, face = known
    traced = Traced(Ended(b"\1", 70, None, 12), STEPS, cut=True)
    document = contract_trace._describe(faces, face, "transfer", traced)
    assert (document["result"], document["cut"], document["height"]) == (True, True, 12)
    stored = [each for each in document["steps"] if each["action"] == "store"]
    assert [(each["before"], each["value"]) for each in stored] == [(5, 9), (9, None)]
