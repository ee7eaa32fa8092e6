"""Takes final blocks from consensus, in order, and gets what is missing until they are applied."""

import asyncio
from typing import Final

from quorate.core.bft.messages import decode_certificate
from quorate.core.errors import QuorateError, Unavailable
from quorate.kit.logs import get_logger
from quorate.storage.catchup import CatchUp
from quorate.storage.chain import Chain, Obstacle, Run
from quorate.storage.gossip_link import GossipLink

RUNS_MAX: Final = 64
RETRY_S: Final = 0.1
RETRY_S_MAX: Final = 2.0
log = get_logger("storage")


class Committer:
    """A bounded queue of runs from the own engine, and the task that applies them."""

    def __init__(self, chain: Chain, catch_up: CatchUp, gossip: GossipLink) -> None:
        self._chain, self._catch_up, self._gossip = chain, catch_up, gossip
        self._queue: asyncio.Queue[Run] = asyncio.Queue(RUNS_MAX)

    async def put(self, run: Run) -> None:
        """Queue a run; waits while the queue is full, which holds consensus' stream back."""
        await self._queue.put(run)
        self._catch_up.busy = True

    async def run(self) -> None:
        """Apply runs until cancelled."""
        while True:
            self._catch_up.busy = not self._queue.empty()
            run = await self._queue.get()
            self._catch_up.busy = True
            try:
                await self._apply(run)
            except Unavailable as error:
                self._chain.set_fault(f"{error.reason}: {error.message}")

    async def _apply(self, run: Run) -> None:
        retry_s = RETRY_S
        while True:
            obstacle = await self._chain.apply(run)
            if obstacle is None:
                return
            if obstacle.conflict:
                self._chain.set_fault(obstacle.conflict)
                return
            self._catch_up.want(run.height)
            if obstacle.gap:
                # The signal comes whenever the head moves; the run is then looked at again.
                await self._chain.changed.wait()
                continue
            await self._fetch(run, obstacle)
            if not self._chain.batches.find_missing(obstacle.missing):
                continue
            await asyncio.sleep(retry_s)
            retry_s = min(retry_s * 2, RETRY_S_MAX)

    async def _fetch(self, run: Run, obstacle: Obstacle) -> None:
        voters = [seat for seat, _ in decode_certificate(run.certificate).signatures]
        proposers = [block.header.proposer for block in run.blocks]
        seats = tuple(dict.fromkeys(proposers + voters))
        log.info("fetching batches of a final block", count=len(obstacle.missing))
        try:
            await self._gossip.fetch_batches(obstacle.missing, seats)
        except QuorateError as error:
            log.info("batches can't be fetched now", why=error.message)
