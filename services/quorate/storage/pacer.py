"""Slices long work on the event loop by time: a step ends when it has lasted long enough.

Yielding after every small slice would cost a whole turn of a busy loop each time.
"""

import asyncio
import time
from typing import Final

STEP_S: Final = 0.001


class Pacer:
    """Counts how long the present step has lasted."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    async def pause(self) -> None:
        """Let others run if this step has lasted STEP_S."""
        if time.monotonic() - self._since >= STEP_S:
            await asyncio.sleep(0)
            self._since = time.monotonic()
