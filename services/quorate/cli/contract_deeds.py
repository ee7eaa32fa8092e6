"""`quorate contract deploy|call`: make a contract, and have its methods change its state."""

from pathlib import Path
from typing import Annotated, Any

import typer

from quorate.cli import contract_book, contract_building, fees, options, output, session, wallet
from quorate.cli.acting import TIMEOUT_S, From, Timeout, Way
from quorate.cli.contract_faces import CONSTRUCTOR, Face, Faces
from quorate.cli.contract_names import Names
from quorate.cli.contract_sending import Deed, carry_out, describe_deed, fit, print_deed
from quorate.core.contracts.payloads import CallContract, DeployContract
from quorate.core.contracts.records import compute_contract_address
from quorate.core.values import format_address
from quorate.kit import faults
from quorate.sdk.client import Client
from quorate.sdk.contract_preparing import simulate_payload
from quorate.sdk.fees import Simulation
from quorate.sdk.values import Outcome

ContractName = Annotated[
    str, typer.Argument(metavar="CONTRACT", help="Address, or its name here (see deploy --as).")
]
MethodName = Annotated[str, typer.Argument(metavar="METHOD", help="What to call.")]
Texts = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ARGUMENTS…",
        help="By position or name=value: numbers, names of keys, hex bytes, JSON for the rest.",
    ),
]
Value = Annotated[str, typer.Option("--value", help="Tokens that go along, like 12 or 0.5.")]
Fuel = Annotated[
    int, typer.Option("--fuel", min=0, help="Fuel limit. Default: a quarter over a dry run's.")
]


def deploy(
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .py source, or a .wasm that was built.")
    ],
    arguments: Texts = None,
    value: Value = "0",
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="What to call it here from now on.")
    ] = None,
    reentrant: Annotated[
        bool, typer.Option("--reentrant", help="It may be called again while it runs.")
    ] = False,
    fuel: Fuel = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what it would cost; sign and send nothing.")
    ] = False,
    sender: From = "demo",
    timeout_s: Timeout = TIMEOUT_S,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate contract deploy token.py 1_000_000 --as token**

    Store a contract's code and run its constructor with these arguments. A dry run comes first:
    what would fail is not sent. Stored bytes take a deposit, which comes back when they go.
    """
    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip
    if name is not None:
        contract_book.check_name(name)
    artifact = contract_building.load(file)
    face = Face(b"", artifact.parse(), Names(keys_dir))
    data = face.encode_arguments(CONSTRUCTOR, arguments or [])
    payload = DeployContract(
        b"", artifact.code, artifact.interface, artifact.profile, reentrant, data,
        output.parse_amount(value), fuel,
    )  # fmt: skip
    if dry_run:
        _show_trial(way, payload, face.names)
        return
    deed = _act(way, payload, face.names)
    _show(way, deed, _note(deed, name))


def call(
    *,
    contract: ContractName,
    method: MethodName,
    arguments: Texts = None,
    value: Value = "0",
    fuel: Fuel = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Send it though a dry run of it fails.")
    ] = False,
    sender: From = "demo",
    timeout_s: Timeout = TIMEOUT_S,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate contract call token transfer alice 5**

    Call a method and show its result, events, fuel, and what changed. A dry run comes first: what
    would fail is not sent, unless with --force: then it costs its fee, and has a receipt.
    """
    way = Way(
        sender=sender, timeout_s=timeout_s, keys_dir=keys_dir, password_file=password_file,
        endpoint=endpoint, as_json=as_json,
    )  # fmt: skip
    names = Names(keys_dir)
    address = contract_book.resolve(contract)
    face = session.run(endpoint, lambda client: Faces(client, names).load(address))
    data = face.encode_arguments(method, arguments or [])
    payload = CallContract(b"", address, method, data, output.parse_amount(value), fuel, ())
    _show(way, _act(way, payload, names, force=force), {})


def _act(
    way: Way, payload: DeployContract | CallContract, names: Names, *, force: bool = False
) -> Deed:
    key = wallet.open_key(wallet.find_directory(way.keys_dir), way.sender, way.password_file)

    async def work(client: Client) -> Deed:
        faces = Faces(client, names)
        prepared = await fit(client, key.address, payload, faces, force=force)
        return await carry_out(client, way, key, prepared, faces)

    return session.run(way.endpoint, work)


def _note(deed: Deed, name: str | None) -> dict[str, Any]:
    """Give a contract its name, if it was made; return what is to be told of it."""
    if deed.receipt.outcome is not Outcome.SUCCEEDED:
        return {"contract": ""}
    address = compute_contract_address(deed.receipt.id, 0)
    found = {"contract": format_address(address)}
    if name is None:
        return found
    contract_book.save(name, address)
    return {**found, "name": name}


def _show_trial(way: Way, payload: DeployContract, names: Names) -> None:
    payer = way.find_address(way.sender)

    async def work(client: Client) -> Simulation:
        prepared = await fit(client, payer, payload, Faces(client, names))
        return await simulate_payload(client, payer, prepared.payload)

    fees.show_simulation(session.run(way.endpoint, work), as_json=way.as_json)


def _show(way: Way, deed: Deed, found: dict[str, Any]) -> None:
    if way.as_json:
        output.print_json({**describe_deed(deed), **found})
    else:
        print_deed(deed, found)
    if deed.receipt.outcome is not Outcome.SUCCEEDED:
        raise typer.Exit(faults.EXIT_PRECONDITION)
