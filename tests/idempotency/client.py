"""A client process: `python tests/idempotency/client.py <plan.json> <number> <life>`.

Sends all payments of its account, each in several copies at once over several connections, newly
signed in whatever lane is free, and the same bytes over another connection as well. Says `ready`,
one line per payment that has its receipt, and `end`. It keeps nothing: after a kill it begins anew.
"""

# ruff: noqa: E402 -- the path must be right before the first import of our own.
import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from random import Random

sys.path[0] = str(Path(__file__).resolve().parents[2])  # so that `tests.…` is found

from quorate.core.errors import Overloaded, QuorateError, Unavailable
from quorate.sdk.client import Client
from quorate.sdk.keys import Key
from quorate.sdk.sender import Lanes, Sender
from quorate.sdk.sending import RETRY_S
from quorate.sdk.values import Outcome, Receipt
from tests.faults.lasting import last
from tests.idempotency.plan import Plan, Send

# One of so many payments is sent again, byte by byte, when it is long executed.
LATE_ONE_IN = 8


class Wrong(AssertionError):
    """A payment ended otherwise than it must."""


class EchoingClient(Client):
    """A connection whose transactions go over another one at the same moment too."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.other: Client = self
        self.sent: list[bytes] = []
        self._echoes: set[asyncio.Task[None]] = set()

    async def submit(self, raw: bytes) -> bytes:
        """Send on both; what becomes of the echo is nobody's business."""
        self.sent.append(raw)
        self.echo(raw)
        return await super().submit(raw)

    def echo(self, raw: bytes) -> None:
        """Send the same bytes over the other connection."""
        echo = asyncio.ensure_future(self._echo(raw))
        self._echoes.add(echo)
        echo.add_done_callback(self._echoes.discard)

    async def _echo(self, raw: bytes) -> None:
        with contextlib.suppress(QuorateError):
            await Client.submit(self.other, raw)


class Payer:
    """One process's connections to the gateways, and the lanes that they share."""

    def __init__(self, plan: Plan, process: int, life: int) -> None:
        self._plan, self._process, self._life = plan, process, life
        self._rng = Random(f"{plan.seed} {process} {life} ways")
        self._clients = [
            EchoingClient(plan.endpoints[(process + number) % len(plan.endpoints)])
            for number in range(plan.connections)
        ]
        for client, other in zip(
            self._clients, [*self._clients[1:], self._clients[0]], strict=True
        ):
            client.other = other
        self._senders: list[Sender] = []

    async def run(self) -> None:
        """Send everything; raises Wrong."""
        key, lanes = (
            self._plan.get_key(self._plan.get_account(self._process)),
            Lanes(self._plan.get_lanes(self._process)),
        )
        async with contextlib.AsyncExitStack() as stack:
            for client in self._clients:
                sender = await open_sender(client, key, lanes)
                stack.push_async_exit(sender)
                self._senders.append(sender)
            say(event="ready")
            # As many payments at once as there are lanes; their copies queue for the same lanes.
            room = asyncio.Semaphore(len(self._plan.get_lanes(self._process)))
            async with asyncio.TaskGroup() as group:
                for send in self._plan.iter_order(self._process, self._life):
                    await room.acquire()
                    task = group.create_task(self._pay(send))
                    task.add_done_callback(lambda _: room.release())
        say(event="end")

    async def _pay(self, send: Send) -> None:
        ways = [self._rng.choice(self._senders) for _ in range(self._plan.copies)]
        receipts = await asyncio.gather(
            *[way.transfer([(send.to, send.amount)], idempotency_key=send.key) for way in ways]
        )
        check(send, receipts)
        if self._rng.randrange(LATE_ONE_IN) == 0:
            client = self._rng.choice(self._clients)
            if client.sent:
                client.echo(self._rng.choice(client.sent))
        say(event="done", number=send.number, id=receipts[0].id.hex())


def check(send: Send, receipts: list[Receipt]) -> None:
    """Raise Wrong unless all copies of a payment end as one and the same success."""
    ends = {(receipt.id, receipt.outcome, receipt.reason) for receipt in receipts}
    if len(ends) != 1 or receipts[0].outcome is not Outcome.SUCCEEDED:
        raise Wrong(f"payment {send.number} ended as {sorted(ends, key=repr)}")


async def open_sender(client: Client, key: Key, lanes: Lanes) -> Sender:
    """Return a sender that follows its account, as soon as its gateway is there."""
    while True:
        sender = Sender(client, key, lanes=lanes)
        try:
            return await sender.__aenter__()
        except (Overloaded, Unavailable):
            await last(RETRY_S)


def say(**values: object) -> None:
    """Write one line for who started this process."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


async def end_with_parent() -> None:
    """End this process when the one that started it is gone."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await reader.read()
    os._exit(1)


async def run(arguments: list[str]) -> None:
    """Run what the command line says."""
    plan, process, life = Plan.load(Path(arguments[0])), int(arguments[1]), int(arguments[2])
    guard = asyncio.create_task(end_with_parent())
    await Payer(plan, process, life).run()
    guard.cancel()


def main(arguments: list[str]) -> int:
    """Run; return the exit status."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(run(arguments))
    else:
        uvloop.run(run(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
