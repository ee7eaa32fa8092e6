"""Gets modules compiled: from the cache, or by a child that is killed when it takes too long."""

import asyncio
import time
from typing import Final

from quorate.api.contracts.v1 import contracts_pb2 as pb
from quorate.contracts import frames
from quorate.contracts.artefacts import Cache
from quorate.contracts.child import COMPILE
from quorate.contracts.children import Child, Gone, Spawner
from quorate.contracts.compiling import CHECK_JOB, PLAIN_JOB
from quorate.contracts.frames import Frame
from quorate.core.contracts.machine import Code
from quorate.core.errors import Overloaded, Unavailable
from quorate.kit import metrics
from quorate.kit.logs import get_logger

COMPILE_S: Final = 30.0
CHECKS_MAX: Final = 16

log = get_logger("contracts")


class Compiler:
    """Compiles one module at a time for those who run it, and one for those who only ask."""

    def __init__(self, spawner: Spawner, cache: Cache, limit_s: float = COMPILE_S) -> None:
        self._spawner, self._cache, self._limit_s = spawner, cache, limit_s
        self._locks = {PLAIN_JOB: asyncio.Lock(), CHECK_JOB: asyncio.Lock()}
        self._checks = 0

    def find(self, child: Child, wanted: bytes) -> None:
        """Give a child the compiled module that it wants, or tell it to send the module."""
        profile, name = frames.CODE.unpack(wanted)
        artefact = self._cache.read(Code(name, profile))
        metrics.CONTRACT_ARTEFACTS.labels("cache" if artefact else "compiled").inc()
        if artefact is None:
            child.send(frames.MISSING)
        else:
            child.send(frames.ARTEFACT, artefact)

    async def compile(self, child: Child, module: bytes) -> None:
        """Compile the module that was missing, for good, and give it; raises Gone."""
        profile, name = frames.CODE.unpack_from(module)
        answer = await self._compile(PLAIN_JOB, profile, module[frames.CODE.size :])
        if answer.kind == frames.ARTEFACT:
            self._cache.write(Code(name, profile), answer.body)
        child.send(answer.kind, answer.body)

    async def check(self, code: bytes, profile: int) -> pb.CheckResponse:
        """Check a module as a deployment would; raises Overloaded or Unavailable."""
        if self._checks >= CHECKS_MAX:
            raise Overloaded("the queue of module checks", retry_after_ms=500)
        self._checks += 1
        try:
            answer = await self._compile(CHECK_JOB, profile, code)
        except Gone as gone:
            raise Unavailable(
                f"checking the module was given up: {gone}", reason="CHECK_GIVEN_UP"
            ) from gone
        finally:
            self._checks -= 1
        return pb.CheckResponse.FromString(answer.body)

    async def _compile(self, kind: int, profile: int, code: bytes) -> Frame:
        """Return what a compile child answers; raises Gone when it is lost."""
        async with self._locks[kind]:
            child = await self._spawner.spawn(COMPILE)
            started_s = time.monotonic()
            try:
                child.send(frames.JOB, bytes((kind, profile)) + code)
                async with asyncio.timeout(self._limit_s):
                    return await child.receive()
            except TimeoutError:
                await child.kill("compiling took too long")
                log.error("a module was not compiled in time", limit_s=self._limit_s)
                raise Gone("compiling took too long") from None
            finally:
                metrics.CONTRACT_COMPILE_SECONDS.observe(time.monotonic() - started_s)
                child.close()
