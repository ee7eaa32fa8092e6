"""The life of one transaction, stage by stage, with milliseconds since it was sent."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from quorate.cli import output
from quorate.sdk.client import Client
from quorate.sdk.sending import send_and_wait
from quorate.sdk.transactions import Signed
from quorate.sdk.values import Executed, Outcome, Receipt, Stage, Staged
from quorate.sdk.watching import Watch

_HINTS_S: Final = 0.2
Tell = Callable[[Stage, float, str], None]
"""Hears a stage, milliseconds since the start, and what about it."""


class Life:
    """Collects the stages of one transaction as they are heard of."""

    def __init__(self, id_: bytes, tell: Tell) -> None:
        """`tell` hears each stage once: stage, milliseconds since the start, what about it."""
        self._id, self._tell = id_, tell
        self._start_s = time.perf_counter()
        self.stages_ms: dict[Stage, float] = {}
        self.executed = asyncio.Event()

    def note(self, stage: Stage, about: str = "") -> None:
        """Note a stage; later news of the same stage are not told."""
        if stage not in self.stages_ms:
            self.stages_ms[stage] = (time.perf_counter() - self._start_s) * 1_000
            self._tell(stage, self.stages_ms[stage], about)
        if stage is Stage.EXECUTED:
            self.executed.set()

    async def follow(self, watch: Watch) -> None:
        """Note everything a watch says of it, until cancelled."""
        async for update in watch:
            if isinstance(update, Executed):
                for receipt in update.receipts:
                    if receipt.id == self._id and receipt.outcome is not Outcome.SKIPPED:
                        self.note(Stage.EXECUTED, describe_receipt(receipt))
            elif self._id in update.ids:
                self.note(update.stage, _describe_stage(update))


async def send_and_show(
    client: Client, signed: Signed, timeout_s: float, tell: Tell
) -> tuple[Receipt, Life]:
    """Send a transaction, tell each stage, return the receipt; raises as `send_and_wait`."""
    async with client.watch([signed.id]) as watch:
        life = Life(signed.id, tell)
        following = asyncio.create_task(life.follow(watch))
        try:
            receipt = await send_and_wait(client, signed, timeout_s=timeout_s)
            # The receipt may overtake this watch's own news by a few milliseconds.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(life.executed.wait(), _HINTS_S)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
    life.note(Stage.EXECUTED, describe_receipt(receipt))
    return receipt, life


def print_stage(
    stage: Stage, milliseconds: float, about: str, console: Console = output.err
) -> None:
    """Print one stage as a line, on stderr where nothing else is said."""
    style = "red" if stage is Stage.DROPPED else "green" if stage is Stage.EXECUTED else ""
    line = Text(f"  {milliseconds:>8.1f} ms  ", style="dim")
    line.append(f"{stage.name.lower():<9}", style=style or "bold")
    console.print(line, Text(about, style="dim"))


def describe_receipt(receipt: Receipt) -> str:
    """Return a receipt in a few words."""
    where = f"height {receipt.height:,}, position {receipt.position}"
    fee = f"fee {output.format_amount(receipt.fee)}"
    failed = "" if receipt.outcome is Outcome.SUCCEEDED else f"{receipt.outcome.name.lower()}: "
    return f"{failed}{receipt.reason}{' at ' if failed else ''}{where}, {fee}"


def receipt_document(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt for `--json`."""
    return {
        "id": receipt.id.hex(),
        "outcome": receipt.outcome.name,
        "reason": receipt.reason,
        "height": receipt.height,
        "position": receipt.position,
        "fee": receipt.fee,
        "first_id": receipt.first_id.hex(),
        "block": receipt.block.hex(),
    }


def _describe_stage(staged: Staged) -> str:
    if staged.stage is Stage.BATCHED:
        return f"durable at {staged.holders}" if staged.holders else ""
    if staged.stage in (Stage.PROPOSED, Stage.FINAL):
        return f"height {staged.height:,}"
    return staged.reason
