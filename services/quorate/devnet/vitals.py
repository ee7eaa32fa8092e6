"""What the live table shows: height, transactions per second, finality, each node's state.

Finality here is from the time in a block's header (its proposal) to hearing that it is executed.
Only blocks that carry transactions count: an idle chain's heartbeats would say nothing.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from quorate.core.errors import Overloaded, Unavailable
from quorate.devnet.load.plan import compute_percentile
from quorate.sdk.client import Client
from quorate.sdk.values import Validator

WINDOW_S: Final = 10.0
_POLL_S: Final = 0.5
_CALL_S: Final = 1.0
_BLOCKS_MAX: Final = 2_000


@dataclass(frozen=True, slots=True)
class Beat:
    """One executed block as it was heard of."""

    heard_s: float
    transactions: int
    finality_ms: float


@dataclass(frozen=True, slots=True)
class Pace:
    """Figures of the last seconds; finality is None when no block carried a transaction."""

    transactions_per_s: float
    blocks_per_s: float
    p50_ms: float | None
    p99_ms: float | None


def compute_pace(beats: "deque[Beat] | list[Beat]", now_s: float) -> Pace:
    """Return the figures of the last WINDOW_S seconds."""
    recent = [beat for beat in beats if beat.heard_s > now_s - WINDOW_S]
    loaded = sorted(beat.finality_ms for beat in recent if beat.transactions)
    return Pace(
        sum(beat.transactions for beat in recent) / WINDOW_S,
        len(recent) / WINDOW_S,
        compute_percentile(loaded, 50) if loaded else None,
        compute_percentile(loaded, 99) if loaded else None,
    )


class Vitals:
    """Follows a network through its gateway; read the attributes at any time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._beats: deque[Beat] = deque(maxlen=_BLOCKS_MAX)
        self.height = self.view = self.transactions = 0
        self.is_gateway_up = False
        self.validators: list[Validator] = []

    def pace(self) -> Pace:
        """Return the figures of the last seconds."""
        return compute_pace(self._beats, time.monotonic())

    async def follow(self) -> None:
        """Follow until cancelled; outages are shown, not raised."""
        await asyncio.gather(self._follow_blocks(), self._follow_validators())

    async def _follow_blocks(self) -> None:
        async for block in self._client.watch_blocks():
            finality_ms = max(0.0, time.time() * 1_000 - block.time_ms)
            self._beats.append(Beat(time.monotonic(), block.transactions, finality_ms))
            self.height, self.view = block.height, max(self.view, block.view)
            self.transactions += block.transactions

    async def _follow_validators(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_CALL_S):
                    self.validators = await self._client.validators()
                self.is_gateway_up = True
                self.view = max([self.view, *[each.view for each in self.validators]])
                self.height = max([self.height, *[each.height for each in self.validators]])
            except (Unavailable, Overloaded, TimeoutError):
                self.is_gateway_up = False
            await asyncio.sleep(_POLL_S)
