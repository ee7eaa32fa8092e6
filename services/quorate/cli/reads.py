"""`quorate account|block|seats|status|faucet`: reading the chain, and money to begin with."""

import secrets
import time
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from quorate.cli import life, options, output, session, wallet
from quorate.cli.panels import describe_validator, make_validators_table
from quorate.cli.stake_panels import (
    describe_economy,
    format_left,
    format_short,
    print_economy,
)
from quorate.cli.tx import sign
from quorate.core.errors import InvalidInput
from quorate.core.params import Params
from quorate.core.values import format_address
from quorate.kit import faults
from quorate.sdk.client import Client
from quorate.sdk.payloads import build_transfers
from quorate.sdk.stake_values import Economy
from quorate.sdk.transactions import Options
from quorate.sdk.values import Account, Block, Outcome, Receipt, Seat, SeatSet, Status, Validator

_TIMEOUT_S: Final = 30.0
_LANES: Final = Params().lanes_max


def account(
    who: Annotated[str, typer.Argument(help="Address, or the name of a key.")] = "demo",
    keys_dir: options.KeysDir = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate account alice --json**

    Show an account's balance and lanes at the latest executed height.
    """
    address = wallet.resolve(wallet.find_directory(keys_dir), who)

    async def work(client: Client) -> Account:
        return await client.account(address)

    found = session.run(endpoint, work)
    if as_json:
        lanes = [{"lane": n, "next_sequence": s} for n, s in sorted(found.lanes.items())]
        document = {"address": format_address(address), "balance": found.balance, "lanes": lanes}
        output.print_json({**document, "height": found.height, "base_fee": found.base_fee})
        return
    lanes_text = ", ".join(f"{n}: {s:,}" for n, s in sorted(found.lanes.items())) or "none used"
    output.print_fields(
        [
            ("address", format_address(address)),
            ("balance", output.format_amount(found.balance)),
            ("next sequence", lanes_text),
            ("at height", f"{found.height:,}"),
        ]
    )


def block(
    which: Annotated[
        str, typer.Argument(metavar="[HEIGHT|DIGEST]", help="Default: the latest.")
    ] = "latest",
    last: Annotated[
        int, typer.Option("--last", min=0, max=1_000, help="List so many of the latest instead.")
    ] = 0,
    full: Annotated[bool, typer.Option("--full", help="Transaction ids and certificate.")] = False,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate block 42 --full --json**

    Show one block, or list the latest ones with --last.
    """
    height, digest = _parse_block(which)

    async def work(client: Client) -> list[Block]:
        if last:
            return (await client.blocks(page_size=last))[0]
        return [await client.block(height, digest=digest, full=full)]

    found = session.run(endpoint, work)
    if as_json and last:
        output.print_json({"blocks": [_block_document(each, full=False) for each in found]})
    elif as_json:
        output.print_json(_block_document(found[0], full=full))
    elif last:
        _print_blocks(found)
    else:
        _print_block(found[0])


def seats(
    epoch: Annotated[
        int | None, typer.Option("--epoch", min=0, help="Default: the running one.")
    ] = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate seats --epoch 3 --json**

    Show the seats of an epoch, and against which of them there is evidence on chain.

    The set of the next epoch is known while one runs.
    """

    async def work(client: Client) -> SeatSet:
        return await client.seats(epoch)

    found = session.run(endpoint, work)
    if as_json:
        listed = [_describe_seat(each) for each in found.seats]
        document = {**found._asdict(), "hash": found.hash.hex(), "seats": listed}
        output.print_json(document)
        return
    running = "running" if found.epoch == found.running_epoch else f"{found.running_epoch:,} runs"
    output.print_fields(
        [
            ("epoch", f"{found.epoch:,} ({running})"),
            ("at height", f"{found.height:,}"),
            ("set hash", found.hash.hex()),
        ]
    )
    output.out.print()
    table = output.make_table(
        "seat", "validator", "candidate", "stake", "missed", "left", "public key", "marked",
        right=("seat", "stake", "missed", "left"),
    )  # fmt: skip
    for each in found.seats:
        mark = f"view {each.view:,}, at height {each.height:,}" if each.evidence else "no"
        table.add_row(
            str(each.seat),
            Text(each.name, style="bold"),
            Text(format_short(each.candidate), style="dim"),
            output.format_amount(each.stake),
            f"{each.missed:,}",
            format_left(each.views_left),
            Text(each.public_key.hex()[:16] + "…", style="dim"),
            Text(mark, style="bold red" if each.evidence else "dim"),
        )
    output.out.print(table)


def epoch(endpoint: options.Endpoint = None, as_json: options.Json = False) -> None:
    """**quorate epoch --json**

    Show when the running epoch ends, how much there is of the token, and how spread the seats are.
    """

    async def work(client: Client) -> Economy:
        return await client.economy()

    found = session.run(endpoint, work)
    if as_json:
        output.print_json(describe_economy(found))
    else:
        print_economy(found)


def status(endpoint: options.Endpoint = None, as_json: options.Json = False) -> None:
    """**quorate status --json**

    Show the chain's height, fees and validators as the gateway sees them.
    """

    async def work(client: Client) -> tuple[Status, list[Validator]]:
        return await client.status(), await client.validators()

    found, validators = session.run(endpoint, work)
    if as_json:
        document: dict[str, Any] = {
            key: value.hex() if isinstance(value, bytes) else value
            for key, value in found._asdict().items()
        }
        document["validators"] = [describe_validator(each) for each in validators]
        output.print_json(document)
        return
    ago_s = max(0.0, time.time() - found.time_ms / 1_000)
    output.print_fields(
        [
            ("chain", found.chain_id),
            ("height", f"{found.height:,}" + (f", {ago_s:,.1f} s ago" if found.time_ms else "")),
            ("epoch", f"{found.epoch:,}"),
            ("base fee", f"{found.base_fee:,} per weight"),
            ("validators", f"{found.validators_reachable} of {found.validators_total} answer"),
            ("version", found.version),
        ]
    )
    output.out.print()
    output.out.print(make_validators_table(validators))


def _describe_seat(seat: Seat) -> dict[str, Any]:
    return {
        "seat": seat.seat,
        "name": seat.name,
        "public_key": seat.public_key.hex(),
        "mark": _describe_mark(seat),
        "candidate": format_address(seat.candidate),
        "stake": seat.stake,
        "missed": seat.missed,
        "views_left": seat.views_left,
    }


def _describe_mark(seat: Seat) -> dict[str, Any] | None:
    if not seat.evidence:
        return None
    return {"view": seat.view, "height": seat.height, "evidence": seat.evidence.hex()}


def faucet(
    to: Annotated[str, typer.Argument(help="Address, or the name of a key.")],
    amount: Annotated[str, typer.Argument(help="Tokens.")] = "1000",
    keys_dir: options.KeysDir = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate faucet alice 1000**

    Send tokens from the local network's faucet and wait until they are there.
    """
    directory = wallet.find_directory(keys_dir)
    target, units = wallet.resolve(directory, to), output.parse_amount(amount)
    key = wallet.open_key(directory, "faucet", None)
    # Several people may use the faucet at once: a lane at random keeps them apart.
    wished = Options(sequence=0, valid_until_height=0, fee_limit=0, lane=secrets.randbelow(_LANES))

    async def work(client: Client) -> tuple[Receipt, Account]:
        signed = await sign(client, [key], build_transfers([(target, units)]), wished)
        receipt, _ = await life.send_and_show(client, signed, _TIMEOUT_S, lambda *_: None)
        return receipt, await client.account(target)

    receipt, funded = session.run(endpoint, work)
    if as_json:
        output.print_json({**life.receipt_document(receipt), "balance": funded.balance})
    else:
        output.err.print(f"{output.format_amount(units)} sent to {format_address(target)}")
        output.out.print(f"balance {output.format_amount(funded.balance)}")
    if receipt.outcome is not Outcome.SUCCEEDED:
        raise typer.Exit(faults.EXIT_PRECONDITION)


def _parse_block(which: str) -> tuple[int | None, bytes]:
    if which == "latest":
        return None, b""
    if which.replace(",", "").isdecimal() and len(which) < 20:
        return int(which.replace(",", "")), b""
    try:
        digest = bytes.fromhex(which)
    except ValueError as error:
        raise InvalidInput(
            f"'{which}' is neither a height nor a digest of 64 hex digits", reason="MALFORMED_BLOCK"
        ) from error
    return None, digest


def _block_document(found: Block, *, full: bool) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in found._asdict().items():
        if key in ("transaction_ids", "certificate") and not full:
            continue
        document[key] = _to_json(value)
    return document


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_to_json(each) for each in value]
    return value


def _print_block(found: Block) -> None:
    made = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(found.time_ms / 1_000))
    rows: list[tuple[str, object]] = [
        ("height", f"{found.height:,}"),
        ("digest", found.digest.hex()),
        ("parent", found.parent.hex()),
        ("time", f"{made}.{found.time_ms % 1_000:03} UTC"),
        ("view", f"{found.view:,}, epoch {found.epoch}, proposed by seat {found.proposer}"),
        ("transactions", f"{found.transactions:,} in {len(found.batches)} batches"),
        ("weight", f"{found.weight:,}, base fee {found.base_fee:,}"),
        ("write digest", found.write_digest.hex()),
    ]
    if found.certificate:
        rows.append(("certificate", f"{len(found.certificate):,} bytes"))
    output.print_fields([*rows, *[("transaction", id_.hex()) for id_ in found.transaction_ids]])


def _print_blocks(found: list[Block]) -> None:
    right = ("height", "view", "seat", "transactions", "batches")
    table = output.make_table(*right[:1], "time", *right[1:], "digest", right=right)
    for each in found:
        made = time.strftime("%H:%M:%S", time.gmtime(each.time_ms / 1_000))
        counts = (each.view, each.proposer, each.transactions, len(each.batches))
        table.add_row(
            f"{each.height:,}",
            f"{made}.{each.time_ms % 1_000:03}",
            *[f"{count:,}" for count in counts],
            each.digest.hex()[:16],
        )
    output.out.print(table)
