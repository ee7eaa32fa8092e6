"""Background tasks of a service: the first one that fails is reported, none fails unseen."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol


class Running(Protocol):
    """What every `wiring.start` returns: a service that runs until it is stopped or fails."""

    async def stop(self) -> None:
        """Stop serving, flush and close."""

    async def wait_failed(self) -> None:
        """Return only by raising the error of a background task that died."""


class Tasks:
    """Owns a service's background tasks."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run `work` in the background until it ends or `stop`."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def wait_failed(self) -> None:
        """Raise the error of the first task that died; never return otherwise."""
        await asyncio.shield(self._failed)

    async def stop(self) -> None:
        """Cancel all tasks and wait until they have ended."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._failed.done() and not self._failed.cancelled():
            self._failed.exception()
        else:
            self._failed.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not self._failed.done():
            self._failed.set_exception(error)
