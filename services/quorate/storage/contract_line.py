"""A stream to the contract-runner that is kept: one for blocks, one for all calls aside from them.

Opening a stream costs more than most views, and the runner serves one of each kind at a time.
"""

from contextlib import AsyncExitStack

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.core.errors import Unavailable
from quorate.storage.contract_link import (
    ContractLink,
    Load,
    Read,
    RunnerDied,
    Talk,
    load_nothing,
)


class ContractLine:
    """One stream, opened when it is needed and kept; for one caller at a time."""

    def __init__(self, link: ContractLink, method: str, *, waits: bool) -> None:
        """`method` is EXECUTE or VIEW; while the runner is away it `waits`, or fails."""
        self._link, self._method, self._waits = link, method, waits
        self._stack = AsyncExitStack()
        self._talk: Talk | None = None
        self._begun: pb.Begin | None = None

    async def ask(
        self, begin: pb.Begin, work: pb.Ask, read: Read, load: Load = load_nothing
    ) -> pb.Answer:
        """Have work on the state of a block done; raises Unavailable, RunnerDied.

        A stream that was kept may belong to a runner that is gone, so that decides nothing yet.
        """
        if self._talk is not None:
            try:
                return await self._ask(begin, work, read, load)
            except RunnerDied:
                raise
            except Unavailable:
                pass
        return await self._ask(begin, work, read, load)

    async def close(self) -> None:
        """End the stream, if there is one."""
        self._talk = self._begun = None
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()

    async def _ask(self, begin: pb.Begin, work: pb.Ask, read: Read, load: Load) -> pb.Answer:
        try:
            talk = await self._open(begin)
            return await talk.ask(work, read, load)
        except BaseException:
            # Cancelled in the midst of work, say: the stream must not go on with its answer.
            await self.close()
            raise

    async def _open(self, begin: pb.Begin) -> Talk:
        talk = self._talk
        if talk is None:
            opening = self._link.open(self._method, begin, waits=self._waits)
            talk = self._talk = await self._stack.enter_async_context(opening)
        elif begin is not self._begun:
            await talk.begin(begin)
        self._begun = begin
        return talk
