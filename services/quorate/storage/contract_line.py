"""The stream to the contract-runner that all calls aside from blocks share, one after the other.

Opening a stream costs more than most views, and the runner serves one at a time anyway.
"""

import asyncio
from contextlib import AsyncExitStack

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.core.errors import QuorateError, Unavailable
from quorate.storage.contract_link import VIEW, ContractLink, Read, RunnerDied, Talk


class ContractLine:
    """One stream, opened when it is needed and kept; for one caller at a time."""

    def __init__(self, link: ContractLink) -> None:
        self._link, self._stack = link, AsyncExitStack()
        self._talk: Talk | None = None
        self._begun: pb.Begin | None = None

    async def ask(self, begin: pb.Begin, work: pb.Ask, read: Read) -> pb.Answer:
        """Have work on the state of a block done; raises Unavailable, RunnerDied.

        A stream that was kept may belong to a runner that is gone, so that decides nothing yet.
        """
        if self._talk is not None:
            try:
                return await self._ask(begin, work, read)
            except RunnerDied:
                raise
            except Unavailable:
                pass
        return await self._ask(begin, work, read)

    async def close(self) -> None:
        """End the stream, if there is one."""
        self._talk = self._begun = None
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()

    async def _ask(self, begin: pb.Begin, work: pb.Ask, read: Read) -> pb.Answer:
        try:
            talk = await self._open(begin)
            return await talk.ask(work, read)
        except QuorateError:
            await self.close()
            raise
        except asyncio.InvalidStateError as error:
            await self.close()
            raise Unavailable("the contract-runner ended the stream") from error
        except BaseException:
            # Cancelled in the midst of work: the stream must not go on with its answer.
            await self.close()
            raise

    async def _open(self, begin: pb.Begin) -> Talk:
        talk = self._talk
        if talk is None:
            opening = self._link.open(VIEW, begin, waits=False)
            talk = self._talk = await self._stack.enter_async_context(opening)
        elif begin is not self._begun:
            await talk.begin(begin)
        self._begun = begin
        return talk
