"""`quorate contract build|inspect`: from source to module, and what is in one."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from quorate.cli import contract_building, options, output, session
from quorate.cli.contract_building import Artifact
from quorate.cli.contract_names import Names
from quorate.cli.contract_panels import describe_interface, print_methods
from quorate.cli.contract_words import clean
from quorate.cli.progress import Progress
from quorate.core.contracts.module import check_module
from quorate.core.contracts.payloads import CODE_BYTES_MAX, PROFILE_JAVA
from quorate.core.contracts.records import compute_code_hash
from quorate.core.contracts.sections import read_shape
from quorate.core.errors import InvalidInput
from quorate.core.values import format_address
from quorate.sdk.client import Client
from quorate.sdk.contract_messages import ContractRead
from quorate.sdk.contract_values import Interface, WrongInterface

_MEMORY_KIND = 2


def build(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A contract in typed Python.")
    ] = None,
    java: Annotated[
        Path | None, typer.Option("--java", metavar="DIR", help="A Maven project instead.")
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Default: beside the source."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """**quorate contract build token.py**

    Compile a contract to NAME.wasm, and its interface to NAME.json. What is not in the language is
    refused with file, line and what to write instead; nothing is written then.
    """
    if (file is None) == (java is None):
        raise InvalidInput("name a .py file, or a directory with --java", reason="USAGE")
    if java is not None:
        artifact, place = _build_java(java), java
    else:
        assert file is not None
        artifact, place = contract_building.build_source(file), file.parent
    check_module(artifact.code, artifact.profile)
    paths = contract_building.write(artifact, directory or place)
    if as_json:
        files = {"wasm": str(paths[0]), "json": str(paths[1])}
        output.print_json({**files, **_describe(artifact)})
        return
    took = f"built in {artifact.seconds * 1_000:,.1f} ms"
    output.err.print(f"{paths[0]}: {len(artifact.code):,} bytes, {took}")
    output.err.print(f"{paths[1]}: its interface\n")
    interface = artifact.parse()
    if interface is not None:
        print_methods(interface)


def inspect(
    what: Annotated[
        str, typer.Argument(metavar="FILE|CONTRACT", help=".wasm or .py; or address or name.")
    ],
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate contract inspect token**

    Show what a module asks for and offers, its code hash and interface: of a file here, or of a
    contract on chain.
    """
    path = Path(what)
    if path.suffix in (".wasm", ".py"):
        artifact, contract = contract_building.load(path), None
    else:
        address = Names(None).resolve(what)
        contract, artifact = session.run(endpoint, lambda client: _fetch(client, what, address))
    document = _describe(artifact) if contract is None else _describe_both(artifact, contract)
    if as_json:
        output.print_json(document)
        return
    rows = [("contract", artifact.name)] if contract is None else _list_rows(contract)
    refused = document["refused"]
    rows += [
        ("code hash", document["code_hash"]),
        ("size", f"{len(artifact.code):,} bytes, at most {CODE_BYTES_MAX:,}"),
        ("profile", document["profile"]),
        ("functions", f"{document['functions']:,}"),
        ("memory", f"{document['memory_pages']:,} pages of 64 KiB to begin with"),
        ("exports", Text(", ".join(map(clean, document["exports"])))),
        ("imports", ", ".join(document["imports"]) or "none"),
    ]
    rows += [("refused", Text(clean(refused), style="red"))] if refused else []
    output.print_fields(rows)
    interface = _parse(artifact)
    if interface is not None:
        output.out.print()
        print_methods(interface)


def _parse(artifact: Artifact) -> Interface | None:
    """Return what its interface says; None when a stranger's is none, or says nothing right."""
    try:
        return artifact.parse()
    except WrongInterface:
        return None


def _build_java(directory: Path) -> Artifact:
    with Progress() as progress:
        progress.wait(f"building {directory} with Maven …")
        return contract_building.build_java(directory)


async def _fetch(client: Client, what: str, address: bytes) -> tuple[ContractRead, Artifact]:
    found = await client.contracts.get(address)
    code = await client.contracts.code(found.info.code_hash)
    return found, Artifact(what, code, found.interface, found.info.profile)


def _describe(artifact: Artifact) -> dict[str, Any]:
    """Return what can be told of a module; `refused` says why it can't be deployed, if so."""
    code, profile = artifact.code, artifact.profile
    document: dict[str, Any] = {
        "name": artifact.name,
        "code_hash": compute_code_hash(code).hex(),
        "size_bytes": len(code),
        "milliseconds": round(artifact.seconds * 1_000, 2),
        "profile": "java" if profile == PROFILE_JAVA else "plain",
        "functions": 0, "memory_pages": 0, "exports": [], "imports": [], "refused": "",
    }  # fmt: skip
    try:
        shape = read_shape(code, is_java=profile == PROFILE_JAVA)
        document |= {
            "functions": len(shape.functions),
            "memory_pages": sum(shape.memories),
            "exports": [each.name for each in shape.exports if each.kind != _MEMORY_KIND],
            "imports": list(shape.imports),
        }
        check_module(code, profile)
    except InvalidInput as error:
        document["refused"] = error.message
    interface = _parse(artifact)
    if interface is not None:
        document["interface"] = describe_interface(interface)
    elif artifact.interface:
        document["refused"] = document["refused"] or "its interface can't be read"
    return document


def _describe_both(artifact: Artifact, contract: ContractRead) -> dict[str, Any]:
    return {
        **_describe(artifact),
        "contract": format_address(contract.info.address),
        "creator": format_address(contract.info.creator),
        "deployed_at": contract.info.height,
        "reentrant": contract.info.reentrant,
        "balance": contract.balance,
    }


def _list_rows(contract: ContractRead) -> list[tuple[str, Any]]:
    return [
        ("contract", format_address(contract.info.address)),
        ("creator", format_address(contract.info.creator)),
        ("deployed at", f"height {contract.info.height:,}"),
        ("balance", output.format_amount(contract.balance)),
        ("re-entrant", "yes" if contract.info.reentrant else "no"),
    ]
