"""Carries out one contract payload: a dry run, the transaction with its life, what came of it."""

from typing import Any, Final, NamedTuple

from rich.text import Text

from quorate.cli import life, output
from quorate.cli.acting import Way, send
from quorate.cli.contract_faces import Faces
from quorate.cli.contract_panels import (
    describe_changes,
    describe_event,
    describe_failure,
    failure_document,
    print_changes,
    print_events,
)
from quorate.cli.hints import find_next_step
from quorate.core.contracts.payloads import CallContract, DeployContract
from quorate.core.contracts.records import compute_contract_address
from quorate.core.errors import QuorateError, Rejected
from quorate.core.values import DEPOSITS, format_address
from quorate.sdk.client import Client
from quorate.sdk.contract_messages import Call, Detail, Failure, StateChange, Trial
from quorate.sdk.contract_preparing import Prepared, prepare
from quorate.sdk.contract_sending import find_detail
from quorate.sdk.fees import Simulation
from quorate.sdk.keys import Key
from quorate.sdk.values import Outcome, Receipt, Stage

_NOTHING: Final = Detail((), None, 0)
_FUEL_FORCED: Final = 20_000_000


class Deed(NamedTuple):
    """A contract payload that was executed; `deposit` is as in the dry run before it.

    `changes` are of the records that it touched, by its whole block.
    """

    receipt: Receipt
    stages_ms: dict[Stage, float]
    detail: Detail
    fuel_limit: int
    deposit: int
    changes: list[StateChange]
    faces: Faces


async def fit(
    client: Client,
    sender: bytes,
    payload: DeployContract | CallContract,
    faces: Faces,
    *,
    force: bool = False,
) -> Prepared:
    """Return a payload with fuel limit and access list; raises Rejected if it would fail.

    With `force` what would fail may be sent too; how much fuel that takes, no dry run tells.
    """
    prepared = await prepare(client, sender, payload)
    if not force:
        await check_trial(prepared.simulation, faces)
    if prepared.payload.fuel_limit:
        return prepared
    return prepared._replace(payload=prepared.payload._replace(fuel_limit=_FUEL_FORCED))


async def carry_out(client: Client, way: Way, key: Key, prepared: Prepared, faces: Faces) -> Deed:
    """Send one contract payload and return what came of it."""
    payload, trial = prepared.payload, prepared.simulation.trial
    receipt, stages_ms = await send(client, key, [payload], way)
    detail = await _find_detail(client, receipt)
    if isinstance(payload, DeployContract):
        faces.add(compute_contract_address(receipt.id, 0), payload.interface)
    changes = await _find_changes(client, receipt, detail, trial)
    await faces.load_all([*list_contracts(detail), *[each.contract for each in changes]])
    deposit = compute_deposit(prepared.simulation)
    return Deed(receipt, stages_ms, detail, payload.fuel_limit, deposit, changes, faces)


async def check_trial(found: Simulation, faces: Faces) -> None:
    """Raise Rejected, with the failure in words, unless a dry run succeeded."""
    if found.receipt.outcome is Outcome.SUCCEEDED:
        return
    failure = found.trial.detail.failure if found.trial is not None else None
    reason = found.receipt.reason
    if failure is None:
        message = _add_step(f"it would fail with {reason}; nothing was sent", reason)
        raise Rejected(message, reason=reason)
    await faces.load_all([failure.contract])
    raise build_refusal(faces, failure, "; nothing was sent")


def build_refusal(faces: Faces, failure: Failure, more: str = "") -> Rejected:
    """Return the error that a failure is; `more` is said of it too."""
    return Rejected(
        _add_step(describe_failure(faces, failure) + more, failure.reason),
        reason=failure.reason,
        method=failure.method, line=failure.line, text=failure.message,
    )  # fmt: skip


def _add_step(message: str, reason: str) -> str:
    step = find_next_step(reason)
    return f"{message}: {step}" if step else message


def list_contracts(detail: Detail) -> list[bytes]:
    """Return the contracts that payloads called, told events of, or failed in."""
    found = [each.contract for call in detail.calls for each in call.events]
    found += [call.contract for call in detail.calls]
    return [*found, detail.failure.contract] if detail.failure is not None else found


def compute_deposit(found: Simulation) -> int:
    """Return what a dry run paid for stored bytes; negative: it got so much back."""
    return sum(each.after - each.before for each in found.balances if each.address == DEPOSITS)


def print_deed(deed: Deed, found: dict[str, Any]) -> None:
    """Print what came of a payload, `found` among it."""
    receipt = deed.receipt
    rows: list[tuple[str, object]] = [*found.items(), ("transaction", receipt.id.hex())]
    rows.append(("outcome", describe_outcome(receipt)))
    failure = deed.detail.failure
    if failure is not None:
        rows.append(("failed", Text(describe_failure(deed.faces, failure), style="red")))
    for call in deed.detail.calls:
        text, _ = deed.faces.find(call.contract).read_result(call.method, call.result)
        rows += [("result", Text(text))] if text else []
    rows.append(("fuel", f"{deed.detail.fuel:,} of {deed.fuel_limit:,}"))
    rows.append(("fee", output.format_amount(receipt.fee)))
    rows += _describe_deposit(deed.deposit)
    step = find_next_step(receipt.reason) if receipt.reason else ""
    output.print_fields([*rows, *([("next", step)] if step else [])])
    events = [event for call in deed.detail.calls for event in call.events]
    if events:
        output.out.print()
        print_events(deed.faces, events)
    if deed.changes:
        output.out.print()
        print_changes(deed.faces, deed.changes)


def describe_deed(deed: Deed) -> dict[str, Any]:
    """Return what came of a payload for `--json`."""
    stages = {stage.name.lower(): round(ms, 1) for stage, ms in deed.stages_ms.items()}
    calls = [describe_call(deed.faces, each) for each in deed.detail.calls]
    return {
        **life.receipt_document(deed.receipt),
        "result": calls[0]["result"] if calls else None,
        "fuel": deed.detail.fuel,
        "fuel_limit": deed.fuel_limit,
        "deposit": deed.deposit,
        "failure": failure_document(deed.detail.failure),
        "calls": calls,
        "changes": describe_changes(deed.faces, deed.changes),
        "stages_ms": stages,
        "next_step": find_next_step(deed.receipt.reason),
    }


def describe_call(faces: Faces, call: Call) -> dict[str, Any]:
    """Return what one contract payload did for `--json`."""
    face = faces.find(call.contract)
    return {
        "contract": format_address(call.contract),
        "method": call.method,
        "fuel": call.fuel,
        "result": face.read_result(call.method, call.result)[1],
        "events": [describe_event(faces, event) for event in call.events],
    }


def describe_outcome(receipt: Receipt) -> Text:
    """Return a receipt's outcome, reason and place in a line."""
    is_good = receipt.outcome is Outcome.SUCCEEDED
    reason = f": {receipt.reason}" if receipt.reason else ""
    where = f" at height {receipt.height:,}, position {receipt.position}"
    word = Text(receipt.outcome.name.lower() + reason, style="green" if is_good else "red")
    return word.append(where, style="default")


def _describe_deposit(deposit: int) -> list[tuple[str, object]]:
    if not deposit:
        return []
    word = "back from the deposit" if deposit < 0 else "deposit"
    return [(word, output.format_amount(abs(deposit)))]


async def _find_detail(client: Client, receipt: Receipt) -> Detail:
    try:
        return await find_detail(client, receipt.id) or _NOTHING
    except QuorateError:
        # It was executed, whatever can be read of it now.
        return _NOTHING


async def _find_changes(
    client: Client, receipt: Receipt, detail: Detail, trial: Trial | None
) -> list[StateChange]:
    """Return how the records that a dry run changed did so in the transaction's block."""
    if receipt.outcome is not Outcome.SUCCEEDED or trial is None:
        return []
    pairs = zip(trial.detail.calls, detail.calls, strict=False)
    # A dry run's new contract has another address than the real one.
    real = {tried.contract: done.contract for tried, done in pairs}
    wanted = {(real.get(each.contract, each.contract), each.key) for each in trial.changes}
    found: list[StateChange] = []
    for contract in sorted({contract for contract, _ in wanted}):
        try:
            changes = await client.contracts.changes(contract, receipt.height - 1, receipt.height)
        except QuorateError:
            continue
        found += [each for each in changes.changes if (contract, each.key) in wanted]
    return found
