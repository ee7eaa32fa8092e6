"""Catch-up: fetches runs of final blocks when peers are ahead and the own engine does not follow.

Starts when the best peer is ahead and the head has not moved for STALL_S, when it is ahead by more
than FAR blocks, when no engine is attached, or when the engine brought blocks above a gap. Ends
when the engine can go on by itself, which is NEAR the best height. Alone, a node just waits.
"""

import asyncio
from typing import Final

from quorate.core.errors import InvalidInput, QuorateError
from quorate.core.genesis import Genesis
from quorate.kit.logs import get_logger
from quorate.storage.chain import Chain, Run
from quorate.storage.gossip_link import GossipLink
from quorate.storage.runs import Base, Offer, check_run

STALL_S: Final = 1.0
FAR: Final = 64
NEAR: Final = 4
RETRY_S: Final = 0.1
RETRY_S_MAX: Final = 2.0
log = get_logger("storage")


class CatchUp:
    """Watches how high the peers are and closes the gap."""

    def __init__(self, chain: Chain, gossip: GossipLink, genesis: Genesis) -> None:
        self._chain, self._gossip, self._genesis = chain, gossip, genesis
        self.best = 0
        self.active = False
        self.attached = False
        self.busy = False
        self._wanted = 0

    def want(self, height: int) -> None:
        """Fetch up to a height that is known to be final, at once."""
        if height > self._wanted:
            self._wanted = height
            self._chain.changed.notify()

    async def watch(self) -> None:
        """Follow the best height of the peers until cancelled."""
        while True:
            try:
                async for height in self._gossip.watch_best_height():
                    self.best = height
                    self._chain.changed.notify()
            except QuorateError as error:
                log.debug("gossip went away", why=error.message)
            await asyncio.sleep(RETRY_S)

    async def run(self) -> None:
        """Catch up whenever it is needed, until cancelled."""
        while True:
            await self._wait_until_behind()
            self._set_active(True)
            log.info("catching up", height=self._chain.height, best=self.best)
            await self._fetch_until_near()
            log.info("caught up", height=self._chain.height, best=self.best)
            self._set_active(False)

    async def look_ahead(self) -> None:
        """Fetch what others may have decided about a call that kills the own runner, for ever.

        A run may end between such a call and the headers that make it a trap; what comes after it
        is then not fetched, since the run is not applied yet (docs/protocol.md#Z4).
        """
        while True:
            while not self._is_blind():
                await self._chain.changed.wait()
            if not await self._look_ahead():
                await asyncio.sleep(RETRY_S_MAX)

    def _is_blind(self) -> bool:
        poisons, height = self._chain.poisons, self._chain.height
        tip = poisons.find_tip() if poisons.own.height == height + 1 else None
        return tip is not None and tip[0].header.height < max(self.best, self._wanted)

    async def _look_ahead(self) -> bool:
        """Take the headers of one more run; tell whether there were any."""
        tip = self._chain.poisons.find_tip()
        assert tip is not None, "asked before"
        run = await self._fetch_run(Base(*tip))
        if run is None:
            return False
        await self._chain.note_final(run.blocks)
        return True

    async def _wait_until_behind(self) -> None:
        while self._chain.needs_upgrade() or not self._is_urgent():
            height = self._chain.height
            if self.best <= height or self.busy or self._chain.needs_upgrade():
                await self._chain.changed.wait()
            elif not await self._moves_on(height) and self.best > self._chain.height:
                return

    def _is_urgent(self) -> bool:
        height = self._chain.height
        if self._wanted > height:
            return True
        ahead = self.best - height
        return not self.busy and (ahead > FAR or (ahead > 0 and not self.attached))

    async def _moves_on(self, height: int) -> bool:
        """Tell whether the head leaves `height`, or something urgent comes, within STALL_S."""
        try:
            async with asyncio.timeout(STALL_S):
                while self._chain.height == height and not self._is_urgent():
                    await self._chain.changed.wait()
        except TimeoutError:
            return False
        return True

    async def _fetch_until_near(self) -> None:
        # At least one run, however near: an idle chain gives the engine nothing to follow.
        moved, retry_s = await self._fetch(), RETRY_S
        while self._is_behind():
            if not moved:
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, RETRY_S_MAX)
            moved = await self._fetch()
            retry_s = RETRY_S if moved else retry_s

    def _is_behind(self) -> bool:
        if self._chain.needs_upgrade():
            return False
        height = self._chain.height
        near = NEAR if self.attached else 0
        return self._wanted > height or self.best - height > near

    async def _fetch(self) -> bool:
        """Fetch and apply one run; tell whether the head moved."""
        chain = self._chain
        height = chain.height
        try:
            base = Base(chain.head, chain.store.load_epochs(chain.start))
        except QuorateError as error:
            chain.set_fault(f"{error.reason}: {error.message}")
            return False
        run = await self._fetch_run(base)
        if run is not None:
            await self._apply(run)
        return chain.height > height

    async def _fetch_run(self, base: Base) -> Run | None:
        """Return the run of a peer that follows `base`; None when there is none that holds."""
        try:
            response = await self._gossip.fetch_blocks(base.head.header.height + 1)
        except QuorateError as error:
            log.info("blocks can't be fetched now", why=error.message)
            return None
        if not response.blocks:
            return None
        offer = Offer(response.blocks, response.certificate, response.batches)
        try:
            return await check_run(offer, base, self._genesis)
        except InvalidInput as error:
            await self._report(response.node_id, error)
            return None

    async def _apply(self, run: Run) -> None:
        try:
            obstacle = await self._chain.apply(run)
        except QuorateError as error:
            self._chain.set_fault(f"{error.reason}: {error.message}")
            return
        if obstacle is not None and obstacle.conflict:
            self._chain.set_fault(obstacle.conflict)
        if obstacle is not None and obstacle.missing:
            # Too large for one answer, or held back: any peer may have them.
            await self._fetch_batches(obstacle.missing)

    async def _fetch_batches(self, names: tuple[bytes, ...]) -> None:
        try:
            await self._gossip.fetch_batches(names, ())
        except QuorateError as error:
            log.info("batches can't be fetched now", why=error.message)

    async def _report(self, node_id: bytes, error: InvalidInput) -> None:
        log.warning("a peer gave a wrong run", node=node_id.hex(), why=error.message)
        try:
            await self._gossip.report(node_id, error.reason)
        except QuorateError as unsent:
            log.info("a report was not sent", why=unsent.message)

    def _set_active(self, active: bool) -> None:
        self.active = active
        self._chain.changed.notify()
