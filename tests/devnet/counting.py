"""A contract that counts, calls of it that go on while a test breaks things, and the processes."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from quorate.contracts import planted
from quorate.devnet import checks, system
from quorate.devnet.accounts import load_accounts
from quorate.devnet.layout import Node
from quorate.devnet.metrics import read_metrics
from quorate.devnet.network import Network
from quorate.devnet.readiness import wait_engine
from quorate.lang.build import build
from quorate.sdk.client import Client
from quorate.sdk.contract_sending import ContractFailed
from quorate.sdk.contracts import Contract, Deal, deploy
from quorate.sdk.keys import Key
from quorate.sdk.sender import Sender
from tests.devnet.traffic import PATIENCE_S
from tests.faults.lasting import last

SOURCE = '''"""Counts its calls."""

from quorate.lang import Contract, public, u64


class Counter(Contract):
    """One method adds, one is where a test plants a death, one never ends by itself."""

    count: u64

    def __init__(self) -> None:
        """Begin at none."""
        self.count = 0

    @public
    def add(self) -> u64:
        """Count one more."""
        self.count += 1
        return self.count

    @public
    def planted(self) -> None:
        """Kill whoever runs this, where that is planted."""
        self.count += 1_000_000

    @public
    def burn(self) -> None:
        """Use all the fuel there is."""
        total: u64 = 0
        for each in range(1_000_000_000_000):
            total ^= each
        self.count += total
'''
# Beside the senders of Traffic, which are the first 32 accounts.
ACCOUNT = 60
FUEL = 4_000_000
DEPLOY_FUEL = 20_000_000
POLL_S = 0.1
# A hung child is killed after 30 to 60 s at one place, and three deaths make a suspicion.
LONG_S = 300.0


class Counting:
    """A deployed counter; `calls` many at once go on until `settle`."""

    def __init__(
        self, network: Network, *, calls: int = 4, account: int = ACCOUNT, source: str = SOURCE
    ) -> None:
        self._network, self._calls, self._account = network, calls, account
        self._source = source
        self._stack = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._going = True
        self.done = 0
        self.counter: Contract

    async def __aenter__(self) -> Self:
        layout = self._network.layout
        key = Key(load_accounts(layout.directory).load_seed(self._account))
        client = await self._stack.enter_async_context(Client(layout.endpoint))
        sender = await self._stack.enter_async_context(Sender(client, key))
        built = build(self._source, "counter.py")
        # Not tried first: the children that run tries may be in trouble too.
        self.counter = await deploy(client, sender, built, deal=Deal(fuel_limit=DEPLOY_FUEL))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    def start(self) -> None:
        """Begin to call."""
        self._tasks = [asyncio.create_task(self._go_on()) for _ in range(self._calls)]

    async def call(self, method: str = "add", fuel: int = FUEL) -> str:
        """Call a method; return why it failed, "" when it took effect."""
        try:
            await self.counter.call(method, fuel_limit=fuel)
        except ContractFailed as error:
            return error.reason
        return ""

    async def wait_done(self, more: int, timeout_s: float = PATIENCE_S) -> None:
        """Return when so many more calls have been executed."""
        target = self.done + more
        await wait_until(lambda: self._is_at(target), timeout_s)

    async def settle(self, timeout_s: float = PATIENCE_S) -> None:
        """Stop calling; check that each call that was answered counted once."""
        self._going = False
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*self._tasks)
        assert await self.counter.read("count") == self.done

    def _is_at(self, target: int) -> bool:
        for task in self._tasks:
            if task.done():
                task.result()
        return self.done >= target

    async def _go_on(self) -> None:
        while self._going:
            reason = await self.call()
            assert not reason, reason
            self.done += 1


class Runner(NamedTuple):
    """Processes of a node's contract-runner: its spawner, and the spawner's children."""

    spawner: int
    children: list[int]


def find_runner(network: Network, node: Node) -> Runner | None:
    """Return the contract-runner's processes of a node; None while there is no spawner."""
    role = "contracts" if network.layout.split else None
    for program in network.processes.select(node.name, role):
        process = network.processes.find(program)
        for pid in [] if process is None else system.list_tree(process.pid)[1:]:
            if b"quorate.contracts.spawner" in _read(pid, "cmdline"):
                return Runner(pid, system.list_tree(pid)[1:])
    return None


async def signal_all(
    network: Network, number: signal.Signals, pick: Callable[[Runner], Iterable[int]]
) -> int:
    """Signal some processes of every contract-runner; return how many."""
    count = 0
    for node in network.layout.nodes:
        runner = find_runner(network, node)
        for pid in [] if runner is None else pick(runner):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                count += 1
    return count


async def restart(network: Network, name: str, how: str = "", method: str = "planted") -> None:
    """Stop a validator and start it with a death that is planted in a method, or without."""
    await asyncio.to_thread(network.stop, name)
    environment = planted.build_environment(how, method) if how else {}
    network.processes.start(network.processes.select(name), environment)
    await wait_engine(network.layout.find_node(name), ("voting",), PATIENCE_S)


async def read_heights(network: Network, node: Node) -> tuple[int, int]:
    """Return the final height that a node's engine knows, and its executed height."""
    roles = network.layout.roles()
    ports = [network.layout.metrics_port(node, role) for role in roles]
    found = await asyncio.gather(*[asyncio.to_thread(read_metrics, port) for port in ports])
    final = max(each.get(("quorate_consensus_final_height", ""), 0.0) for each in found)
    return int(final), await checks.read_height(node)


async def wait_suspected(network: Network, names: list[str]) -> None:
    """Return when these nodes have said in their logs that their runner dies at a call."""
    logs = [network.layout.directory / "logs" / f"{name}.log" for name in names]
    said = "the contract-runner dies at a call"
    await wait_until(lambda: all(said in log.read_text() for log in logs))


async def wait_until(condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    """Look again and again until something holds that no stream tells."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await last(POLL_S)


def _read(pid: int, name: str) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""
