"""Accounts that compete for blocks too small for all: each pays up to a limit of its own."""

import asyncio
import contextlib
import random
from dataclasses import replace
from types import TracebackType
from typing import Self

from quorate.core.errors import QuorateError
from quorate.devnet.accounts import load_accounts
from quorate.devnet.network import Network
from quorate.sdk.client import Client
from quorate.sdk.keys import Key
from quorate.sdk.payloads import build_transfers
from quorate.sdk.transactions import Options, compute_weight_max, sign_payloads
from quorate.sdk.values import Executed

CHUNK = 6
_WAIT_S = 1.0


class Bidders:
    """Each sends chunks of transfers and waits for them, again and again, until told to stop."""

    def __init__(self, network: Network, rng: random.Random, *, count: int, base_fee: int) -> None:
        """`base_fee` is the highest that the most willing one pays."""
        accounts = load_accounts(network.layout.directory)
        self._endpoint, self._base_fee = network.layout.endpoint, base_fee
        self._keys = [Key(accounts.load_seed(index)) for index in range(count)]
        self._rng = rng
        self._news = {key.address: asyncio.Event() for key in self._keys}
        self._stack = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self.executed = 0

    async def __aenter__(self) -> Self:
        client = await self._stack.enter_async_context(Client(self._endpoint))
        self._tasks = [asyncio.create_task(self._watch(client))]
        self._tasks += [asyncio.create_task(self._bid(client, key)) for key in self._keys]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()
        died = [each for each in results if isinstance(each, Exception)]
        assert not died, died

    async def _watch(self, client: Client) -> None:
        async with client.watch(senders=list(self._news)) as watch:
            async for update in watch:
                if isinstance(update, Executed):
                    self.executed += len(update.receipts)
                for event in self._news.values():
                    event.set()

    async def _bid(self, client: Client, key: Key) -> None:
        rng, status = self._rng, await client.status()
        while True:
            try:
                account = await client.account(key.address)
                sequence = account.lanes.get(0, 0)
                options = Options(
                    sequence=sequence, valid_until_height=account.height + 200, fee_limit=0
                )
                payloads = build_transfers([(self._keys[0].address, 1)])
                weight = compute_weight_max(key.address, payloads, options)
                limit = weight * rng.randrange(self._base_fee // 2, self._base_fee)
                options = replace(options, fee_limit=limit, tip=rng.randrange(20) * weight // 10)
                chunk = [
                    sign_payloads(
                        status.domain, [key], payloads, replace(options, sequence=sequence + each)
                    )
                    for each in range(CHUNK)
                ]
                verdicts = await client.submit_many([signed.raw for signed in chunk])
                await self._wait(client, key, sequence + verdicts.count(None))
            except QuorateError:
                # The gateway is full, say: others' news come soon enough.
                await self._wait(client, key, 2**63)

    async def _wait(self, client: Client, key: Key, sequence: int) -> None:
        """Return when this sequence comes next, or after a while: it may be too dear now."""
        event = self._news[key.address]
        with contextlib.suppress(TimeoutError, QuorateError):
            async with asyncio.timeout(_WAIT_S):
                while (await client.account(key.address)).lanes.get(0, 0) < sequence:
                    event.clear()
                    await event.wait()
