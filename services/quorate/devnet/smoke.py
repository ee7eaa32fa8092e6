"""`make smoke`: does a network lose anything when the validator that holds it dies?

A fresh network on free ports; 2,000 signed transfers through the public API, all of senders that
the gateway routes to one validator; SIGKILL of that validator in the middle; restart. Then every
receipt must be there, the balances add up, all four have the same digest, and nothing runs on.

    python -m quorate.devnet.smoke
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.api.transaction.v1 import transaction_pb2_grpc
from quorate.core.errors import QuorateError
from quorate.devnet import checks
from quorate.devnet.accounts import address_of, load_accounts
from quorate.devnet.layout import Node, Spec
from quorate.devnet.load.book import Book, Senders
from quorate.devnet.load.plan import Outcome
from quorate.devnet.load.presign import Run, Signed, sign_all
from quorate.devnet.load.streams import Slot, Submitter, Watcher
from quorate.devnet.metrics import read_metrics
from quorate.devnet.network import Network, temporary_network
from quorate.devnet.readiness import wait_engine, wait_ready
from quorate.kit.faults import EXIT_FAILURE, find_exit_code
from quorate.kit.rpc import open_channel

TRANSFERS: Final = 2_000
_SENDERS: Final = 20
_CHUNK: Final = 25
_CHUNK_EVERY_S: Final = 0.025
_KILL_AFTER: Final = TRANSFERS // 2
_DOWN_S: Final = 1.0
# So long takes nothing on a machine that still works.
_READY_S: Final = 60.0
_RECEIPTS_S: Final = 60.0
_VOTING_S: Final = 60.0


class SmokeFailed(QuorateError):
    """Something that must hold does not."""

    reason = "SMOKE_FAILED"


class Smoke:
    """One smoke run on one network."""

    def __init__(self, network: Network, console: Console) -> None:
        self.network, self._console = network, console
        # Chosen when it is killed: whoever has accepted most of the transfers.
        self.victim = network.layout.nodes[0]
        self.accepted = 0

    async def run(self) -> None:
        """Do it all; raises SmokeFailed or another QuorateError."""
        with self._step("four validators and a gateway ready"):
            self.network.up()
            status = await wait_ready(self.network, _READY_S)
        runs, senders = await self._sign(status.domain, status.height)
        with self._step(f"{TRANSFERS:,} transfers sent, who accepted them killed in the middle"):
            outcome = await self._send(runs, senders)
        self._require(self.accepted > 0, f"{self.victim.name} had accepted nothing when killed")
        self._say(f"{self.victim.name} had accepted {self.accepted:,} when it was killed")
        self._require(outcome.lost == 0, f"{outcome.lost} transfers have no receipt")
        self._require(not outcome.rejected, f"rejected: {outcome.rejected}")
        self._require(outcome.executed == TRANSFERS, f"{outcome.executed} of {TRANSFERS} executed")
        self._require(outcome.failed == 0, f"{outcome.failed} failed")
        self._say(f"all {TRANSFERS:,} receipts arrived, the last after {outcome.max_ms:,.0f} ms")
        with self._step(f"{self.victim.name} votes again"):
            await wait_engine(self.victim, ("voting",), _VOTING_S)
        await self._compare()
        await self._add_up()

    async def _sign(self, domain: bytes, height: int) -> tuple[list[list[Signed]], list[bytes]]:
        accounts = load_accounts(self.network.layout.directory)
        seeds = [accounts.load_seed(index) for index in range(_SENDERS)]
        runs = [
            Run(
                seed=seed,
                domain=domain,
                to=address_of(accounts.demo),
                lane=0,
                first_sequence=0,
                count=TRANSFERS // _SENDERS,
                valid_until_height=height + 10_000,
            )
            for seed in seeds
        ]
        with self._step(f"{TRANSFERS:,} transfers signed"):
            signed = await asyncio.to_thread(sign_all, runs, 2, lambda _: None)
        return signed, [address_of(seed) for seed in seeds]

    async def _send(self, runs: list[list[Signed]], senders: list[bytes]) -> Outcome:
        loop = asyncio.get_running_loop()
        book, dealt = Book((loop.time(), loop.time() + 3_600)), Senders(runs)
        submitter, watcher = Submitter(book, dealt), Watcher(book, senders, pb.Cursor())
        async with open_channel(self.network.layout.endpoint) as channel:
            stub = transaction_pb2_grpc.TransactionServiceStub(channel)
            streams = [
                asyncio.create_task(submitter.run(stub)),
                asyncio.create_task(watcher.run(stub)),
            ]
            faults: asyncio.Task[None] | None = None
            deadline_s = loop.time() + _RECEIPTS_S
            try:
                while book.outcome.executed < TRANSFERS and loop.time() < deadline_s:
                    self._offer(book, dealt, submitter, loop.time())
                    if faults is None and book.outcome.offered >= _KILL_AFTER:
                        faults = asyncio.create_task(self._kill_and_restart())
                    watcher.heard.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(watcher.heard.wait(), _CHUNK_EVERY_S)
                if faults is not None:
                    await faults
            finally:
                for stream in streams:
                    stream.cancel()
                await asyncio.gather(*streams, return_exceptions=True)
        return book.close()

    @staticmethod
    def _offer(book: Book, senders: Senders, submitter: Submitter, now_s: float) -> None:
        taken = [place for _ in range(_CHUNK) if (place := senders.take()) is not None]
        slots = [Slot(*place, now_s, senders.get(*place)) for place in taken]
        for slot in slots:
            book.note_offered(slot.signed.id, now_s, is_bad=False)
        if slots:
            submitter.enqueue(slots)

    async def _kill_and_restart(self) -> None:
        counts = await asyncio.to_thread(
            lambda: [self._read_accepted(node) for node in self.network.layout.nodes]
        )
        self.accepted = max(counts)
        self.victim = self.network.layout.nodes[counts.index(self.accepted)]
        await asyncio.to_thread(self.network.kill, self.victim.name)
        await asyncio.sleep(_DOWN_S)  # the others must do without it for a while
        self.network.start(self.victim.name)

    def _read_accepted(self, node: Node) -> int:
        """Return how many transfers a validator has accepted, by its own metrics."""
        port = self.network.layout.metrics_port(node, "all")
        samples = read_metrics(port)
        return round(samples.get(("quorate_gossip_admitted_total", "ACCEPTED"), 0.0))

    async def _compare(self) -> None:
        nodes = self.network.layout.nodes
        height = max(await asyncio.gather(*[checks.read_height(node) for node in nodes]))
        with self._step(f"the same digest on all {len(nodes)} at height {height:,}"):
            digests = await checks.compare_digests(nodes, height)
            self._require(len(set(digests.values())) == 1, f"digests differ: {digests}")

    async def _add_up(self) -> None:
        total, supply = await checks.sum_balances(self.network.layout)
        self._require(total == supply, f"balances add up to {total}, supply is {supply}")
        self._say("balances and treasury add up to the supply")

    @staticmethod
    def _require(holds: bool, why: str) -> None:
        if not holds:
            raise SmokeFailed(why)

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        start_s = time.monotonic()
        with self._console.status(what):
            yield
        self._say(f"{what}  [dim]{time.monotonic() - start_s:.1f} s[/]")

    def _say(self, what: str) -> None:
        self._console.print(f"[green]✓[/] {what}", highlight=False)


async def run_smoke(console: Console) -> None:
    """Run on a network of its own and stop everything, whatever happens."""
    with temporary_network(Spec()) as network:
        try:
            await Smoke(network, console).run()
        except QuorateError:
            _show_logs(network, console)
            raise
        late = network.down()
        if late or network.running():
            names = ", ".join(program.name for program in late)
            raise SmokeFailed(f"did not stop in time and had to be killed: {names}")
        console.print("[green]✓[/] everything stopped", highlight=False)


def _show_logs(network: Network, console: Console) -> None:
    for program in network.processes.programs():
        log = network.layout.directory / "logs" / f"{program.name}.log"
        if log.exists():
            console.print(f"[dim]— {program.name}[/]", highlight=False)
            console.print(
                "\n".join(log.read_text().splitlines()[-8:]), highlight=False, markup=False
            )


def main() -> int:
    """Run and tell by the exit code."""
    console, started_s = Console(soft_wrap=True), time.monotonic()
    try:
        asyncio.run(run_smoke(console))
    except QuorateError as error:
        console.print(f"[bold red]✗[/] {error.message}", highlight=False)
        return find_exit_code(error)
    except TimeoutError as error:
        console.print(f"[bold red]✗[/] {error}", highlight=False)
        return EXIT_FAILURE
    console.print(f"[bold green]smoke passed[/] in {time.monotonic() - started_s:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
