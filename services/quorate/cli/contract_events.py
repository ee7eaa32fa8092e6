"""`quorate contract events|list`: what contracts told, and which there are."""

from typing import Annotated, Any

import typer
from rich.text import Text

from quorate.cli import contract_book, options, output, session
from quorate.cli.contract_deeds import ContractName
from quorate.cli.contract_faces import Faces
from quorate.cli.contract_names import Names
from quorate.cli.contract_panels import describe_event, print_columns
from quorate.cli.contract_words import clean
from quorate.core.contracts.payloads import PROFILE_JAVA
from quorate.core.values import format_address
from quorate.sdk.client import Client
from quorate.sdk.contract_messages import ContractInfo, EventRecord, Place

_PAGE = 100


def events(
    *,
    contract: ContractName,
    name: Annotated[str, typer.Argument(metavar="[EVENT]", help="Only of this name.")] = "",
    count: Annotated[
        int, typer.Option("--count", min=1, max=100_000, help="List so many at most.")
    ] = 100,
    since: Annotated[
        int, typer.Option("--since", min=0, metavar="HEIGHT", help="From this block on.")
    ] = 0,
    follow: Annotated[
        bool, typer.Option("--follow", help="Show them as they come, until Ctrl-C.")
    ] = False,
    keys_dir: options.KeysDir = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate contract events token Transferred --follow**

    List a contract's events, the oldest first. With --follow instead all from --since on, or new
    ones, as their blocks are executed, also across lost connections; with --json one per line.
    """
    names, address = Names(keys_dir), contract_book.resolve(contract)
    # Everything of the block before, so that the next one is the first of the block asked for.
    start = Place(since - 1, 2**32 - 1, 0) if since else None

    async def work(client: Client) -> None:
        faces = Faces(client, names)
        await faces.load(address)
        if follow:
            async for each in client.contracts.watch_events(address, name, after=start):
                _print(faces, each, as_json=as_json)
            return
        found, has_more = await _list(client, address, name, start, count)
        if as_json:
            listed = [_describe(faces, each) for each in found]
            output.print_json({"events": listed, "more": has_more})
            return
        for each in found:
            _print(faces, each, as_json=False)
        output.err.print(f"{len(found):,} events", style="dim")
        if has_more:
            last = found[-1].place.height
            output.err.print(f"there are more: --since {last}, or a larger --count")

    session.run(endpoint, work)


def list_(
    *,
    creator: Annotated[
        str, typer.Option("--creator", metavar="KEY", help="Only this one's: address or name.")
    ] = "",
    count: Annotated[int, typer.Option("--count", min=1, max=10_000, help="At most.")] = 100,
    keys_dir: options.KeysDir = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate contract list --creator demo**

    List contracts by address, and what they are called here.
    """
    names = Names(keys_dir)
    maker = names.resolve(creator) if creator else b""

    async def work(client: Client) -> list[ContractInfo]:
        found, page = await client.contracts.list(maker, min(count, _PAGE))
        while page and len(found) < count:
            more, page = await client.contracts.list(maker, min(count, _PAGE), page)
            found += more
        return found[:count]

    found = session.run(endpoint, work)
    if as_json:
        listed = [_describe_info(names, each) for each in found]
        output.print_json({"contracts": listed})
        return
    rows = [
        (
            names.find(each.address),
            "java" if each.profile == PROFILE_JAVA else "plain",
            f"{each.code_bytes:>7,}",
            f"{each.height:>8,}",
            names.find(each.creator) or f"…{format_address(each.creator)[-8:]}",
            format_address(each.address),
        )
        for each in found
    ]
    print_columns(("name", "kind", "bytes", "height", "creator", "contract"), rows)


async def _list(
    client: Client, address: bytes, name: str, after: Place | None, count: int
) -> tuple[list[EventRecord], bool]:
    """Return so many events after a place, and whether there are more."""
    found: list[EventRecord] = []
    while len(found) < count:
        size = min(_PAGE, count - len(found))
        page = await client.contracts.events(address, name, after=after, page_size=size)
        found += page.events
        after = page.next
        if after is None:
            return found, False
    return found, True


def _print(faces: Faces, found: EventRecord, *, as_json: bool) -> None:
    if as_json:
        output.print_json(_describe(faces, found))
        return
    event = found.event
    text, _ = faces.find(event.contract).read_event(event.name, event.data)
    line = Text(f"{found.place.height:>8,}  ", style="dim").append(clean(event.name), style="bold")
    output.out.print(line.append(f"({text})", style="default"))


def _describe(faces: Faces, found: EventRecord) -> dict[str, Any]:
    place = found.place
    return {
        **describe_event(faces, found.event),
        "height": place.height,
        "position": place.position,
        "index": place.number,
        "transaction": found.transaction.hex(),
    }


def _describe_info(names: Names, info: ContractInfo) -> dict[str, Any]:
    return {
        "contract": format_address(info.address),
        "name": names.find(info.address),
        "creator": format_address(info.creator),
        "code_hash": info.code_hash.hex(),
        "size_bytes": info.code_bytes,
        "profile": "java" if info.profile == PROFILE_JAVA else "plain",
        "reentrant": info.reentrant,
        "height": info.height,
    }
