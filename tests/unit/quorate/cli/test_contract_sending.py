"""What people read of a call: its result, fuel, deposit, events and changes."""

from pathlib import Path

import pytest

from quorate.cli import contract_sending
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
    Trial,
)
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


async def test_a_failure_that_needs_it_names_the_next_step(known) -> None:
    burnt = FAILURE._replace(reason="OUT_OF_FUEL", message="", line=0)
    refusal = contract_sending.build_refusal(known[0], burnt)
    assert refusal.message.startswith("Token.transfer ran out of fuel: leave --fuel out")


def test_the_deposit_is_what_the_account_of_deposits_gets() -> None:
    assert contract_sending.compute_deposit(make_simulation(RECEIPT, None)) == 30
