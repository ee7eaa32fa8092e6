"""Takes final blocks from consensus, in order, and gets what is missing until they are applied."""

import asyncio
from typing import Final

from quorate.core.bft.finality import decode_finality
from quorate.core.errors import QuorateError
from quorate.kit.logs import get_logger
from quorate.storage.catchup import CatchUp
from quorate.storage.chain import Chain, Obstacle, Run
from quorate.storage.gossip_link import GossipLink

# Many, since what decides about a call that kills the runner stands in the blocks above its own.
RUNS_MAX: Final = 4_096
# Batches are mostly just on their way when a block that names them is final already.
PATIENCE_S: Final = 0.15
RETRY_S: Final = 0.1
RETRY_S_MAX: Final = 2.0
log = get_logger("storage")


class Committer:
    """A bounded queue of runs from the own engine, and the task that applies them."""

    def __init__(self, chain: Chain, catch_up: CatchUp, gossip: GossipLink) -> None:
        self.chain, self._catch_up, self._gossip = chain, catch_up, gossip
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
            except QuorateError as error:
                self.chain.set_fault(f"{error.reason}: {error.message}")

    async def _apply(self, run: Run) -> None:
        retry_s = RETRY_S
        while True:
            obstacle = await self.chain.apply(run)
            if obstacle is None:
                return
            if obstacle.conflict:
                self.chain.set_fault(obstacle.conflict)
                return
            if obstacle.gap:
                self._catch_up.want(run.height)
                # The signal comes whenever the head moves; the run is then looked at again.
                await self.chain.changed.wait()
                continue
            batches = self.chain.batches
            if await batches.wait_for(obstacle.missing, PATIENCE_S):
                continue
            await self._fetch(run, obstacle)
            if not await batches.wait_for(obstacle.missing, retry_s):
                # A run out of a peer's storage brings its batches along.
                self._catch_up.want(run.height)
                retry_s = min(retry_s * 2, RETRY_S_MAX)

    async def _fetch(self, run: Run, obstacle: Obstacle) -> None:
        log.info("fetching batches of a final block", count=len(obstacle.missing))
        try:
            await self._gossip.fetch_batches(obstacle.missing, self._list_keys(run))
        except QuorateError as error:
            log.info("batches can't be fetched now", why=error.message)

    def _list_keys(self, run: Run) -> tuple[bytes, ...]:
        """Return the seat keys that proposed and finalized a run, who should have its batches."""
        keys = self.chain.store.get_set(run.blocks[0].header.epoch).keys
        voters = [seat for seat, _ in decode_finality(run.certificate).certificate.signatures]
        proposers = [block.header.proposer for block in run.blocks]
        seats = dict.fromkeys(proposers + voters)
        return tuple([keys[seat] for seat in seats if seat < len(keys)])
