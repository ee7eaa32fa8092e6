"""The service's side of its children: made by the spawner, spoken to over a socket, buried."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

from quorate.contracts import frames, sandbox
from quorate.contracts.child import KINDS, OUT_OF_MEMORY
from quorate.contracts.frames import Frame, Splitter
from quorate.contracts.mark import Mark
from quorate.contracts.spawner import KILL, NEWS, OPEN, ORDER, SANDBOXED, SPAWN, SPAWNED
from quorate.kit import metrics
from quorate.kit.logs import get_logger
from quorate.kit.rpc import Server

START_S: Final = 20.0
STOP_S: Final = 2.0
RETRY_S: Final = 0.2
_MESSAGE_BYTES: Final = 64

log = get_logger("contracts")


class Gone(Exception):
    """A child is no more; the text says why."""


class Child(asyncio.Protocol):
    """One child: frames out, frames in, and what it was at when it died."""

    def __init__(self, kind: str, mark: Mark, kill: Callable[[int], None]) -> None:
        self.kind, self.mark, self.pid = kind, mark, 0
        self._kill, self._splitter = kill, Splitter()
        self._frames: deque[Frame] = deque()
        self._news, self.named = asyncio.Event(), asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._why, self._status, self._is_cut = "", "", False
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what frames are written to."""
        # uvloop's transports are asyncio's only by what they can do.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Queue the frames that are whole; a child that says more than it may is cut off."""
        try:
            self._frames += self._splitter.feed(data)
            if len(self._frames) > frames.UNREAD_MAX:
                raise frames.Flood(f"{len(self._frames)} frames at once")
        except frames.Flood as flood:
            self._why = self._why or str(flood)
            self._kill(self.pid)
        self._news.set()

    def connection_lost(self, error: Exception | None) -> None:
        """Know that nothing more comes."""
        self._is_cut = True
        self._conclude()

    @property
    def why(self) -> str:
        """Why it ended, as far as is known."""
        return self.ended.result() if self.ended.done() else "it closed its socket"

    @property
    def is_alive(self) -> bool:
        """Whether it can still be given work."""
        return not self._is_cut and not self.ended.done()

    def send(self, kind: int, body: bytes = b"") -> None:
        """Send a frame; one that comes too late is lost."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frames.encode(kind, body))

    async def receive(self) -> Frame:
        """Return the next frame; raises Gone once there is none and will be none."""
        while not self._frames:
            if self.ended.done():
                raise Gone(self.ended.result())
            self._news.clear()
            await self._news.wait()
        return self._frames.popleft()

    async def kill(self, why: str) -> None:
        """Kill it, for a reason that `ended` then gives; return once it is buried."""
        self._why = self._why or why
        if not self.ended.done():
            self._kill(self.pid)
            await asyncio.wait({self.ended})

    def name(self, pid: int) -> None:
        """Take the news of its process id."""
        self.pid = pid
        self.named.set()

    def bury(self, status: str) -> None:
        """Take the news of its end."""
        self.named.set()
        self._status = status
        self._conclude()

    def close(self) -> None:
        """Close the socket, at which it ends, and give the mark back."""
        if self._transport is not None:
            self._transport.close()
        self.mark.close()

    def _conclude(self) -> None:
        # What it said last may come in after the news of its end.
        if self._is_cut and self._status and not self.ended.done():
            self.ended.set_result(self._why or self._status)
            self._news.set()


class Spawner:
    """Keeps the spawner process up; all children end with it."""

    def __init__(self, *, sandboxed: bool) -> None:
        self._is_sandboxed = sandboxed
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        # Ordered and not yet made, by the number of the order; made, by process id.
        self._ordered: dict[int, Child] = {}
        self._children: dict[int, Child] = {}
        self._orders = 0
        # Set when the process is gone, and when there is one again.
        self.changed = asyncio.Event()

    @property
    def pid(self) -> int:
        """Process id of the spawner; 0 when there is none."""
        return 0 if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process. It runs a program of its own: nothing of this one lives on in it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-P", "-m", "quorate.contracts.spawner"]
        how = SANDBOXED if self._is_sandboxed else OPEN
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), str(os.getpid()), how],
                pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL,
            )  # fmt: skip
        ours.setblocking(False)
        self._control = ours
        self.changed.set()

    async def keep_told(self, server: Server) -> None:
        """Keep the health of a server in step with whether children can be made."""
        while True:
            await self.changed.wait()
            self.changed.clear()
            await server.set_ready(self._control is not None)

    async def run(self) -> None:
        """Take news of children until cancelled; start again when the process dies."""
        while True:
            await self._listen()
            log.error("the spawner died")
            metrics.CONTRACT_RESTARTS.labels("spawner").inc()
            await self._reap()
            self.changed.set()
            await asyncio.sleep(RETRY_S)
            self.start()

    async def spawn(self, kind: str) -> Child:
        """Return a new child that is ready.

        Raises RefusedToStart if it can't be enclosed; Gone or TimeoutError if it does not come up.
        """
        async with asyncio.timeout(START_S):
            child = await self._order(kind)
            await child.named.wait()
            frame = await child.receive()
        if frame.kind == frames.LACKS:
            raise sandbox.refuse(frame.body.decode())
        assert frame.kind == frames.READY, f"frame {frame.kind} of a new child"
        return child

    async def stop(self) -> None:
        """End the spawner and all children."""
        for child in self._children.values():
            child.close()
        await self._reap()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        assert self._control is not None
        while message := await _receive(loop, self._control):
            news, pid, value = NEWS.unpack(message)
            if news == SPAWNED:
                child = self._children[pid] = self._ordered.pop(value)
                child.name(pid)
            else:
                self._children.pop(pid).bury(_explain(value))

    async def _order(self, kind: str) -> Child:
        """Return a child that is being made; raises Gone."""
        if self._control is None:
            raise Gone("the spawner died")
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        mark, file = Mark.create()
        child = Child(kind, mark, self._kill)
        self._orders += 1
        try:
            self._ordered[self._orders] = child
            order = ORDER.pack(SPAWN, KINDS.index(kind), self._orders)
            socket.send_fds(self._control, [order], [theirs.fileno(), file])
        except OSError as error:
            self._ordered.pop(self._orders, None)
            ours.close()
            mark.close()
            raise Gone(f"the spawner takes no orders: {error}") from error
        finally:
            theirs.close()
            os.close(file)
        await asyncio.get_running_loop().create_unix_connection(lambda: child, sock=ours)
        return child

    def _kill(self, pid: int) -> None:
        # By its parent, so that the number can't be another's by then.
        if self._control is not None and pid in self._children:
            with suppress(BrokenPipeError, ConnectionResetError):  # then it is dead already
                self._control.send(ORDER.pack(KILL, 0, pid))

    async def _reap(self) -> None:
        """Close the process's socket, at which it ends, and see it and its children gone."""
        process, control = self._process, self._control
        self._process = self._control = None
        if process is None or control is None:
            return
        control.close()
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(None, process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            await loop.run_in_executor(None, process.wait)
        for child in (*self._ordered.values(), *self._children.values()):
            child.bury("the spawner died")
        self._ordered.clear()
        self._children.clear()


async def _receive(loop: asyncio.AbstractEventLoop, control: socket.socket) -> bytes:
    """Return a piece of news; nothing when the spawner is gone."""
    try:
        return await loop.sock_recv(control, _MESSAGE_BYTES)
    except ConnectionResetError:
        return b""


def _explain(status: int) -> str:
    """Return why a process ended, in words."""
    code = os.waitstatus_to_exitcode(status)
    if code == OUT_OF_MEMORY:
        return "out of memory"
    if code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"
