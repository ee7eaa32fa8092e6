"""A change that any number of tasks wait for: state is read, the signal only says "look again"."""

import asyncio


class Signal:
    """Wakes all who wait; nothing is queued, so it needs no bound.

    Use as `while not <condition on state>: await signal.wait()`: nothing runs in between.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Wake all that wait now."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        """Return at the next `notify`."""
        await self._event.wait()
