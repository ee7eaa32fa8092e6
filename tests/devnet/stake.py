"""What tests of elections share: epochs short enough to wait for, and who signed in which epoch."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from quorate.consensus.audit import AuditedLog
from quorate.core.accusations import get_epoch, is_authentic
from quorate.core.bft.evidence import Signed
from quorate.core.genesis import parse_genesis
from quorate.core.params import Params
from quorate.core.values import parse_address
from quorate.devnet.audit import find_logs, merge_audit_logs
from quorate.devnet.layout import Spec
from quorate.devnet.network import Network
from quorate.sdk.client import Client
from tests.devnet.agreement import assert_all_agree
from tests.devnet.traffic import Traffic

# Long enough for a new node to catch up within one or two, also on a busy machine.
SPEC = Spec(params=Params(epoch_ms=8_000, heartbeat_ms=1_000))


def open_traffic(network: Network) -> Traffic:
    """Return transfers that go on for five minutes: a busy machine takes its time."""
    return Traffic(network, rate_tps=60, transfers=18_432)


class Steps:
    """Remembers what an operation told, and lets a test wait for it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self._told = asyncio.Event()

    def step(self, what: str) -> None:
        self.done.append(what)
        self._told.set()

    def wait(self, what: str) -> None:
        """What is waited for does not matter here."""

    async def wait_told(self, what: str, running: "asyncio.Task[Any]") -> bool:
        """Return whether a step with these words was told before the operation ended."""
        while not any(what in each for each in self.done) and not running.done():
            self._told.clear()
            telling = asyncio.create_task(self._told.wait())
            await asyncio.wait({running, telling}, return_when=asyncio.FIRST_COMPLETED)
            telling.cancel()
        return any(what in each for each in self.done)


def count_conflicts(network: Network, more: Sequence[Path] = ()) -> int:
    """Audit all logs of a network's directory, those of retired nodes too."""
    report = merge_audit_logs([network.layout.directory, *more])
    assert report.messages > 0
    return report.conflicts


def iter_signed(paths: Sequence[Path]) -> Iterator[Signed]:
    """Yield every signed message in the vote logs below some directories."""
    with ExitStack() as stack:
        for path, name in find_logs(paths):
            opened = AuditedLog(path, name)
            stack.callback(opened.close)
            for stream in opened.list_streams():
                for seen in stream:
                    yield seen.message


def list_epochs_signed(network: Network, key: str, more: Sequence[Path] = ()) -> set[int]:
    """Return the epochs in which a seat key (hex) signed anything that is in any log."""
    domain = parse_genesis(network.layout.genesis.read_text()).domain
    messages = {each.encode(): each for each in iter_signed([network.layout.directory, *more])}
    return {
        get_epoch(each)
        for each in messages.values()
        if is_authentic(each, bytes.fromhex(key), domain)
    }


async def assert_money_adds_up(network: Network, owners: Sequence[str]) -> None:
    """Assert one digest and conservation; `owners` are candidates that came later."""
    await assert_all_agree(network, [parse_address(owner) for owner in owners])


async def read_sizes(network: Network, first: int, last: int) -> list[int]:
    """Return how many seats each epoch from `first` to `last` has."""
    async with Client(network.layout.endpoint) as client:
        return [len((await client.seats(epoch)).seats) for epoch in range(first, last + 1)]
