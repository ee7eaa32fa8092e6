"""Readiness: the disk is healthy and the head is near the best peer's. Reads go on regardless."""

from typing import Final

from quorate.kit.rpc import Server
from quorate.storage.catchup import CatchUp
from quorate.storage.chain import Chain

BEHIND_MAX: Final = 64


class Readiness:
    """Keeps the health of the servers in step with the chain."""

    def __init__(self, chain: Chain, catch_up: CatchUp, servers: tuple[Server, ...]) -> None:
        self._chain, self._catch_up, self._servers = chain, catch_up, servers

    async def run(self) -> None:
        """Set health whenever it changes, until cancelled."""
        told: bool | None = None
        while True:
            ready = self._is_ready()
            if ready != told:
                for server in self._servers:
                    await server.set_ready(ready)
                told = ready
                continue
            await self._chain.changed.wait()

    def _is_ready(self) -> bool:
        near = self._catch_up.best - self._chain.height <= BEHIND_MAX
        return near and not self._chain.get_fault()
