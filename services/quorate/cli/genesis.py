"""`quorate genesis …`: make the genesis of a chain, alone or with others, and check it."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from quorate.cli import genesis_fork, options, output
from quorate.cli.documents import (
    check_writable,
    load_part,
    parse_params,
    read_document,
    require_sound,
    write_document,
)
from quorate.core.errors import InvalidGenesis, Rejected
from quorate.core.genesis import Genesis, inspect_genesis, parse_genesis
from quorate.core.genesis_advice import Advice, count_stoppers, list_warnings
from quorate.core.genesis_fields import Faults
from quorate.core.genesis_parts import Part, assemble, read_part, write_part
from quorate.core.params import SUPPLY_MAX, Params
from quorate.core.values import KEYLESS, format_address, parse_address

app = typer.Typer(no_args_is_help=True, help="Make and check the genesis of a chain.")
app.command(short_help="Cut a chain off at a height, for new seats.")(genesis_fork.fork)
app.command(short_help="Take a forked chain's genesis into a node's home.")(genesis_fork.adopt)

Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]
PartFile = Annotated[Path, typer.Argument(metavar="FILE", help="A part of a genesis.")]
GenesisFile = Annotated[Path, typer.Argument(metavar="FILE", help="A genesis document.")]


@app.command(short_help="Begin a genesis: name, time, parameters.")
def init(
    *,
    chain_id: Annotated[str, typer.Option("--chain-id", help="The chain's name for ever.")],
    param: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="NAME=VALUE", help="A parameter; may be repeated."),
    ] = None,
    time_ms: Annotated[
        int | None, typer.Option("--time-ms", help="Unix time of the start. Default: now.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE")] = Path("genesis.draft.json"),
    force: Force = False,
    as_json: options.Json = False,
) -> None:
    """**quorate genesis init --chain-id town-1 --param epoch_ms=600000**

    Write the part of a genesis that one person decides: the chain's name, its time and parameters.
    Others make parts with accounts and candidates; `assemble` puts all together.
    """
    params = replace(Params(), **parse_params(param or []))
    part = Part(
        chain_id, 0, time.time_ns() // 10**6 if time_ms is None else time_ms, params, (), ()
    )
    text = write_part(part)
    require_sound(read_part(text)[1])
    write_document(out, text, force=force)
    _tell(out, {"chain_id": chain_id, "time_ms": part.time_ms}, as_json=as_json)


@app.command(short_help="Give an account a balance.")
def add_account(
    *,
    file: PartFile,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="qr1…")],
    amount: Annotated[str, typer.Argument(help="Tokens, like 12 or 0.5.")],
    as_json: options.Json = False,
) -> None:
    """**quorate genesis add-account genesis.draft.json qr1… 1000.5**

    Add an account to a part.
    """
    part, account, units = load_part(file), parse_address(address), output.parse_amount(amount)
    if account in KEYLESS:
        raise InvalidGenesis("address", "is one whose key nobody has")
    if any(account == other for other, _ in part.balances):
        raise Rejected(f"{address} stands in {file} already", reason="ACCOUNT_EXISTS")
    if not 0 < units <= SUPPLY_MAX - sum(balance for _, balance in part.balances):
        raise InvalidGenesis("balance", "must be above 0, and all together below 2^63 units")
    balances = tuple(sorted([*part.balances, (account, units)]))
    write_document(file, write_part(replace(part, balances=balances)), force=True)
    shown = {"address": format_address(account), "balance": units}
    _tell(file, shown, as_json=as_json)


@app.command(short_help="Take another part's candidates into a part.")
def add_candidate(
    *,
    file: PartFile,
    candidate: Annotated[
        Path, typer.Argument(metavar="CANDIDATE", help="From `quorate keys candidate`.")
    ],
    as_json: options.Json = False,
) -> None:
    """**quorate genesis add-candidate genesis.draft.json alice.json**

    Add the candidates of a part that an operator made beside its seat key.
    """
    part, other = load_part(file), load_part(candidate)
    if not other.candidates:
        raise InvalidGenesis("candidates", f"there are none in {candidate}")
    for name in ("chain_id", "fork_epoch"):
        if getattr(part, name) != getattr(other, name):
            raise InvalidGenesis(f"{candidate}: {name}", f"is not that of {file}")
    text = write_part(replace(part, candidates=(*part.candidates, *other.candidates)))
    require_sound(read_part(text)[1])
    write_document(file, text, force=True)
    owners = [entry["owner"] for entry in other.candidates]
    _tell(file, {"owners": owners}, as_json=as_json)


@app.command("assemble", short_help="Put parts together.")
def assemble_(
    *,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Parts, in any order.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE")] = Path("genesis.json"),
    force: Force = False,
    as_json: options.Json = False,
) -> None:
    """**quorate genesis assemble parts/*.json -o genesis.json**

    Put parts together. Who assembles the same parts gets the same hash, in whatever order: compare
    it before anybody starts.
    """
    check_writable(out, force=force)
    faults, parts = Faults(), dict[str, Part]()
    for file in files:
        if str(file) in parts:
            faults.add(str(file), "is named twice")
        parts[str(file)] = load_part(file, faults)
    require_sound(faults)
    text, faults = assemble(parts)
    require_sound(faults)
    genesis = _inspect(text)
    write_document(out, text, force=force)
    shown = {"hash": genesis.hash.hex(), "seats": len(genesis.seats)}
    _tell(out, shown, as_json=as_json)
    _print_warnings(list_warnings(genesis))


@app.command(short_help="Tell everything that is wrong with a genesis, or odd.")
def check(file: GenesisFile, as_json: options.Json = False) -> None:
    """**quorate genesis check genesis.json**

    Check a genesis, and the state file of a forked chain's: all faults at once, each with its
    field; then what it holds, and what somebody should look at before it starts.
    """
    genesis = _inspect(read_document(file))
    if genesis.state is not None:
        genesis_fork.check_state(file.parent, genesis)
    warnings = list_warnings(genesis)
    if as_json:
        shown = [{"field": field, "text": text} for field, text in warnings]
        output.print_json({**describe(genesis), "warnings": shown})
        return
    output.print_fields(list(describe(genesis, for_people=True).items()))
    _print_warnings(warnings)


@app.command("hash", short_help="Show the hash that names a chain.")
def hash_(file: GenesisFile, as_json: options.Json = False) -> None:
    """**quorate genesis hash genesis.json**

    Show the hash of a genesis, which does not depend on its formatting.
    """
    genesis = parse_genesis(read_document(file))
    if as_json:
        output.print_json({"hash": genesis.hash.hex(), "domain": genesis.domain.hex()})
    else:
        output.out.print(genesis.hash.hex())


def describe(genesis: Genesis, *, for_people: bool = False) -> dict[str, object]:
    """Return what a genesis holds, by stable names."""
    stakes = sum(seat.stake for seat in genesis.seats)
    shown: dict[str, object] = {
        "hash": genesis.hash.hex(),
        "chain_id": genesis.chain_id,
        "fork_epoch": genesis.fork_epoch,
        "time_ms": genesis.time_ms,
        "seats": len(genesis.seats),
        "candidates": len(genesis.candidates),
        "accounts": len(genesis.balances),
        "supply": output.format_amount(genesis.supply) if for_people else genesis.supply,
        "stake": output.format_amount(stakes) if for_people else stakes,
        "operators_of_a_third": count_stoppers(genesis.seats, genesis),
    }
    if genesis.parent is not None and genesis.state is not None:
        shown["parent"] = genesis.parent.genesis_hash.hex()
        shown["height"], shown["block"] = genesis.parent.height, genesis.parent.block.hex()
        shown["state"], shown["records"] = genesis.state.hash.hex(), genesis.state.records
    return shown


def _inspect(text: str) -> Genesis:
    found = inspect_genesis(text)
    faults = Faults()
    for fault in found.faults:
        faults.note(fault)
    require_sound(faults)
    assert found.genesis is not None, "it has no faults"
    return found.genesis


def _tell(path: Path, shown: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        output.print_json({"path": str(path), **shown})
        return
    output.print_fields([("path", path), *shown.items()])


def _print_warnings(warnings: list[Advice]) -> None:
    for field, text in warnings:
        output.err.print(f"look at {field}: {text}")
