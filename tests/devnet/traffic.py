"""Transfers that go on while a test breaks things, and the account of what became of each."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.api.transaction.v1 import transaction_pb2_grpc
from quorate.core.errors import Overloaded, Unavailable
from quorate.devnet.accounts import address_of, load_accounts
from quorate.devnet.load.book import Book, Senders
from quorate.devnet.load.plan import Outcome
from quorate.devnet.load.presign import Run, sign_run
from quorate.devnet.load.streams import Slot, Submitter, Watcher
from quorate.devnet.network import Network
from quorate.kit.rpc import open_channel
from quorate.sdk.client import Client
from quorate.sdk.values import Status
from tests.faults.lasting import last

# So long takes nothing on a machine that still works: what a test claims about time it measures.
PATIENCE_S = 60.0
SENDERS = 32
_CHUNK_EVERY_S = 0.05
_FOREVER_S = 1e9


async def read_status(client: Client) -> Status:
    """Return the chain's status; a busy gateway may take a while to be connected."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(Unavailable, Overloaded):
                return await client.status()
            await last(_CHUNK_EVERY_S)


class Traffic:
    """Sends pre-signed transfers through the gateway at a steady rate until told to settle."""

    def __init__(
        self, network: Network, rate_tps: int = 100, transfers: int = 6_400, *, lane: int = 0
    ) -> None:
        """`lane` is the lane of all senders: traffic after other traffic takes another one."""
        self._network, self._per_chunk = network, max(1, round(rate_tps * _CHUNK_EVERY_S))
        self._each, self._lane = transfers // SENDERS, lane
        self.ids: list[bytes] = []
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        accounts = load_accounts(self._network.layout.directory)
        seeds = [accounts.load_seed(index) for index in range(SENDERS)]
        async with Client(self._network.layout.endpoint) as client:
            status = await read_status(client)
        runs = [
            sign_run(
                Run(
                    seed=seed,
                    domain=status.domain,
                    to=address_of(accounts.demo),
                    lane=self._lane,
                    first_sequence=0,
                    count=self._each,
                    valid_until_height=status.height + 50_000,
                )
            )
            for seed in seeds
        ]
        self.book, self._senders = Book((0.0, _FOREVER_S)), Senders(runs)
        self._submitter = Submitter(self.book, self._senders)
        addresses: list[bytes] = [address_of(seed) for seed in seeds]
        self._watcher = Watcher(self.book, addresses, pb.Cursor(height=status.height))
        channel = await self._stack.enter_async_context(open_channel(self._network.layout.endpoint))
        stub = transaction_pb2_grpc.TransactionServiceStub(channel)
        self._pump = asyncio.create_task(self._offer())
        self._tasks = [
            self._pump,
            asyncio.create_task(self._submitter.run(stub)),
            asyncio.create_task(self._watcher.run(stub)),
        ]
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

    async def wait_executed(self, more: int, timeout_s: float = PATIENCE_S) -> None:
        """Return when `more` transfers have been executed from now on."""
        target = self.book.outcome.executed + more
        async with asyncio.timeout(timeout_s):
            while self.book.outcome.executed < target:
                self._watcher.heard.clear()
                await self._watcher.heard.wait()

    async def settle(self, timeout_s: float = PATIENCE_S) -> Outcome:
        """Stop sending and wait until each transfer has its end; what has none is lost."""
        self._pump.cancel()
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + timeout_s
        # Refused for lack of room: offered again until it fits, as any client would.
        while (self._take_back() or self.book.waiting) and loop.time() < deadline_s:
            self._watcher.heard.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._watcher.heard.wait(), 0.25)
        return self.book.close()

    async def _offer(self) -> None:
        while True:
            self._send(self._per_chunk, fresh=True)
            await asyncio.sleep(_CHUNK_EVERY_S)  # the rate

    def _take_back(self) -> bool:
        return self._send(self._per_chunk, fresh=False)

    def _send(self, count: int, *, fresh: bool) -> bool:
        now_s, slots = asyncio.get_running_loop().time(), []
        for _ in range(count):
            place = self._senders.take() if fresh else self._senders.take_returned()
            if place is None:
                break
            slots.append(Slot(*place, now_s, self._senders.get(*place)))
            self.book.note_offered(slots[-1].signed.id, now_s, is_bad=False)
            self.ids.append(slots[-1].signed.id)
        if slots:
            self._submitter.enqueue(slots)
        return bool(slots)
