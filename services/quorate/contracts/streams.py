"""Relays a stream between storage and a child, and says so when the child dies of it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final, Protocol

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.contracts import frames
from quorate.contracts.children import Child, Gone, Spawner
from quorate.contracts.compiler import Compiler
from quorate.contracts.frames import Frame
from quorate.core.errors import Overloaded, Unavailable
from quorate.kit import metrics
from quorate.kit.logs import get_logger

HANG_S: Final = 30.0
HUNG: Final = "hung"
WAITING_MAX: Final = 32

log = get_logger("contracts")


class Request(Protocol):
    """A request of any of the three streams."""

    @property
    def ask(self) -> pb.Ask:
        """What storage says."""
        ...


class Desk:
    """Keeps one child of a kind up, and gives it one stream at a time.

    A child that is at the same place of its work for `hang_s` is killed.
    """

    def __init__(
        self, kind: str, spawner: Spawner, compiler: Compiler, hang_s: float = HANG_S
    ) -> None:
        self._kind, self._spawner, self._compiler = kind, spawner, compiler
        self._hang_s = hang_s
        self._lock, self._waiting = asyncio.Lock(), 0
        self._child: Child | None = None
        # The child is in the midst of work that nobody waits for any more.
        self._is_amid = False

    @property
    def pid(self) -> int:
        """Process id of the present child; 0 when there is none."""
        return self._child.pid if self._child is not None and self._child.is_alive else 0

    async def warm(self) -> None:
        """Have a child ready; raises RefusedToStart or Unavailable."""
        async with self._lock:
            await self._get_child()

    async def relay(self, requests: AsyncIterator[Request]) -> AsyncGenerator[pb.Answer, None]:
        """Yield what the child answers, until storage is done or the child is no more.

        Raises Overloaded or Unavailable.
        """
        if self._waiting >= WAITING_MAX:
            raise Overloaded(f"the queue to {self._kind}", retry_after_ms=500)
        self._waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1
        try:
            child = await self._get_child()
            async with aclosing(self._serve(child, requests)) as answers:
                async for answer in answers:
                    yield answer
            if not child.is_alive:
                await self._get_child()
        finally:
            self._lock.release()

    async def _serve(
        self, child: Child, requests: AsyncIterator[Request]
    ) -> AsyncGenerator[pb.Answer, None]:
        """Give the child one stream: whatever is no Begin is answered before the next."""
        async for request in requests:
            ask = request.ask
            child.send(frames.ASK, ask.SerializeToString())
            if ask.WhichOneof("kind") == "begin":
                continue
            self._is_amid = True
            try:
                frame = await self._answer(child)
            except Gone as gone:
                self._is_amid = False
                yield pb.Answer(died=_describe(child, str(gone)))
                return
            if frame.kind == frames.RESULT:
                self._is_amid = False
                yield self._finish(frame.body)
            else:
                yield pb.Answer.FromString(frame.body)

    async def _answer(self, child: Child) -> Frame:
        """Return the child's answer, once it has the compiled modules that it wants."""
        while True:
            frame = await self._receive(child)
            if frame.kind == frames.WANTED:
                self._compiler.find(child, frame.body)
            elif frame.kind == frames.MODULE:
                await self._compile(child, frame.body)
            else:
                return frame

    async def _compile(self, child: Child, module: bytes) -> None:
        try:
            await self._compiler.compile(child, module)
        except Gone as gone:
            # It may be this machine's fault, so it is no result but a death at this call.
            await child.kill(str(gone))
            raise

    async def _receive(self, child: Child) -> Frame:
        place = child.mark.read()
        while True:
            try:
                async with asyncio.timeout(self._hang_s):
                    return await child.receive()
            except TimeoutError:
                before, place = place, child.mark.read()
                if place == before:
                    await child.kill(HUNG)
                    raise Gone(HUNG) from None

    def _finish(self, body: bytes) -> pb.Answer:
        calls, fuel, cpu_us = frames.COUNTS.unpack_from(body)
        metrics.CONTRACT_CALLS.labels(self._kind).inc(calls)
        metrics.CONTRACT_FUEL.labels(self._kind).inc(fuel)
        metrics.STAGE_CPU.labels("contracts").inc(cpu_us / 1_000_000)
        return pb.Answer.FromString(body[frames.COUNTS.size :])

    async def _get_child(self) -> Child:
        child = self._child
        if (
            child is not None
            and child.is_alive
            and (not self._is_amid or await self._take_back(child))
        ):
            return child
        if child is not None:
            child.close()
            metrics.CONTRACT_RESTARTS.labels(self._kind).inc()
            log.warning("a child is replaced", kind=self._kind, why=child.why)
        self._is_amid = False
        try:
            self._child = await self._spawner.spawn(self._kind)
        except (Gone, TimeoutError) as error:
            raise Unavailable(f"no {self._kind} child: {error}", reason="NO_CHILD") from error
        return self._child

    async def _take_back(self, child: Child) -> bool:
        """Make the child drop what nobody waits for; tell whether it is alive after that."""
        child.send(frames.RESET)
        try:
            while (await self._receive(child)).kind != frames.READY:
                pass
        except Gone:
            return False
        self._is_amid = False
        return True


def _describe(child: Child, why: str) -> pb.Died:
    place = child.mark.read()
    return pb.Died(position=place.position, at_call=place.at_call, why=why)
