"""What people read of a call: its result, fuel, deposit, events, changes, and its steps."""

from pathlib import Path

import pytest

from quorate.cli import contract_sending, contract_trace
from quorate.cli.contract_faces import Face, Faces
from quorate.cli.contract_sending import Deed, check_trial, describe_deed, print_deed
from quorate.core.errors import Rejected
from quorate.core.values import DEPOSITS, format_address
from quorate.sdk.contract_messages import (
    Call,
    Detail,
    Event,
    Failure,
    StateChange,
    Step,
    Traced,
    Trial,
)
from quorate.sdk.contract_messages import Outcome as Ended
from quorate.sdk.contract_values import compute_key
from quorate.sdk.fees import BalanceChange, Simulation
from quorate.sdk.values import Outcome, Receipt, Stage
from tests.unit.quorate.cli.contracts import ALICE, INTERFACE, TOKEN, make_faces, make_names

FIVE, NINE = (5).to_bytes(8, "little"), (9).to_bytes(8, "little")
BALANCE = compute_key(INTERFACE, "balances", ALICE)
SENT = Event(TOKEN, "Sent", ALICE + FIVE)
CALL = Call(TOKEN, "transfer", 70, b"\1", (SENT,))
RECEIPT = Receipt(b"\7" * 32, 12, 3, Outcome.SUCCEEDED, "", 1_000)
FAILED = RECEIPT._replace(outcome=Outcome.FAILED, reason="REVERTED")
FAILURE = Failure("REVERTED", "too\x1b[2Jmuch", TOKEN, "transfer", 8)
HERE = f"balances[{format_address(ALICE)} (alice)]"


@pytest.fixture
async def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Faces, Face]:
    monkeypatch.chdir(tmp_path)
    return make_faces(make_names(tmp_path))


def make_deed(faces: Faces, detail: Detail, receipt: Receipt = RECEIPT) -> Deed:
    changes = [StateChange(TOKEN, BALANCE, b"", FIVE)] if detail.calls else []
    return Deed(receipt, {Stage.FINAL: 40.04}, detail, 100, 490_000, changes, faces)


def make_simulation(receipt: Receipt, trial: Trial | None) -> Simulation:
    balances = (BalanceChange(ALICE, 900, 100), BalanceChange(DEPOSITS, 50, 80))
    return Simulation(receipt, 11, 1, 300, balances, (ALICE,), (), 2, trial)


async def test_a_call_that_succeeded_is_told_whole(known, capsys) -> None:
    print_deed(make_deed(known[0], Detail((CALL,), None, 70)), {"contract": "qr1x"})
    said = capsys.readouterr().out
    for each in ("contract     qr1x", "succeeded at height 12", "result       true",
                 "fuel         70 of 100", "deposit      0.00049", HERE):  # fmt: skip
        assert each in said
    assert f"Token.Sent(to={format_address(ALICE)} (alice), amount=5)" in said
    assert said.splitlines()[-1].split() == ["Token", HERE.split()[0], "(alice)]", "–", "5"]


async def test_a_call_that_succeeded_is_one_document(known) -> None:
    document = describe_deed(make_deed(known[0], Detail((CALL,), None, 70)))
    assert (document["result"], document["fuel"], document["deposit"]) == (True, 70, 490_000)
    assert document["stages_ms"] == {"final": 40.0} and document["failure"] is None
    assert document["calls"][0]["events"][0]["fields"]["amount"] == 5
    assert document["changes"][0]["before"] is None and document["changes"][0]["after"] == 5


async def test_a_failure_is_told_with_its_line_and_moves_no_cursor(known, capsys) -> None:
    print_deed(make_deed(known[0], Detail((), FAILURE, 60), FAILED), {})
    said = capsys.readouterr().out
    assert "Token.transfer reverted: too\\x1b[2Jmuch (line 8)" in said and "\x1b[2J" not in said
    document = describe_deed(make_deed(known[0], Detail((), FAILURE, 60), FAILED))
    assert document["failure"]["line"] == 8 and document["result"] is None


async def test_what_a_dry_run_refuses_is_raised_with_method_and_line(known) -> None:
    trial = Trial(Detail((), FAILURE, 60), (), (), cut=False)
    with pytest.raises(Rejected, match="nothing was sent") as caught:
        await check_trial(make_simulation(FAILED, trial), known[0])
    assert caught.value.reason == "REVERTED"
    assert caught.value.fields() == {"method": "transfer", "line": "8", "text": FAILURE.message}
    poor = RECEIPT._replace(outcome=Outcome.SKIPPED, reason="FEE_NOT_COVERED")
    with pytest.raises(Rejected, match="FEE_NOT_COVERED"):
        await check_trial(make_simulation(poor, None), known[0])
    await check_trial(make_simulation(RECEIPT, None), known[0])


def test_the_deposit_is_what_the_account_of_deposits_gets() -> None:
    assert contract_sending.compute_deposit(make_simulation(RECEIPT, None)) == 30


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
