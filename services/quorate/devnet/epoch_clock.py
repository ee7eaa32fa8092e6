"""Where epochs began, and how far the running one is: what someone who waits for its end asks."""

import time
from typing import NamedTuple

from quorate.core.blocks import Header
from quorate.core.epochs import EpochStart, start_after
from quorate.core.genesis import Genesis
from quorate.sdk.client import Client


class Remaining(NamedTuple):
    """What is left of the running epoch; it ends as soon as one of both is used up."""

    epoch: int
    blocks: int
    seconds: float

    def describe(self) -> str:
        """Return it in a few words."""
        return f"epoch {self.epoch} ends in {self.seconds:.0f} s or {self.blocks:,} blocks"


async def read_remaining(client: Client) -> Remaining:
    """Return what is left now; raises a QuorateError without an answer."""
    economy = await client.economy()
    running = economy.epoch
    left_s = max(running.end_ms / 1_000 - time.time(), 0.0)
    return Remaining(running.epoch, max(running.end_height - economy.height, 0), left_s)


class EpochStarts:
    """Finds where epochs began, each once, by bisection over block heights."""

    def __init__(self, client: Client, genesis: Genesis) -> None:
        self._client = client
        self._starts = {0: genesis.start}

    async def find(self, epoch: int, height: int) -> EpochStart:
        """Return what an epoch starts from that runs at `height`, or right above it."""
        if epoch not in self._starts:
            # Up to `low` all blocks are of earlier epochs, from `high` on none is.
            low, high = 1, height + 1
            while high - low > 1:
                middle = (low + high) // 2
                if (await self._client.block(middle)).epoch < epoch:
                    low = middle
                else:
                    high = middle
            self._starts[epoch] = start_after(Header.decode((await self._client.block(low)).header))
        return self._starts[epoch]
