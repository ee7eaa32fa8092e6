"""The client processes: started, killed, started again, and what they say they have done."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

from tests.idempotency.plan import Plan

CLIENT = Path(__file__).with_name("client.py")


class ClientFailed(AssertionError):
    """A client process ended by itself, or two of them saw different ends of one payment."""


class Clients:
    """All client processes of a plan. Use with `async with`: none is left behind."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        self.plan, self._directory = plan, directory
        self._file = directory / "plan.json"
        plan.save(self._file)
        self._lives = [0] * plan.processes
        self._running: dict[int, tuple[Process, asyncio.Task[None]]] = {}
        self._ended: set[int] = set()
        # Which payments which process has a receipt for, over all its lives; and which receipt.
        self._done: set[tuple[int, int]] = set()
        self._firsts: dict[int, str] = {}
        self._changed = asyncio.Event()
        self._error: BaseException | None = None

    async def __aenter__(self) -> "Clients":
        """Start all."""
        for number in range(self.plan.processes):
            await self.start(str(number))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Kill whatever runs."""
        for number in list(self._running):
            await self.kill(str(number))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the processes: their numbers."""
        return tuple(map(str, range(self.plan.processes)))

    @property
    def work(self) -> int:
        """How many receipts all processes together wait for."""
        return self.plan.sends * self.plan.shares

    @property
    def done(self) -> int:
        """How many of them there have been."""
        return len(self._done)

    @property
    def payments(self) -> int:
        """How many payments have a receipt."""
        return len(self._firsts)

    @property
    def restarts(self) -> int:
        """How often a process was started again."""
        return sum(self._lives) - self.plan.processes

    async def start(self, name: str) -> None:
        """Start a process anew: it sends everything again."""
        number = int(name)
        log = (self._directory / f"client-{name}.log").open("ab")
        with log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, str(CLIENT), str(self._file), name, str(self._lives[number]),
                stdin=PIPE, stdout=PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._lives[number] += 1
        self._ended.discard(number)
        task = asyncio.create_task(self._read(number, process))
        self._running[number] = (process, task)

    async def kill(self, name: str) -> bool:
        """Kill a process like a power cut; tell whether it was still at work."""
        process, task = self._running.pop(int(name), (None, None))
        if process is None or task is None:
            return False
        was_at_work = process.returncode is None and int(name) not in self._ended
        task.cancel()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await asyncio.gather(task, return_exceptions=True)
        return was_at_work

    async def wait(self, done: int) -> None:
        """Return when so many receipts were had, or all processes have ended well."""
        while self.done < done and len(self._ended) < self.plan.processes:
            await self._change()

    async def wait_end(self) -> None:
        """Return when all processes have ended well."""
        while len(self._ended) < self.plan.processes:
            await self._change()

    async def _change(self) -> None:
        if self._error is not None:
            raise self._error
        self._changed.clear()
        await self._changed.wait()
        if self._error is not None:
            raise self._error

    async def _read(self, number: int, process: Process) -> None:
        try:
            assert process.stdout is not None
            async for line in process.stdout:
                if line.endswith(b"\n"):
                    self._note(number, json.loads(line))
                    self._changed.set()
            if number not in self._ended:
                code = await process.wait()
                log = (self._directory / f"client-{number}.log").read_text()
                raise ClientFailed(f"client {number} ended by itself ({code}):\n{log[-4_000:]}")
        except (ClientFailed, ValueError) as error:
            self._error = error
            self._changed.set()

    def _note(self, number: int, said: dict[str, object]) -> None:
        if said["event"] == "end":
            self._ended.add(number)
        elif said["event"] == "done":
            payment, first = int(str(said["number"])), str(said["id"])
            self._done.add((number, payment))
            if self._firsts.setdefault(payment, first) != first:
                raise ClientFailed(f"payment {payment} succeeded as {first} and as another one")
