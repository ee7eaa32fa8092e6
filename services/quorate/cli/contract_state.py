"""`quorate contract state|diff`: the global variables of a contract, and how they changed."""

from typing import Annotated, Any

import typer

from quorate.cli import contract_book, options, output, session
from quorate.cli.contract_deeds import ContractName
from quorate.cli.contract_faces import Face, Faces
from quorate.cli.contract_names import Names
from quorate.cli.contract_panels import (
    describe_changes,
    describe_state,
    print_changes,
    print_state,
)
from quorate.core.contracts.payloads import KEY_BYTES_MAX
from quorate.core.errors import InvalidInput
from quorate.sdk.client import Client
from quorate.sdk.contract_messages import Changes, StateChange, StatePage
from quorate.sdk.contract_values import compute_prefix

Height = Annotated[int, typer.Option("--height", min=0, help="After that block. Default: now.")]
_PAGE_MAX = 1_000


def state(
    *,
    contract: ContractName,
    variable: Annotated[
        str, typer.Argument(metavar="[VARIABLE]", help="Only this one, with all its entries.")
    ] = "",
    count: Annotated[
        int, typer.Option("--count", min=1, max=_PAGE_MAX, help="Most records of a page.")
    ] = 100,
    after: Annotated[
        str, typer.Option("--after", metavar="KEY", help="Go on after this key, as a page ended.")
    ] = "",
    height: Height = 0,
    keys_dir: options.KeysDir = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate contract state token balances --count 20**

    Show a contract's global variables; each entry of a map is a line of its own. What has its
    type's zero (0, false, empty) is not stored, and so not listed.
    """
    names, address = Names(keys_dir), contract_book.resolve(contract)
    start = _parse_key(after)

    async def work(client: Client) -> tuple[Face, StatePage]:
        face = await Faces(client, names).load(address)
        if variable and face.interface is not None:
            face.interface.find_variable(variable)
        prefix = compute_prefix(variable) if variable else b""
        page = await client.contracts.state(
            address, prefix, after=start, page_size=count, height=height
        )
        return face, page

    face, page = session.run(endpoint, work)
    next_ = "0x" + page.records[-1].key.hex() if page.more and page.records else ""
    if as_json:
        records = describe_state(face, page.records)
        output.print_json({"records": records, "height": page.height, "next": next_})
        return
    print_state(face, page.records)
    output.err.print(f"{len(page.records):,} records, at height {page.height:,}", style="dim")
    if next_:
        output.err.print(f"there are more: --height {page.height} --after {next_}")


def diff(
    *,
    contract: ContractName,
    since: Annotated[
        str, typer.Argument(metavar="HEIGHT|ID", help="State after this block, or a transaction.")
    ],
    until: Annotated[
        int, typer.Argument(metavar="[HEIGHT]", min=0, help="… and after this one. Default: now.")
    ] = 0,
    keys_dir: options.KeysDir = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate contract diff token 120 180**

    Show which variables differ between two heights, or what the block of a transaction changed.
    """
    names, address = Names(keys_dir), contract_book.resolve(contract)
    height, id_ = _parse_since(since, until)

    async def work(client: Client) -> tuple[Faces, Changes]:
        faces = Faces(client, names)
        await faces.load(address)
        first, last = height, until
        if id_:
            last = (await client.receipt(id_)).height
            first = last - 1
        return faces, await client.contracts.changes(address, first, last)

    faces, found = session.run(endpoint, work)
    if as_json:
        changes = describe_changes(faces, found.changes)
        output.print_json({**_describe_heights(found), "changes": changes})
        return
    _print_changes(faces, found.changes)
    span = f"from height {found.from_height:,} to {found.to_height:,}"
    output.err.print(f"{len(found.changes):,} differ {span}", style="dim")
    if found.cut:
        output.err.print("there are more: ask for a shorter span")


def _print_changes(faces: Faces, changes: tuple[StateChange, ...]) -> None:
    if changes:
        print_changes(faces, changes)


def _describe_heights(found: Changes) -> dict[str, Any]:
    names = ("from_height", "to_height", "lowest_height", "cut")
    return {name: getattr(found, name) for name in names}


def _parse_since(text: str, until: int) -> tuple[int, bytes]:
    plain = text.replace(",", "")
    if plain.isascii() and plain.isdigit() and len(plain) < 20:
        return int(plain), b""
    if until:
        raise InvalidInput("a transaction has one height: leave the second out", reason="USAGE")
    return 0, output.parse_id(text)


def _parse_key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        key = bytes(KEY_BYTES_MAX + 1)
    if len(key) > KEY_BYTES_MAX:
        raise InvalidInput(
            f"'{text}' is no key of a record: give hex digits, as a page ended with",
            reason="MALFORMED_KEY",
        )
    return key
