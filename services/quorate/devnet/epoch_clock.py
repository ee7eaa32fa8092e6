"""Where an epoch began and how far it is: what someone who waits for its end wants to know."""

import time
from typing import NamedTuple

from quorate.core.blocks import Header
from quorate.core.epochs import EpochStart, compute_end, start_after
from quorate.core.genesis import Genesis
from quorate.sdk.client import Client


class Remaining(NamedTuple):
    """What is left of an epoch; it ends as soon as one of both is used up."""

    epoch: int
    blocks: int
    seconds: float

    def describe(self) -> str:
        """Return it in a few words."""
        return f"epoch {self.epoch} ends in {self.seconds:.0f} s or {self.blocks:,} blocks"


class EpochClock:
    """Finds where epochs began, each once, by bisection over block heights."""

    def __init__(self, client: Client, genesis: Genesis) -> None:
        self._client, self._genesis = client, genesis
        self._starts = {0: genesis.start}

    async def read(self) -> Remaining:
        """Return what is left of the running epoch; raises a QuorateError without an answer."""
        seats = await self._client.seats()
        start = await self.find_start(seats.running_epoch, seats.height)
        end = compute_end(start, self._genesis.params)
        left_s = max(end.time_ms / 1_000 - time.time(), 0.0)
        return Remaining(seats.running_epoch, max(end.height - seats.height, 0), left_s)

    async def find_start(self, epoch: int, height: int) -> EpochStart:
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
