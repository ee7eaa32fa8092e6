"""Letting a fault last: the one wait of these tests that is for time and not for an event."""

import asyncio


async def last(seconds: float) -> None:
    """Return after so many seconds."""
    await happens_within(asyncio.Event(), seconds)


async def happens_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, but not longer; tell whether it happened."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
