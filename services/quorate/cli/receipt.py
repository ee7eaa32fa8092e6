"""`quorate receipt get|verify`: proof of what became of a transaction, good without a network."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from quorate.cli import options, output, session
from quorate.core.errors import NotFound
from quorate.core.values import compute_quorum, format_address
from quorate.devnet.layout import DEFAULT_DIRECTORY
from quorate.sdk import receipts
from quorate.sdk.client import Client
from quorate.sdk.receipts import Proven
from quorate.sdk.values import Outcome

app = typer.Typer(no_args_is_help=True, help="Prove what became of a transaction.")

_STYLES = {Outcome.SUCCEEDED: "bold green", Outcome.FAILED: "bold red"}
Genesis = Annotated[
    str | None,
    typer.Option(
        "--genesis", "-g", metavar="FILE|HASH",
        help="genesis.json or the genesis hash that you trust. Default: the local network's.",
    ),
]  # fmt: skip
Point = Annotated[
    str | None,
    typer.Option(
        "--trust", metavar="EPOCH:HASH:TIME", help="Start from a point an earlier receipt gave."
    ),
]
AnyAge = Annotated[
    bool,
    typer.Option("--any-age", help="Trust the start even if its seats may have their stake back."),
]


@app.command(short_help="Fetch, check and keep a receipt.")
def get(
    *,
    id_: Annotated[str, typer.Argument(metavar="ID", help="Transaction id, 64 hex digits.")],
    file: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: ID.receipt.")
    ] = None,
    genesis: Genesis = None,
    trust: Point = None,
    any_age: AnyAge = False,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Seconds to wait.")] = 30.0,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate receipt get ID -o order-17.receipt**

    Fetch the finality receipt of an executed transaction, verify it, and write it to a file. Waits
    until a final header claims the transaction's block, which takes a few blocks.

    Without --genesis and without a local network it is checked against the genesis hash that the
    gateway names, which proves nothing to who doubts the gateway: verify it again then.
    """
    wanted = output.parse_id(id_)
    point = None if trust is None else receipts.parse_point(trust)
    known = _find_genesis(genesis) if genesis is not None or _find_local() is not None else None

    async def work(client: Client) -> tuple[bytes, bytes]:
        from_epoch = None if point is None else point.epoch
        data = await receipts.fetch(client, wanted, from_epoch=from_epoch, timeout_s=timeout_s)
        return data, known or (await client.status()).genesis_hash

    data, genesis_hash = session.run(endpoint, work)
    proven = receipts.verify(data, genesis_hash, point, any_age=any_age)
    path = file or Path(f"{id_}.receipt")
    receipts.save(path, data)
    _show(proven, path, len(data), as_json=as_json)


@app.command(short_help="Check a receipt without a network.")
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As `receipt get` wrote it.")],
    genesis: Genesis = None,
    trust: Point = None,
    any_age: AnyAge = False,
    as_json: options.Json = False,
) -> None:
    """**quorate receipt verify order-17.receipt --genesis genesis.json**

    Check a finality receipt, without a network, from a genesis that you trust: that a quorum of the
    seats of its epoch made the header final that claims this outcome, and that each epoch since the
    genesis handed over to the next. Exit code 0: proven, whatever the outcome; 2: it proves
    nothing; 4: what it starts from is older than stake stays bound (see --any-age and --trust).
    """
    point = None if trust is None else receipts.parse_point(trust)
    data, genesis_hash = receipts.load(file), _find_genesis(genesis)
    started = time.perf_counter()
    proven = receipts.verify(data, genesis_hash, point, any_age=any_age)
    took_ms = (time.perf_counter() - started) * 1_000
    _show(proven, file, len(data), as_json=as_json, took_ms=took_ms)


def _find_local() -> Path | None:
    path = DEFAULT_DIRECTORY / "genesis.json"
    return path if path.is_file() else None


def _find_genesis(given: str | None) -> bytes:
    local = _find_local()
    if given is None and local is None:
        raise NotFound(
            "no genesis named and no local network here: give --genesis genesis.json, or the hash",
            reason="NO_GENESIS",
        )
    return receipts.find_genesis_hash(given or str(local))


def _show(
    proven: Proven, path: Path, size_bytes: int, *, as_json: bool, took_ms: float | None = None
) -> None:
    if as_json:
        document = _describe(proven)
        output.print_json({**document, "file": str(path), "size_bytes": size_bytes})
        return
    rows = _list_rows(proven)
    took = "" if took_ms is None else f", checked in {took_ms:.1f} ms"
    rows.append(("file", f"{path}, {size_bytes:,} bytes{took}"))
    if not output.out.is_terminal:
        output.print_fields(rows)
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    style = _STYLES.get(proven.outcome, "bold yellow")
    title = Text(f" proven: {proven.outcome.name.lower()} ", style=style)
    output.out.print(
        Panel(table, title=title, title_align="left", border_style=style, expand=False)
    )


def _list_rows(proven: Proven) -> list[tuple[str, str | Text]]:
    proof = proven.proof
    receipt, header = proof.receipt, proof.header
    made = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(header.time_ms / 1_000))
    reason = f" ({proven.reason})" if proven.reason else ""
    outcome = Text(proven.outcome.name.lower(), style=_STYLES.get(proven.outcome, "bold yellow"))
    signers = ", ".join(f"{seat.name} (seat {seat.index})" for seat in proof.signers)
    rows: list[tuple[str, str | Text]] = [
        ("transaction", receipt.id.hex()),
        ("outcome", outcome + Text(reason)),
        ("fee", output.format_amount(receipt.fee)),
        ("sender", format_address(receipt.sender)),
        ("place", f"lane {receipt.lane}, sequence {receipt.sequence:,}"),
        ("executed at", f"height {proof.height:,}, position {proof.position:,}"),
    ]
    if receipt.first_id:
        rows.append(("first id", receipt.first_id.hex()))
    rows += [
        ("chain", proof.chain_id),
        ("claimed by", f"header {header.height:,}, epoch {header.epoch:,}, {made} UTC"),
        ("signed by", f"{signers}: {compute_quorum(proof.seats)} of {proof.seats} seats"),
        ("trusted from", f"epoch {proof.start_epoch:,}, {_count_links(proof.links)}"),
        ("trust point", receipts.format_point(proof.trust)),
    ]
    return rows


def _count_links(links: int) -> str:
    return {0: "no hand-over", 1: "one hand-over"}.get(links, f"{links:,} hand-overs")


def _describe(proven: Proven) -> dict[str, Any]:
    proof = proven.proof
    receipt, header = proof.receipt, proof.header
    return {
        "id": receipt.id.hex(),
        "outcome": proven.outcome.name,
        "reason": proven.reason,
        "height": proof.height,
        "position": proof.position,
        "fee": receipt.fee,
        "first_id": receipt.first_id.hex(),
        "sender": format_address(receipt.sender),
        "lane": receipt.lane,
        "sequence": receipt.sequence,
        "chain_id": proof.chain_id,
        "header": {
            "height": header.height,
            "epoch": header.epoch,
            "view": header.view,
            "time_ms": header.time_ms,
            "digest": proof.digest.hex(),
        },
        "signers": [
            {"seat": seat.index, "name": seat.name, "public_key": seat.public_key.hex()}
            for seat in proof.signers
        ],
        "seats": proof.seats,
        "links": proof.links,
        "trust_point": receipts.format_point(proof.trust),
    }
