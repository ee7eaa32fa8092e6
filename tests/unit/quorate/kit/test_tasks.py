"""A background task that dies is heard of; stopping ends all of them."""

import asyncio

import pytest

from quorate.kit.tasks import Tasks


class Broken(Exception):
    """What a task dies of here."""


async def fail() -> None:
    raise Broken


async def wait_forever(ended: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.set()


async def test_the_first_error_is_raised_to_who_waits() -> None:
    tasks = Tasks()
    tasks.start(fail(), "one")
    async with asyncio.timeout(60):
        with pytest.raises(Broken):
            await tasks.wait_failed()
    await tasks.stop()


async def test_a_task_that_ends_well_or_is_cancelled_is_no_failure() -> None:
    tasks = Tasks()
    await tasks.start(asyncio.sleep(0), "ends")
    cancelled = tasks.start(asyncio.Event().wait(), "cancelled")  # type: ignore[arg-type]
    cancelled.cancel()
    waiting = asyncio.create_task(tasks.wait_failed())
    await asyncio.wait([cancelled])
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    await tasks.stop()


async def test_stop_ends_all_tasks_before_it_returns() -> None:
    tasks, ended = Tasks(), [asyncio.Event() for _ in range(3)]
    for n, event in enumerate(ended):
        tasks.start(wait_forever(event), f"{n}")
    await asyncio.sleep(0)
    await tasks.stop()
    assert all(event.is_set() for event in ended)


async def test_stop_after_a_failure_does_not_raise_it_again() -> None:
    tasks = Tasks()
    task = tasks.start(fail(), "one")
    await asyncio.wait([task])
    await tasks.stop()


async def test_waiting_can_be_given_up_and_taken_up_again() -> None:
    tasks = Tasks()
    for _ in range(2):
        waiting = asyncio.create_task(tasks.wait_failed())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    tasks.start(fail(), "one")
    async with asyncio.timeout(60):
        with pytest.raises(Broken):
            await tasks.wait_failed()
    await tasks.stop()
