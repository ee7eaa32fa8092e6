"""Has slices of a block that call contracts applied by the contract-runner, however often it dies.

A slice is the unit of retry: what was applied before it stays. A call at which the runner died
DEATHS_MAX times is claimed to be poisoned (docs/protocol.md#Z1); until a quorum has said the same
it is tried again, for the runner may get better.
"""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import Final

from quorate.core.applied import Aside, Receipt
from quorate.core.errors import Unavailable
from quorate.core.transition import Execution
from quorate.kit.contract_frames import build_begin
from quorate.kit.logs import get_logger
from quorate.storage.contract_link import EXECUTE, ContractLink, RunnerDied, Talk
from quorate.storage.poison import Poisons
from quorate.storage.state_reader import LoadedRecords

DEATHS_MAX: Final = 3
RETRY_S: Final = 0.2
RETRY_S_MAX: Final = 5.0
READY: Final = "ready"
log = get_logger("storage")


class Runner:
    """The way to the contract-runner; `state` says in a few words how it goes."""

    def __init__(self, link: ContractLink, poisons: Poisons) -> None:
        self.link, self.poisons = link, poisons
        self.state = READY


class BlockSlices:
    """Applies slices of one block elsewhere; its stream is opened when the first one needs it."""

    def __init__(self, runner: Runner, execution: Execution, records: LoadedRecords) -> None:
        self._runner, self._execution, self._records = runner, execution, records
        self._height = execution.context.header.height
        self._stack = AsyncExitStack()
        self._talk: Talk | None = None
        self._deaths: Counter[int] = Counter()

    async def apply(self, transactions: list[bytes], start: int) -> list[Receipt]:
        """Apply the transactions from position `start` of the block on; returns once it is done."""
        delay_s, execution = RETRY_S, self._execution
        while True:
            try:
                talk = self._talk or await self._open()
                aside = Aside(self._find_poisoned(start, len(transactions)), execution.refuted)
                applied = await talk.apply(transactions, aside, execution.read, self._records.load)
            except Unavailable as error:
                await self.close()
                await self._wait(error, start, delay_s)
                delay_s = min(delay_s * 2, RETRY_S_MAX)
                continue
            self._runner.state = READY
            execution.absorb(applied)
            return applied.receipts

    async def close(self) -> None:
        """End the stream, if there is one."""
        self._talk = None
        await self._stack.aclose()

    async def _open(self) -> Talk:
        self._talk = await self._stack.enter_async_context(
            self._runner.link.open(EXECUTE, build_begin(self._execution.context))
        )
        return self._talk

    def _find_poisoned(self, start: int, count: int) -> tuple[int, ...]:
        found = self._runner.poisons.find(self._height)
        return tuple([each - start for each in found if start <= each < start + count])

    async def _wait(self, error: Unavailable, start: int, delay_s: float) -> None:
        """Wait for a while after a failure; a call that kills the runner may be decided on."""
        runner = self._runner
        if not isinstance(error, RunnerDied) or not error.at_call:
            runner.state = f"away: {error.message}"
            log.info("the contract-runner is away", height=self._height, why=error.message)
            await asyncio.sleep(delay_s)
            return
        position = start + error.position
        self._deaths[position] += 1
        log.warning(
            "the contract-runner died at a call", height=self._height, position=position,
            why=error.why, times=self._deaths[position],
        )  # fmt: skip
        if self._deaths[position] < DEATHS_MAX:
            return
        runner.state = f"dies at transaction {position} of block {self._height}: {error.why}"
        await runner.poisons.claim(self._height, position)
        # Undecided, it is tried again: the runner may be a better one by now.
        await runner.poisons.wait_decided(self._height, position)
