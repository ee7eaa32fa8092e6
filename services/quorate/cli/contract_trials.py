"""`quorate contract view|simulate`: calls that change nothing, or would."""

from typing import Any

import typer
from rich.text import Text

from quorate.cli import contract_book, fees, options, output, session, wallet
from quorate.cli.acting import From
from quorate.cli.contract_deeds import ContractName, Fuel, MethodName, Texts, Value
from quorate.cli.contract_faces import Face, Faces
from quorate.cli.contract_names import Names
from quorate.cli.contract_panels import (
    describe_changes,
    describe_failure,
    failure_document,
    print_changes,
    print_events,
)
from quorate.cli.contract_sending import (
    build_refusal,
    compute_deposit,
    describe_call,
    list_contracts,
)
from quorate.core.contracts.payloads import CallContract
from quorate.core.errors import InvalidInput
from quorate.core.values import format_address
from quorate.kit import faults
from quorate.sdk.client import Client
from quorate.sdk.contract_messages import Asked, Outcome, Trial
from quorate.sdk.contract_preparing import prepare, simulate_payload
from quorate.sdk.fees import Simulation
from quorate.sdk.values import Outcome as Ended


def view(
    *,
    contract: ContractName,
    method: MethodName,
    arguments: Texts = None,
    sender: From = "nobody",
    keys_dir: options.KeysDir = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate contract view token balance_of alice**

    Ask a method that changes nothing, on the latest state; costs nothing.
    """
    names = Names(keys_dir)
    address, caller = contract_book.resolve(contract), names.resolve(sender)

    async def work(client: Client) -> tuple[Faces, Face, Outcome]:
        faces = Faces(client, names)
        face = await faces.load(address)
        _check_view(face, method)
        data = face.encode_arguments(method, arguments or [])
        found = await client.contracts.view(Asked(address, method, data, caller))
        await faces.load_all([found.failure.contract] if found.failure is not None else [])
        return faces, face, found

    faces, face, found = session.run(endpoint, work)
    if found.failure is not None:
        raise build_refusal(faces, found.failure)
    text, result = face.read_result(method, found.result)
    if as_json:
        output.print_json({"result": result, "fuel": found.fuel, "height": found.height})
        return
    output.out.print(text or "(nothing)", markup=False)
    output.err.print(f"fuel {found.fuel:,}, at height {found.height:,}", style="dim")


def simulate(
    *,
    contract: ContractName,
    method: MethodName,
    arguments: Texts = None,
    value: Value = "0",
    fuel: Fuel = 0,
    sender: From = "demo",
    keys_dir: options.KeysDir = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate contract simulate token transfer alice 5**

    Tell what a call would do, on the latest state: receipt, fuel, the records that it touches, and
    how they would change. Nothing is signed or sent, so no password is asked.
    """
    names = Names(keys_dir)
    address, units = contract_book.resolve(contract), output.parse_amount(value)
    caller = wallet.resolve(wallet.find_directory(keys_dir), sender)

    async def work(client: Client) -> tuple[Faces, Simulation]:
        faces = Faces(client, names)
        face = await faces.load(address)
        data = face.encode_arguments(method, arguments or [])
        payload = CallContract(b"", address, method, data, units, fuel, ())
        prepared = await prepare(client, caller, payload)
        found = prepared.simulation
        if found.receipt.outcome is Ended.SUCCEEDED:
            # Once more as it would be sent: the fee depends on the fuel limit.
            found = await simulate_payload(client, caller, prepared.payload)
        await faces.load_all(_list_contracts(found.trial))
        return faces, found

    faces, found = session.run(endpoint, work)
    if as_json:
        output.print_json(_describe(faces, found))
    else:
        fees.print_simulation(found)
        if found.trial is not None:
            _print_trial(faces, found.trial)
    if found.receipt.outcome is not Ended.SUCCEEDED:
        raise typer.Exit(faults.EXIT_PRECONDITION)


def _check_view(face: Face, name: str) -> None:
    """Raise InvalidInput where the interface says that a method changes something."""
    method = face.find_method(name)
    if method is not None and not method.view:
        raise InvalidInput(
            f"{name} is no view, it may change something: `quorate contract call` does it, "
            "`quorate contract simulate` tells what it would do",
            reason="NO_VIEW",
        )


def _list_contracts(trial: Trial | None) -> list[bytes]:
    if trial is None:
        return []
    found = list_contracts(trial.detail) + [each.contract for each in trial.access]
    return [*found, *[each.contract for each in trial.changes]]


def _print_trial(faces: Faces, trial: Trial) -> None:
    rows: list[tuple[str, object]] = []
    if trial.detail.failure is not None:
        rows.append(("failed", Text(describe_failure(faces, trial.detail.failure), style="red")))
    for call in trial.detail.calls:
        text, _ = faces.find(call.contract).read_result(call.method, call.result)
        rows += [("result", Text(text))] if text else []
    rows.append(("fuel", f"{trial.detail.fuel:,}"))
    for access in trial.access:
        face = faces.find(access.contract)
        names = [f"{face.title}.{face.read_name(key)[0]}" for key in access.keys]
        rows += [("touches", Text(each)) for each in names]
    output.out.print()
    output.print_fields(rows)
    events = [event for call in trial.detail.calls for event in call.events]
    if events:
        output.out.print()
        print_events(faces, events)
    if trial.changes:
        output.out.print()
        print_changes(faces, trial.changes)
        if trial.cut:
            output.err.print("more changes were left out")


def _describe(faces: Faces, found: Simulation) -> dict[str, Any]:
    document = fees.simulation_document(found)
    trial = found.trial
    if trial is None:
        return document
    document["trial"] = {
        "calls": [describe_call(faces, each) for each in trial.detail.calls],
        "failure": failure_document(trial.detail.failure),
        "fuel": trial.detail.fuel,
        "deposit": compute_deposit(found),
        "access": [
            {
                "contract": format_address(each.contract),
                "keys": [faces.find(each.contract).read_name(key)[1] for key in each.keys],
            }
            for each in trial.access
        ],
        "changes": describe_changes(faces, trial.changes),
        "cut": trial.cut,
    }
    return document
