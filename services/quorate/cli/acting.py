"""What commands that send payloads share: one transaction, its life, and what came of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from quorate.cli import life, output, session, wallet
from quorate.cli.hints import find_next_step
from quorate.cli.tx import sign
from quorate.core.errors import InvalidInput, Unavailable
from quorate.core.transactions import Payload
from quorate.core.values import HASH_BYTES
from quorate.kit import faults
from quorate.sdk.client import Client
from quorate.sdk.keys import Key
from quorate.sdk.transactions import Options
from quorate.sdk.values import Outcome, Receipt, Stage

Build = Callable[[Client, bytes], Awaitable[Sequence[Payload]]]
"""Returns the payloads of a transaction, given a client and the sender's address."""
Found = Mapping[str, str]
"""Names and values that a receipt gives rise to, like the id of what was made."""

From = Annotated[
    str, typer.Option("--from", "-f", metavar="KEY", help="Key that signs: a name, or demo.")
]
Timeout = Annotated[float, typer.Option("--timeout", help="Seconds to wait.")]
TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a transaction is sent: by whose key, over which gateway, and how it is told."""

    sender: str
    timeout_s: float
    keys_dir: Path | None
    password_file: Path | None
    endpoint: str | None
    as_json: bool

    def find_address(self, who: str) -> bytes:
        """Return the address of a name or of its text."""
        return wallet.resolve(wallet.find_directory(self.keys_dir), who)


def act(way: Way, build: Build, find: Callable[[Receipt], Found] = lambda _: {}) -> None:
    """Send one transaction, show its life and what it made; exits non-zero unless it succeeded."""
    key = wallet.open_key(wallet.find_directory(way.keys_dir), way.sender, way.password_file)

    async def work(client: Client) -> tuple[Receipt, dict[Stage, float]]:
        return await send(client, key, await build(client, key.address), way)

    receipt, stages_ms = session.run(way.endpoint, work)
    has_worked = receipt.outcome is Outcome.SUCCEEDED
    found = find(receipt) if has_worked else {}
    step = "" if has_worked else find_next_step(receipt.reason)
    if way.as_json:
        stages = {stage.name.lower(): round(ms, 1) for stage, ms in stages_ms.items()}
        output.print_json(
            {**life.receipt_document(receipt), **found, "stages_ms": stages, "next_step": step}
        )
    else:
        rows = [("transaction", receipt.id.hex()), ("outcome", receipt.outcome.name.lower())]
        rows += [("reason", receipt.reason)] if receipt.reason else []
        rows += [("next", step)] if step else []
        output.print_fields([*rows, *found.items()])
    if not has_worked:
        raise typer.Exit(faults.EXIT_PRECONDITION)


def parse_name(text: str, what: str) -> bytes:
    """Return the 32 bytes of a token's, lock's or proposal's id; raises InvalidInput."""
    try:
        name = bytes.fromhex(text)
    except ValueError:
        name = b""
    if len(name) != HASH_BYTES:
        raise InvalidInput(f"'{text}' is no {what}: 64 hex digits", reason="MALFORMED_ID")
    return name


def print_rows(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns whose last one, an id, is whole however narrow the screen is."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        output.out.print("  ".join(cells).rstrip(), markup=False)


def parse_units(text: str, decimals: int) -> int:
    """Return the smallest units of a decimal number of a token; raises InvalidInput."""
    whole, dot, part = text.replace(",", "").replace("_", "").partition(".")
    digits = whole + part
    if not digits.isascii() or not digits.isdigit() or (dot and not part):
        raise InvalidInput(
            f"'{text}' is no amount: give a number like 12 or 0.5", reason="MALFORMED_AMOUNT"
        )
    if len(part) > decimals:
        raise InvalidInput(
            f"'{text}' has more than the token's {decimals} decimals", reason="MALFORMED_AMOUNT"
        )
    return int(whole + part.ljust(decimals, "0"))


def format_units(amount: int, decimals: int) -> str:
    """Return smallest units of a token as people read them: 12345, 2 decimals → 123.45."""
    whole, part = divmod(amount, 10**decimals)
    digits = f"{part:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{whole:,}" + (f".{digits}" if digits else "")


async def send(
    client: Client, key: Key, payloads: Sequence[Payload], way: Way
) -> tuple[Receipt, dict[Stage, float]]:
    """Send one transaction and tell its life; returns its receipt and the stages' milliseconds."""
    wished = Options(sequence=0, valid_until_height=0, fee_limit=0)
    signed = await sign(client, [key], payloads, wished)
    tell: life.Tell = (lambda *_: None) if way.as_json else life.print_stage
    try:
        receipt, lived = await life.send_and_show(client, signed, way.timeout_s, tell)
    except Unavailable as error:
        if error.reason != "NO_RECEIPT":
            raise
        message = f"{error.message}: `quorate tx watch {signed.id.hex()}` follows it"
        raise Unavailable(message, reason=error.reason, id=signed.id.hex()) from error
    return receipt, lived.stages_ms
