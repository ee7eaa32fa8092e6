"""A relay carries connections unchanged, and breaks them in the way it is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from quorate.devnet.faults.conditions import PERFECT, Condition
from quorate.devnet.faults.relay import Relay
from quorate.devnet.ports import HOST, find_free_ports

THERE, BACK = ("a", "b"), ("b", "a")
LIMIT_S = 60.0
TRIES = 5
Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """A server that says everything back; gives its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    (port,) = find_free_ports(1)
    server = await asyncio.start_server(answer, HOST, port)
    yield port
    server.close()


@pytest.fixture
async def relayed(echo: int) -> AsyncIterator[tuple[Relay, Dial]]:
    relay = Relay(seed=1)
    ports = find_free_ports(2)
    await relay.listen({THERE: ports[0], BACK: ports[1]})
    relay.set_targets({"b": echo, "a": echo})

    async def dial() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, ports[0])

    yield relay, dial
    relay.stop()


async def ask(
    stream: tuple[asyncio.StreamReader, asyncio.StreamWriter], data: bytes = b"hello"
) -> float:
    """Send bytes and read them back; return the seconds that took."""
    reader, writer = stream
    started_s = time.monotonic()
    writer.write(data)
    async with asyncio.timeout(LIMIT_S):
        assert await reader.readexactly(len(data)) == data
    return time.monotonic() - started_s


async def test_bytes_come_through_in_order_and_whole(relayed: tuple[Relay, Dial]) -> None:
    relay, dial = relayed
    stream = await dial()
    data = bytes(range(256)) * 40_000  # ten megabytes: more than any buffer on the way
    await ask(stream, data)
    assert relay.count_bytes() == 2 * len(data)
    relay.set_conditions({THERE: Condition(delay_ms=1, jitter_ms=20)})
    await ask(stream, bytes(range(256)) * 4_000)


async def test_delay_is_of_one_direction(relayed: tuple[Relay, Dial]) -> None:
    relay, dial = relayed
    stream = await dial()
    await ask(stream)
    relay.set_conditions({THERE: Condition(delay_ms=150)})
    # On a busy machine some take longer: one that took the delay twice never takes so little.
    asked_s = [await ask(stream) for _ in range(TRIES)]
    assert 0.15 <= min(asked_s) < 0.29
    relay.set_conditions({BACK: Condition(delay_ms=150)})
    assert await ask(stream) >= 0.3


async def test_reset_ends_connections_and_refuses_new_ones(relayed: tuple[Relay, Dial]) -> None:
    relay, dial = relayed
    reader, writer = stream = await dial()
    await ask(stream)
    relay.set_conditions({BACK: Condition(cut="reset")})
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), LIMIT_S)
    reader, writer = await dial()
    writer.write(b"anyone?")
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), LIMIT_S)
    relay.set_conditions({BACK: PERFECT})
    await ask(await dial())


async def test_silent_cut_loses_nothing_but_the_time_until_tcp_tries_again(
    relayed: tuple[Relay, Dial],
) -> None:
    relay, dial = relayed
    reader, writer = stream = await dial()
    await ask(stream)
    relay.set_conditions({THERE: Condition(cut="silent")})
    started_s = time.monotonic()
    writer.write(b"late")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.7):
            await reader.read(1)
    relay.set_conditions({THERE: PERFECT})
    async with asyncio.timeout(LIMIT_S):
        assert await reader.readexactly(4) == b"late"
    # Repeated 0.2, 0.6, 1.4 and 3 s after it was sent.
    assert 1.35 <= time.monotonic() - started_s < 3.0


async def test_connection_begun_in_a_silent_cut_waits_for_the_next_first_packet(
    relayed: tuple[Relay, Dial],
) -> None:
    relay, dial = relayed
    relay.set_conditions({THERE: Condition(cut="silent")})
    started_s = time.monotonic()
    reader, writer = await dial()
    writer.write(b"x")
    relay.set_conditions({THERE: PERFECT})
    async with asyncio.timeout(LIMIT_S):
        assert await reader.readexactly(1) == b"x"
    # Repeated 1 and 3 s after it was sent.
    assert 0.95 <= time.monotonic() - started_s < 3.0


async def test_end_of_a_connection_is_passed_on(relayed: tuple[Relay, Dial]) -> None:
    _, dial = relayed
    reader, writer = stream = await dial()
    await ask(stream)
    writer.write_eof()
    async with asyncio.timeout(LIMIT_S):
        assert await reader.read() == b""


async def test_nobody_there_ends_the_connection(relayed: tuple[Relay, Dial]) -> None:
    relay, dial = relayed
    relay.set_targets({})
    reader, _ = await dial()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), LIMIT_S)
