"""Has slices of a block that call contracts applied by the contract-runner, however often it dies.

What is sent at a time is the unit of retry: what was applied before it stays. A call at which the
runner died DEATHS_MAX times is claimed to be poisoned (docs/protocol.md#Z1); until a quorum has
said the same it is tried again, for the runner may get better.
"""

import asyncio
from collections import Counter
from typing import Final

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.core.applied import Applied, Receipt
from quorate.core.errors import Unavailable
from quorate.core.transition import Execution
from quorate.kit.contract_frames import build_begin
from quorate.kit.logs import get_logger
from quorate.storage.contract_line import ContractLine
from quorate.storage.contract_link import EXECUTE, ContractLink, RunnerDied, read_applied
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
        self.line, self.poisons = ContractLine(link, EXECUTE, waits=True), poisons
        self.state = READY


class BlockSlices:
    """Applies slices of one block elsewhere."""

    def __init__(self, runner: Runner, execution: Execution, records: LoadedRecords) -> None:
        self._runner, self._execution, self._records = runner, execution, records
        self._height = execution.context.header.height
        self._begin = build_begin(execution.context)
        self._deaths: Counter[int] = Counter()

    async def apply(self, transactions: list[bytes], start: int) -> list[Receipt]:
        """Apply the transactions from position `start` of the block on; returns once it is done."""
        delay_s, execution = RETRY_S, self._execution
        while True:
            try:
                applied = await self._try(transactions, start)
            except Unavailable as error:
                await self._wait(error, start, delay_s)
                delay_s = min(delay_s * 2, RETRY_S_MAX)
                continue
            self._runner.state = READY
            execution.absorb(applied)
            return applied.receipts

    async def _try(self, transactions: list[bytes], start: int) -> Applied:
        execution = self._execution
        work = pb.Slice(
            transactions=transactions,
            poisoned=self._find_poisoned(start, len(transactions)),
            refuted=execution.refuted,
        )
        answer = await self._runner.line.ask(
            self._begin, pb.Ask(slice=work), execution.read, self._records.load
        )
        return read_applied(answer, len(transactions))

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
