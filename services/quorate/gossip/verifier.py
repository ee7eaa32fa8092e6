"""The main process's side of the verifier process: jobs out, verdicts in, restart when it dies.

Jobs of batches go before jobs of clients, since consensus waits for batches. Only WINDOW jobs are
at the process at a time, so that the order can still be chosen; those are sent again to the next
process when one dies, and given up when three died of them.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections import deque
from typing import Final, NamedTuple

from quorate.core.codec import U32
from quorate.core.errors import MalformedBytes, Overloaded, Unavailable
from quorate.core.genesis import Genesis
from quorate.core.gossip.entries import RECORD, Checked, unpack_records
from quorate.gossip.verifier_main import ANSWER, CHECK_SIGNATURES, JOB
from quorate.kit import metrics
from quorate.kit.logs import get_logger

WINDOW: Final = 3
JOB_COUNT_MAX: Final = 96
QUEUE_BYTES_MAX: Final = 64 * 1024 * 1024
ATTEMPTS_MAX: Final = 3
RETRY_S: Final = 0.05
RETRY_S_MAX: Final = 2.0
STOP_S: Final = 1.0
# A job takes some ms; a process that has not answered one after this time hangs.
HANG_S: Final = 5.0

log = get_logger("gossip")


class Failed(NamedTuple):
    """A transaction that is wrong whatever the state."""

    at: int
    reason: str
    message: str
    fields: dict[str, str]


class Verdicts(NamedTuple):
    """Records by index (those of failed ones count for nothing but their id), and who failed."""

    packed: bytes
    failed: list[Failed]

    def unpack(self) -> list[Checked]:
        """Return all records."""
        return unpack_records(self.packed)


class _Job:
    __slots__ = ("attempts", "count", "data", "done", "number")

    def __init__(self, number: int, data: bytes, count: int) -> None:
        self.number, self.data, self.count, self.attempts = number, data, count, 0
        self.done: asyncio.Future[Verdicts] = asyncio.get_running_loop().create_future()


class _Pipe(asyncio.Protocol):
    """Cuts the process's answers out of the socket's bytes."""

    def __init__(self, owner: "Verifier") -> None:
        self._owner = owner
        self._buffer = bytearray()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        buffer, head = self._buffer, ANSWER.size
        buffer += data
        while len(buffer) >= head:
            size, number, count, cpu_us = ANSWER.unpack_from(buffer)
            if len(buffer) < head + size:
                return
            body = bytes(buffer[head : head + size])
            del buffer[: head + size]
            self._owner.handle_answer(number, count, cpu_us, body)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


class Verifier:
    """Verifies chunks of encoded transactions in a process of its own."""

    def __init__(self, genesis: Genesis) -> None:
        rules = {"domain": genesis.domain.hex(), "params": genesis.params.to_document()}
        self._rules = json.dumps(rules)
        self._urgent: deque[_Job] = deque()
        self._patient: deque[_Job] = deque()
        self._sent: dict[int, _Job] = {}
        self._numbers = 0
        self._transport: asyncio.Transport | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.queued_bytes = self.queued_count = 0

    @property
    def pid(self) -> int:
        """Process id of the present process; 0 when there is none."""
        return 0 if self._process is None else self._process.pid

    async def verify(
        self, content: bytes, count: int, *, urgent: bool = False, signatures: bool = True
    ) -> Verdicts:
        """Return the verdicts on `count` length-prefixed transactions.

        Raises MalformedBytes when the content doesn't hold so many, Overloaded when too much waits,
        Unavailable when the process dies of it again and again.
        """
        if self.queued_bytes + len(content) > QUEUE_BYTES_MAX:
            raise Overloaded("the verifier")
        queue = self._urgent if urgent else self._patient
        jobs: list[_Job] = []
        for part, part_count in split_content(content, count):
            self._numbers += 1
            flags = CHECK_SIGNATURES if signatures else 0
            head = JOB.pack(len(part), self._numbers, part_count, flags)
            jobs.append(_Job(self._numbers, head + part, part_count))
        queue.extend(jobs)
        self.queued_bytes += len(content)
        self.queued_count += count
        self._pump()
        try:
            parts = [await job.done for job in jobs]
        finally:
            self.queued_bytes -= len(content)
            self.queued_count -= count
            for job in jobs:
                job.done.cancel()
        return _join(parts, [job.count for job in jobs])

    async def run(self) -> None:
        """Keep a process up until cancelled."""
        retry_s = RETRY_S
        loop = asyncio.get_running_loop()
        try:
            while True:
                started_s = loop.time()
                pipe = await self._spawn()
                await self._watch(pipe)
                await self._reap()
                log.warning("the verifier process died", jobs=len(self._sent))
                metrics.VERIFIER_RESTARTS.inc()
                self._resend()
                retry_s = RETRY_S if loop.time() - started_s > 5 else min(retry_s * 2, RETRY_S_MAX)
                await asyncio.sleep(retry_s)
        finally:
            if self._transport is not None:
                self._transport.close()
            await self._reap()

    async def _watch(self, pipe: _Pipe) -> None:
        """Return when the process died; one that hangs at a job is killed."""
        while not pipe.closed.done():
            oldest = next(iter(self._sent), 0)
            await asyncio.wait({pipe.closed}, timeout=HANG_S)
            if oldest and oldest in self._sent and self._process is not None:
                log.error("the verifier process hangs: killing it", pid=self.pid)
                self._process.kill()

    def handle_answer(self, number: int, count: int, cpu_us: int, body: bytes) -> None:
        """Resolve the job that an answer belongs to."""
        job = self._sent.pop(number, None)
        metrics.STAGE_CPU.labels("verify").inc(cpu_us / 1_000_000)
        if job is not None and not job.done.done():
            cut = count * RECORD.size
            failed = [Failed(*each) for each in json.loads(body[cut:])] if body[cut:] else []
            job.done.set_result(Verdicts(body[:cut], failed))
        self._pump()

    def _pump(self) -> None:
        transport = self._transport
        while transport is not None and len(self._sent) < WINDOW:
            queue = self._urgent or self._patient
            if not queue:
                return
            job = queue.popleft()
            if not job.done.done():
                self._sent[job.number] = job
                transport.write(job.data)

    async def _spawn(self) -> _Pipe:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._process = _open_process(theirs, self._rules)
        theirs.close()
        loop = asyncio.get_running_loop()
        self._transport, pipe = await loop.create_unix_connection(lambda: _Pipe(self), sock=ours)
        self._pump()
        return pipe

    async def _reap(self) -> None:
        process, self._process, self._transport = self._process, None, None
        if process is None:
            return
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(None, process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            await loop.run_in_executor(None, process.wait)

    def _resend(self) -> None:
        jobs, self._sent = list(self._sent.values()), {}
        for job in reversed(jobs):
            job.attempts += 1
            if job.attempts < ATTEMPTS_MAX:
                self._urgent.appendleft(job)
            elif not job.done.done():
                job.done.set_exception(Unavailable("the verifier process died of this chunk"))


def _open_process(end: socket.socket, rules: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "quorate.gossip.verifier_main"]
    # Popen execs at once (vfork): nothing of a process that uses gRPC may run on in a fork.
    return subprocess.Popen(
        [*command, str(end.fileno()), rules], pass_fds=(end.fileno(),), stdin=subprocess.DEVNULL
    )


def split_content(content: bytes, count: int) -> list[tuple[bytes, int]]:
    """Return packed items in parts of at most JOB_COUNT_MAX; raises MalformedBytes."""
    parts: list[tuple[bytes, int]] = []
    at = start = inside = 0
    end, unpack = len(content), U32.unpack_from
    for _ in range(count):
        if at + 4 > end:
            raise MalformedBytes("transactions", f"cut off at byte {end}")
        at += 4 + unpack(content, at)[0]
        inside += 1
        if inside == JOB_COUNT_MAX:
            parts.append((content[start:at], inside))
            start, inside = at, 0
    if inside:
        parts.append((content[start:at], inside))
    if at != end:
        raise MalformedBytes("transactions", f"{at} bytes in {end}")
    return parts


def _join(parts: list[Verdicts], counts: list[int]) -> Verdicts:
    if len(parts) == 1:
        return parts[0]
    failed: list[Failed] = []
    before = 0
    for part, count in zip(parts, counts, strict=True):
        failed += [each._replace(at=each.at + before) for each in part.failed]
        before += count
    return Verdicts(b"".join([part.packed for part in parts]), failed)
