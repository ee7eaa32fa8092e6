"""The client against a real gateway: reads, submits, watches that resume."""

import asyncio
from typing import Any

import pytest

from quorate.sdk import Client, Executed, Stage
from quorate.sdk.errors import InvalidTransaction, NotFound, Overloaded, Rejected, Unavailable

LIMIT_S = 60


async def test_reads_return_plain_values(build_network: Any) -> None:
    network = await build_network()
    network.chain.execute([network.transfer(0)])
    async with Client(network.target) as client:
        status = await client.status()
        assert (status.chain_id, status.height) == (network.genesis.chain_id, 1)
        assert (await client.account(bytes(32))).balance == 5
        assert (await client.block()).height == 1
        assert (await client.block(1)).height == 1
        blocks, token = await client.blocks()
        assert ([block.height for block in blocks], token) == ([1], "")
        running = await client.seats()
        assert (running.epoch, running.running_epoch, running.height) == (0, 0, 1)
        assert [seat.name for seat in running.seats] == ["v0", "v1", "v2", "v3"]
        assert (await client.seats(1)).epoch == 1
        first, second = running.seats[:2]
        assert (first.evidence, second.evidence) == (b"", b"h" * 32)
        assert (second.seat, second.view, second.height) == (1, 7, 3)
        with pytest.raises(NotFound):
            await client.seats(2)
        assert {v.state for v in await client.validators()} == {"voting"}
        assert (await client.receipt(network.id_of(network.transfer(0)))).height == 1
        assert await client.stage(bytes(32)) is Stage.UNKNOWN
        with pytest.raises(NotFound):
            await client.receipt(bytes(32))


async def test_submit_raises_typed_errors(build_network: Any) -> None:
    network = await build_network()
    raw = network.transfer(0)
    async with Client(network.target) as client:
        assert await client.submit(raw) == network.id_of(raw)
        with pytest.raises(InvalidTransaction):
            await client.submit(b"junk")
        for node in network.nodes:
            node.reject = lambda _: "SEQUENCE_TAKEN"
        with pytest.raises(Rejected) as rejected:
            await client.submit(raw)
        assert rejected.value.reason == "SEQUENCE_TAKEN"
        for node in network.nodes:
            node.retry_after_ms = 250
        with pytest.raises(Overloaded) as overloaded:
            await client.submit(raw)
        assert overloaded.value.retry_after_ms == 250


async def test_an_unreachable_gateway_is_unavailable() -> None:
    async with Client("127.0.0.1:1") as client:
        with pytest.raises(Unavailable):
            await client.status()


async def test_submit_many_tells_each_verdict(build_network: Any) -> None:
    network = await build_network()
    raws = [network.transfer(i, lane) for lane in range(4) for i in range(60)]
    bad = raws[77]
    for node in network.nodes:
        node.reject = lambda raw: "FEE_TOO_LOW" if raw == bad else ""
    async with Client(network.target) as client:
        verdicts = await client.submit_many([*raws, b"junk"], chunk=16)
    assert [index for index, verdict in enumerate(verdicts) if verdict] == [77, 240]
    assert verdicts[77].reason == "FEE_TOO_LOW"
    for lane in range(4):
        sent = raws[60 * lane : 60 * lane + 60]
        received = network.node_of(sent[0]).received
        assert [raw for raw in received if raw in sent] == sent


async def test_submit_many_waits_for_room(build_network: Any) -> None:
    network = await build_network()
    for node in network.nodes:
        node.retry_after_ms = 50

    relieving = asyncio.ensure_future(_relieve_when_refused(network))
    async with asyncio.timeout(LIMIT_S), Client(network.target) as client:
        verdicts = await client.submit_many([network.transfer(i) for i in range(10)])
    assert verdicts == [None] * 10
    await relieving


async def _relieve_when_refused(network: Any) -> None:
    waits = [asyncio.ensure_future(node.wait_refused()) for node in network.nodes]
    _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    for node in network.nodes:
        node.retry_after_ms = 0


async def test_a_watch_resumes_after_the_gateway_was_lost(build_network: Any) -> None:
    network = await build_network()
    raws = [network.transfer(i) for i in range(30)]
    heights: list[int] = []
    async with (
        asyncio.timeout(LIMIT_S),
        Client(network.target) as client,
        client.watch(senders=[network.sender]) as watch,
    ):
        for start in (0, 10, 20):
            for raw in raws[start : start + 10]:
                network.chain.execute([raw])
            while len(heights) < start + 10:
                update = await anext(watch)
                if isinstance(update, Executed):
                    heights.append(update.height)
            assert watch.cursor == (start + 10, 2**32 - 1)
            await network.restart_gateway()
    assert heights == list(range(1, 31))


async def test_blocks_are_watched_across_a_lost_gateway(build_network: Any) -> None:
    network = await build_network()
    heights: list[int] = []
    async with asyncio.timeout(LIMIT_S), Client(network.target) as client:
        network.chain.execute([])
        async for block in client.watch_blocks(1):
            heights.append(block.height)
            if block.height == 3:
                break
            await network.restart_gateway()
            network.chain.execute([])
    assert heights == [1, 2, 3]


async def test_a_watch_of_nothing_raises_when_opened(build_network: Any) -> None:
    network = await build_network()
    async with Client(network.target) as client:
        with pytest.raises(InvalidTransaction):
            await client.watch().__aenter__()
