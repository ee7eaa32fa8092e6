"""`quorate tx …`: send a transfer and watch it become final, look one up, ask why it waits."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, NamedTuple

import typer

from quorate.cli import fees, life, options, output, session, wallet
from quorate.core.errors import NotFound, Unavailable
from quorate.core.transactions import Payload
from quorate.core.values import format_address
from quorate.kit import faults
from quorate.sdk.client import Client
from quorate.sdk.fees import Simulation
from quorate.sdk.keys import Key
from quorate.sdk.payloads import build_transfers
from quorate.sdk.sender import VALIDITY_BLOCKS, set_fee
from quorate.sdk.transactions import Options, Signed, encode_unsigned, sign_payloads
from quorate.sdk.values import Executed, Outcome, Receipt, Stage, Update

app = typer.Typer(no_args_is_help=True, help="Send transactions and follow them.")

From = Annotated[
    str, typer.Option("--from", "-f", metavar="KEY", help="Key that pays: a name, or demo.")
]
Lane = Annotated[int, typer.Option("--lane", min=0, max=15, help="Nonce lane.")]
Tip = Annotated[
    str | None, typer.Option("--tip", help="Tokens on top of the fee. Default: as estimated.")
]
Within = Annotated[int, typer.Option("--within", min=0, help="Fees for so many blocks; 0: soon.")]
Memo = Annotated[str, typer.Option("--memo", help="Up to 256 bytes.")]
IdempotencyKey = Annotated[
    str, typer.Option("--idempotency-key", help="The same key takes effect once.")
]
Timeout = Annotated[float, typer.Option("--timeout", help="Seconds to wait.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID…", help="Transaction ids, 64 hex digits.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Run it on the latest state; sign and send nothing.")
]


class Fee(NamedTuple):
    """What is asked of fees: a tip, None: as estimated; and for how many blocks, 0: soon."""

    tip: int | None = None
    within_blocks: int = 0


SOON: Final = Fee()
app.command(short_help="Tell what a transfer has to pay, and why.")(fees.estimate)
app.command(short_help="Tell where a transaction is, and what blocks it.")(fees.explain)


@app.command(short_help="Send a transfer and show its life.")
def send(
    *,
    to: Annotated[str, typer.Argument(help="Address, or the name of a key.")],
    amount: Annotated[str, typer.Argument(help="Tokens, like 12 or 0.5.")],
    sender: From = "demo",
    lane: Lane = 0,
    tip: Tip = None,
    within: Within = 0,
    memo: Memo = "",
    idempotency_key: IdempotencyKey = "",
    dry_run: DryRun = False,
    timeout_s: Timeout = 30.0,
    keys_dir: options.KeysDir = None,
    password_file: options.PasswordFile = None,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate tx send qr1… 12.5 --from alice**

    Sign a transfer, send it, and show each stage with milliseconds until it is executed. Sent again
    as long as it is neither executed nor expired; the same transaction never has a second effect.
    Fee limit and tip are what the gateway advises. With --dry-run nothing is signed or sent: the
    latest state tells which receipt it would have.
    """
    directory = wallet.find_directory(keys_dir)
    target, units = wallet.resolve(directory, to), output.parse_amount(amount)
    payloads = build_transfers([(target, units)])
    wished = _build_options(lane, memo, idempotency_key)
    fee = Fee(None if tip is None else output.parse_amount(tip), within)
    if dry_run:
        payer = wallet.resolve(directory, sender)
        found = session.run(endpoint, lambda client: _try(client, payer, payloads, wished, fee))
        fees.show_simulation(found, as_json=as_json)
        return
    key = wallet.open_key(directory, sender, password_file)

    async def work(client: Client) -> tuple[Receipt, dict[Stage, float]]:
        signed = await sign(client, [key], payloads, wished, fee)
        if not as_json:
            output.err.print(f"sending {output.format_amount(units)} to {format_address(target)}")
        return await _send(client, signed, timeout_s, as_json=as_json)

    receipt, stages_ms = session.run(endpoint, work)
    if as_json:
        stages = {stage.name.lower(): round(ms, 1) for stage, ms in stages_ms.items()}
        output.print_json({**life.receipt_document(receipt), "stages_ms": stages})
    else:
        output.out.print(receipt.id.hex())
    if receipt.outcome is not Outcome.SUCCEEDED:
        raise typer.Exit(faults.EXIT_PRECONDITION)


@app.command(short_help="Tell how far a transaction got.")
def status(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Transaction id, 64 hex digits.")],
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate tx status ID --json**

    Show the receipt of an executed transaction, or the stage it has reached.
    """
    wanted = output.parse_id(id_)

    async def work(client: Client) -> tuple[Stage, Receipt | None]:
        try:
            return Stage.EXECUTED, await client.receipt(wanted)
        except NotFound:
            return await client.stage(wanted), None

    stage, receipt = session.run(endpoint, work)
    if receipt is None and stage is Stage.UNKNOWN:
        raise NotFound(
            "nothing is known of this transaction: it was never sent here, or dropped long ago",
            reason="NO_TRANSACTION",
            id=id_,
        )
    if as_json:
        found = life.receipt_document(receipt) if receipt is not None else None
        output.print_json({"id": id_, "stage": stage.name, "receipt": found})
    elif receipt is None:
        output.print_fields([("id", id_), ("stage", stage.name.lower())])
    else:
        output.print_fields([("id", id_), *_receipt_rows(receipt)])


@app.command(short_help="Follow transactions until each has its end.")
def watch(
    ids: Ids,
    timeout_s: Timeout = 60.0,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate tx watch ID1 ID2**

    Print each stage as it happens, until all are executed or dropped. With --json, one document
    per line.
    """
    wanted = [output.parse_id(text) for text in ids]

    async def work(client: Client) -> None:
        left = set(wanted)
        async with client.watch(wanted) as updates:
            for id_ in wanted:
                left -= await _tell_known(client, id_, as_json=as_json)
            while left:
                left -= _tell_update(await anext(updates), left, as_json=as_json)

    async def bounded(client: Client) -> None:
        try:
            await asyncio.wait_for(work(client), timeout_s)
        except TimeoutError as error:
            raise Unavailable("not all had their end in time", reason="WATCH_TIMEOUT") from error

    session.run(endpoint, bounded)


def _build_options(lane: int, memo: str, idempotency_key: str) -> Options:
    """Return options that lack what the chain tells."""
    return Options(
        sequence=0,
        valid_until_height=0,
        fee_limit=0,
        lane=lane,
        idempotency_key=idempotency_key.encode(),
        memo=memo.encode(),
    )


async def sign(
    client: Client,
    keys: Sequence[Key],
    payloads: Sequence[Payload],
    wished: Options,
    fee: Fee = SOON,
) -> Signed:
    """Return payloads signed with everything that `complete` fills in.

    The first key is the sender's.
    """
    options_ = await complete(client, keys[0].address, payloads, wished, fee)
    return sign_payloads((await client.status()).domain, keys, payloads, options_)


async def complete(
    client: Client, sender: bytes, payloads: Sequence[Payload], wished: Options, fee: Fee
) -> Options:
    """Return options with the lane's next sequence, an expiry, and fee limit and tip as advised."""
    state, account = await client.status(), await client.account(sender)
    options_ = replace(
        wished,
        sequence=account.lanes.get(wished.lane, 0),
        valid_until_height=state.height + min(VALIDITY_BLOCKS, state.validity_max_blocks),
    )
    return await set_fee(
        client, sender, payloads, options_, tip=fee.tip, within_blocks=fee.within_blocks
    )


async def _try(
    client: Client, sender: bytes, payloads: Sequence[Payload], wished: Options, fee: Fee
) -> Simulation:
    options_ = await complete(client, sender, payloads, wished, fee)
    return await client.simulate(encode_unsigned(sender, payloads, options_))


async def _tell_known(client: Client, id_: bytes, *, as_json: bool) -> set[bytes]:
    try:
        receipt = await client.receipt(id_)
    except NotFound:
        return set()
    _tell(id_, Stage.EXECUTED, life.describe_receipt(receipt), receipt, as_json=as_json)
    return {id_}


def _tell_update(update: Update, left: set[bytes], *, as_json: bool) -> set[bytes]:
    """Print what an update says of those still open; return those that have their end now."""
    ended: set[bytes] = set()
    if isinstance(update, Executed):
        for receipt in update.receipts:
            if receipt.id in left and receipt.outcome is not Outcome.SKIPPED:
                about = life.describe_receipt(receipt)
                _tell(receipt.id, Stage.EXECUTED, about, receipt, as_json=as_json)
                ended.add(receipt.id)
        return ended
    for id_ in update.ids:
        if id_ in left:
            about = update.reason or (f"height {update.height:,}" if update.height else "")
            _tell(id_, update.stage, about, None, as_json=as_json)
            ended |= {id_} if update.stage is Stage.DROPPED else set()
    return ended


def _tell(id_: bytes, stage: Stage, about: str, receipt: Receipt | None, *, as_json: bool) -> None:
    if as_json:
        found = life.receipt_document(receipt) if receipt is not None else None
        document: dict[str, Any] = {"id": id_.hex(), "stage": stage.name, "about": about}
        output.print_json({**document, "receipt": found})
    else:
        output.out.print(f"{id_.hex()}  {stage.name.lower():<9} {about}")


def _receipt_rows(receipt: Receipt) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [
        ("outcome", receipt.outcome.name.lower()),
        ("height", f"{receipt.height:,}"),
        ("position", receipt.position),
        ("fee", output.format_amount(receipt.fee)),
    ]
    rows += [("reason", receipt.reason)] if receipt.reason else []
    rows += [("first id", receipt.first_id.hex())] if receipt.first_id else []
    return rows


async def _send(
    client: Client, signed: Signed, timeout_s: float, *, as_json: bool
) -> tuple[Receipt, dict[Stage, float]]:
    tell = _ignore if as_json else life.print_stage
    try:
        receipt, lived = await life.send_and_show(client, signed, timeout_s, tell)
    except Unavailable as error:
        raise _name_id(error, signed.id) from error
    return receipt, lived.stages_ms


def _name_id(error: Unavailable, id_: bytes) -> Unavailable:
    """Return the error of a transaction that may still be executed, with how to find out."""
    if error.reason != "NO_RECEIPT":
        return error
    message = f"{error.message}: `quorate tx watch {id_.hex()}` follows it"
    return Unavailable(message, reason=error.reason, id=id_.hex())


def _ignore(stage: Stage, milliseconds: float, about: str) -> None:
    """Tell nothing: --json prints all stages at the end."""
