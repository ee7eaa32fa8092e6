"""Carries connections between validators over links that delay, lose, stall or break.

Each directed link i → j has a port that i dials instead of j's. Of a connection's two directions
each follows the link of its own direction. Memory is bounded: a full pipe stops reading.
"""

import asyncio
import random
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeGuard, cast

from quorate.devnet.faults.conditions import (
    CONNECT_RETRY_S,
    RETRANSMIT_S,
    Condition,
    Wire,
    compute_retry_s,
)
from quorate.devnet.ports import HOST

PIPE_BYTES_MAX: Final = 4 * 1024 * 1024
Pair = tuple[str, str]


class Pipe:
    """One direction of one connection."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.source: asyncio.Transport | None = None
        self.target: asyncio.Transport | None = None
        self.is_blocked = False
        self.carried_bytes = 0
        self._loop = asyncio.get_running_loop()
        # (due, bytes), and None for the end of the connection.
        self._queue: deque[tuple[float, bytes | None]] = deque()
        self._queued_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._last_due_s = self._held_s = 0.0
        self._stalled_s: float | None = None
        self._is_paused = False

    def put(self, data: bytes | None) -> None:
        """Take bytes that were sent, or None when the sender closed."""
        size_bytes = len(data or b"")
        self.carried_bytes += size_bytes
        is_open = self.target is not None and not self.is_blocked
        if is_open and not self._queue and self.wire.condition.is_perfect:
            self._deliver(data)
            return
        now_s = self._loop.time()
        if self.wire.condition.cut and self._stalled_s is None:
            self._stalled_s = now_s
        # In order, whatever the jitter.
        self._last_due_s = max(self._last_due_s, self.wire.compute_due_s(size_bytes, now_s))
        self._queue.append((self._last_due_s, data))
        self._queued_bytes += size_bytes
        if self._queued_bytes > PIPE_BYTES_MAX and not self._is_paused and _is_open(self.source):
            self._is_paused = True
            self.source.pause_reading()
        self.pump()

    def pump(self) -> None:
        """Deliver what is due; come back by a timer for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._queue and self.target and not self.is_blocked and not self.wire.condition.cut:
            due_s, now_s = max(self._queue[0][0], self._held_s), self._loop.time()
            if due_s > now_s:
                self._timer = self._loop.call_at(due_s, self.pump)
                break
            data = self._queue.popleft()[1]
            self._queued_bytes -= len(data or b"")
            self._deliver(data)
        if self._is_paused and self._queued_bytes < PIPE_BYTES_MAX // 2:
            self._is_paused = False
            if _is_open(self.source):
                self.source.resume_reading()

    def note_cut(self) -> None:
        """Note that what is under way now is lost on the way."""
        if self._queue and self._stalled_s is None:
            self._stalled_s = self._loop.time()

    def note_healed(self) -> None:
        """Let what stalled come through when the sender repeats it."""
        if self._stalled_s is not None:
            self._held_s = compute_retry_s(self._stalled_s, self._loop.time(), RETRANSMIT_S)
            self._stalled_s = None
        self.pump()

    def stop(self) -> None:
        """Forget what is under way."""
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _deliver(self, data: bytes | None) -> None:
        assert self.target is not None, "asked by who calls"
        if data is None:
            self.target.close()
        elif not self.target.is_closing():
            self.target.write(data)


class End(asyncio.Protocol):
    """One socket of a connection: what it hears goes into `out`; `into` is written to it."""

    def __init__(
        self,
        out: Pipe,
        into: Pipe,
        lost: asyncio.Event,
        on_made: Callable[[], None] = lambda: None,
    ) -> None:
        self._out, self._into, self._lost, self._on_made = out, into, lost, on_made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the socket to its pipes."""
        self._out.source = self._into.target = cast("asyncio.Transport", transport)
        self._into.pump()
        self._on_made()

    def data_received(self, data: bytes) -> None:
        """Pass bytes on."""
        self._out.put(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Pass the end on, behind the bytes before it."""
        self._into.stop()
        self._out.put(None)
        self._lost.set()

    def pause_writing(self) -> None:
        """Stop writing: who listens here is slow."""
        self._into.is_blocked = True

    def resume_writing(self) -> None:
        """Go on writing."""
        self._into.is_blocked = False
        self._into.pump()


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """A connection through the relay, the pipes of its two directions, and which end is gone."""

    pair: Pair
    there: Pipe
    back: Pipe
    near_lost: asyncio.Event
    far_lost: asyncio.Event

    def reset(self) -> None:
        """End both sides as by a reset."""
        for transport in (self.there.source, self.there.target):
            if transport is not None:
                _reset(transport)


class Relay:
    """All links of a network: their ports, conditions and connections."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._wires: dict[Pair, Wire] = {}
        self._targets: dict[str, int] = {}
        self._servers: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._carried_bytes = 0

    async def listen(self, ports: Mapping[Pair, int]) -> None:
        """Open the port of each link."""
        loop = asyncio.get_running_loop()
        for pair in sorted(ports):
            self._wires[pair] = Wire(random.Random(f"{self._seed} {pair}"))  # noqa: S311
        for pair, port in sorted(ports.items()):
            self._servers.append(await loop.create_server(partial(self._accept, pair), HOST, port))

    def set_targets(self, targets: Mapping[str, int]) -> None:
        """Say where each node listens."""
        self._targets = dict(targets)

    def set_conditions(self, conditions: Mapping[Pair, Condition]) -> None:
        """Change links, all at one moment."""
        healed: set[Pair] = set()
        for pair, condition in conditions.items():
            wire = self._wires[pair]
            if wire.condition.cut and not condition.cut:
                healed.add(pair)
            wire.condition = condition
        for connection in list(self._connections):
            self._update(connection, healed)
        self._changed.set()
        self._changed = asyncio.Event()

    def count_bytes(self) -> int:
        """Return how many bytes came in so far, both directions."""
        live = sum(c.there.carried_bytes + c.back.carried_bytes for c in self._connections)
        return self._carried_bytes + live

    def stop(self) -> None:
        """Close all ports and connections."""
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        for connection in list(self._connections):
            connection.reset()

    def _update(self, connection: Connection, healed: set[Pair]) -> None:
        i, j = connection.pair
        for pair, pipe in (((i, j), connection.there), ((j, i), connection.back)):
            match self._wires[pair].condition.cut:
                case "reset":
                    connection.reset()
                case "silent":
                    pipe.note_cut()
                case _ if pair in healed:
                    pipe.note_healed()
                case _:
                    pipe.pump()

    def _accept(self, pair: Pair) -> asyncio.Protocol:
        i, j = pair
        connection = Connection(
            pair,
            Pipe(self._wires[i, j]),
            Pipe(self._wires[j, i]),
            asyncio.Event(),
            asyncio.Event(),
        )
        begin = partial(self._begin, connection)
        return End(connection.there, connection.back, connection.near_lost, begin)

    def _begin(self, connection: Connection) -> None:
        task = asyncio.get_running_loop().create_task(self._carry(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, connection: Connection) -> None:
        self._connections.add(connection)
        there, back = connection.there, connection.back
        try:
            await self._wait_connected(connection)
            if not connection.near_lost.is_set():
                port = self._targets[connection.pair[1]]
                await asyncio.get_running_loop().create_connection(
                    lambda: End(back, there, connection.far_lost), HOST, port
                )
                await connection.far_lost.wait()
                await connection.near_lost.wait()
        except (OSError, KeyError):
            connection.reset()
        finally:
            for pipe in (there, back):
                pipe.stop()
                self._carried_bytes += pipe.carried_bytes
            self._connections.discard(connection)

    async def _wait_connected(self, connection: Connection) -> None:
        """Take as long as a handshake over these links would; raises ConnectionResetError."""
        loop, (i, j) = asyncio.get_running_loop(), connection.pair
        first_s = loop.time()
        wires = (self._wires[i, j], self._wires[j, i])
        while any(wire.condition.cut for wire in wires):
            if any(wire.condition.cut == "reset" for wire in wires):
                raise ConnectionResetError
            await self._changed.wait()
            if not any(wire.condition.cut for wire in wires):
                retry_s = compute_retry_s(first_s, loop.time(), CONNECT_RETRY_S)
                await asyncio.sleep(retry_s - loop.time())
        round_trip_s = sum(wire.condition.delay_ms for wire in wires) / 1_000
        if round_trip_s:
            await asyncio.sleep(round_trip_s)


def _is_open(transport: asyncio.Transport | None) -> TypeGuard[asyncio.Transport]:
    return transport is not None and not transport.is_closing()


def _reset(transport: asyncio.Transport) -> None:
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
