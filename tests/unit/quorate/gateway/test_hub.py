"""Watching through a gateway: stages, cursors, failover of the feed, slow readers."""

import asyncio
from typing import Any

import grpc
import pytest

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.core import errors
from quorate.kit import faults

LIMIT_S = 60


async def open_watch(client: Any, **options: Any) -> Any:
    """Open a watch and return it when the gateway follows."""
    watch = client.transactions.Watch(pb.WatchRequest(**options), timeout=600)
    first = await watch.read()
    assert first.WhichOneof("frame") is None and first.HasField("cursor")
    return watch


async def read_frame(watch: Any) -> pb.WatchResponse:
    """Return the next response with a frame."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            response = await watch.read()
            if response.WhichOneof("frame"):
                return response


async def read_heights(watch: Any, count: int) -> list[int]:
    """Return the heights of so many executed frames."""
    heights: list[int] = []
    while len(heights) < count:
        response = await read_frame(watch)
        if response.WhichOneof("frame") == "executed":
            heights.append(response.executed.height)
    return heights


async def test_one_transaction_passes_all_stages(build_network: Any) -> None:
    network = await build_network()
    client, raw = network.open(), network.transfer(0)
    id_, batch = network.id_of(raw), b"B" * 32
    watch = await open_watch(client, ids=[id_])
    await client.transactions.Submit(pb.SubmitRequest(transaction=raw))
    node = network.node_of(raw)
    received = await read_frame(watch)
    assert (received.stage.stage, received.stage.ids) == (pb.STAGE_RECEIVED, id_)
    node.tell_batched([raw], batch, holders=3)
    batched = await read_frame(watch)
    assert (batched.stage.stage, batched.stage.holders) == (pb.STAGE_BATCHED, 3)
    feeder = next(n for n in network.nodes if n.feeds)
    for stage in (pb.STAGE_PROPOSED, pb.STAGE_FINAL):
        feeder.hint(stage, batch, 1)
        hinted = await read_frame(watch)
        assert (hinted.stage.stage, hinted.stage.height) == (stage, 1)
        answer = await client.transactions.Get(pb.GetRequest(id=id_))
        assert answer.stage == stage
    network.chain.execute([raw], batch)
    executed = await read_frame(watch)
    assert executed.executed.ids == id_ and executed.cursor.height == 1
    answer = await client.transactions.Get(pb.GetRequest(id=id_))
    assert answer.stage == pb.STAGE_EXECUTED and answer.receipt.height == 1


async def test_a_sender_watch_gets_hints_and_only_its_own(build_network: Any) -> None:
    network = await build_network()
    client, raws = network.open(), [network.transfer(i) for i in range(3)]
    mine = await open_watch(client, senders=[network.sender])
    other = await open_watch(client, senders=[b"x" * 32])
    for raw in raws:
        await client.transactions.Submit(pb.SubmitRequest(transaction=raw))
    received = b""
    while len(received) < 32 * len(raws):
        received += (await read_frame(mine)).stage.ids
    assert received == b"".join(network.id_of(raw) for raw in raws)
    network.chain.execute(raws)
    frame = (await read_frame(mine)).executed
    assert frame.ids == b"".join(network.id_of(raw) for raw in raws)
    assert list(frame.positions) == [0, 1, 2] and len(frame.reasons) == 3
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(other.read(), 0.2)


async def test_hints_that_come_before_the_batch_is_known_are_told_later(
    build_network: Any,
) -> None:
    network = await build_network()
    client, raw = network.open(), network.transfer(0)
    batch, watch = b"B" * 32, await open_watch(client, ids=[network.id_of(raw)])
    await client.transactions.Submit(pb.SubmitRequest(transaction=raw))
    assert (await read_frame(watch)).stage.stage == pb.STAGE_RECEIVED
    feeder = next(n for n in network.nodes if n._hints)
    feeder.hint(pb.STAGE_PROPOSED, batch, 1)
    feeder.hint(pb.STAGE_FINAL, batch, 1)
    other = network.transfer(0, 1)
    network.chain.execute([other])
    await client.transactions.Submit(pb.SubmitRequest(transaction=other))
    network.node_of(raw).tell_batched([raw], batch)
    stages = [(await read_frame(watch)).stage.stage for _ in range(3)]
    assert stages == [pb.STAGE_BATCHED, pb.STAGE_PROPOSED, pb.STAGE_FINAL]


async def test_a_batch_that_was_executed_is_no_news(build_network: Any) -> None:
    network = await build_network()
    client, raw = network.open(), network.transfer(0)
    batch, watch = b"B" * 32, await open_watch(client, ids=[network.id_of(raw)])
    await client.transactions.Submit(pb.SubmitRequest(transaction=raw))
    assert (await read_frame(watch)).stage.stage == pb.STAGE_RECEIVED
    network.chain.execute([raw], batch)
    assert (await read_frame(watch)).executed.height == 1
    network.node_of(raw).tell_batched([raw], batch)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watch.read(), 0.2)


async def test_executed_only_leaves_hints_out(build_network: Any) -> None:
    network = await build_network()
    client, raw = network.open(), network.transfer(0)
    watch = await open_watch(client, ids=[network.id_of(raw)], executed_only=True)
    await client.transactions.Submit(pb.SubmitRequest(transaction=raw))
    network.chain.execute([network.transfer(5), raw])
    response = await read_frame(watch)
    assert list(response.executed.positions) == [1]


async def test_a_late_watch_hears_the_present_stage(build_network: Any) -> None:
    network = await build_network()
    client, raw = network.open(), network.transfer(0)
    await client.transactions.Submit(pb.SubmitRequest(transaction=raw))
    watch = await open_watch(client, ids=[network.id_of(raw)])
    assert (await read_frame(watch)).stage.stage == pb.STAGE_RECEIVED


async def test_a_cursor_replays_and_joins_the_live_feed(build_network: Any) -> None:
    network = await build_network()
    raws = [network.transfer(i) for i in range(60)]
    for raw in raws[:30]:
        network.chain.execute([raw])
    sender = network.sender
    watch = network.open().transactions.Watch(
        pb.WatchRequest(senders=[sender], cursor=pb.Cursor(height=10, position=0)), timeout=600
    )

    async def go_on() -> None:
        for raw in raws[30:]:
            network.chain.execute([raw])
            await asyncio.sleep(0.002)

    adding = asyncio.ensure_future(go_on())
    assert await read_heights(watch, 50) == list(range(11, 61))
    await adding


async def test_a_cursor_inside_a_block_replays_its_rest(build_network: Any) -> None:
    network = await build_network()
    raws = [network.transfer(i) for i in range(4)]
    network.chain.execute(raws)
    watch = network.open().transactions.Watch(
        pb.WatchRequest(senders=[network.sender], cursor=pb.Cursor(height=1, position=1))
    )
    response = await read_frame(watch)
    assert list(response.executed.positions) == [2, 3]


async def test_a_cursor_in_pruned_history_is_a_typed_error(build_network: Any) -> None:
    def prepare(network: Any) -> None:
        for sequence in range(2):
            network.chain.execute([network.transfer(sequence)])
        network.chain.pruned_below = 1

    network = await build_network(prepare=prepare)
    watch = network.open().transactions.Watch(
        pb.WatchRequest(ids=[bytes(32)], cursor=pb.Cursor(height=0, position=0))
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read_frame(watch)
    assert faults.from_rpc_error(caught.value).reason == "PRUNED"


async def test_the_feed_fails_over_without_loss_or_duplicates(build_network: Any) -> None:
    network = await build_network()
    for node in network.nodes:
        node.duplicates_blocks = True
    raws = [network.transfer(i) for i in range(40)]
    watch = await open_watch(network.open(), senders=[network.sender])
    heights: list[int] = []
    for number, raw in enumerate(raws):
        network.chain.execute([raw])
        if number % 10 == 5:
            feeder = max(network.nodes, key=lambda node: len(node._hints))
            await feeder.kill()
            await feeder.start()
        if number % 10 == 9:
            heights += await read_heights(watch, 10)
    assert heights == list(range(1, 41))


async def test_a_hanging_feed_is_left_for_one_that_goes_on(build_network: Any) -> None:
    network = await build_network()
    raws = [network.transfer(i) for i in range(2)]
    watch = await open_watch(network.open(), senders=[network.sender])
    network.chain.execute(raws[:1])
    assert await read_heights(watch, 1) == [1]
    feeder = next(node for node in network.nodes if node._hints)
    feeder.feed_is_hanging = True
    network.chain.execute(raws[1:])
    assert await read_heights(watch, 1) == [2]


async def test_a_slow_watcher_is_closed_and_can_resume(build_network: Any) -> None:
    network = await build_network()
    memo = b"m" * 200
    raws = [network.transfer(i, memo=memo) for i in range(200)]
    client = network.open()
    watch = await open_watch(client, senders=[network.sender])
    fast = await open_watch(client, senders=[network.sender], executed_only=True)
    blocks = 1_500
    for start in range(0, blocks, 50):
        for _ in range(50):
            network.chain.execute(raws)
        assert await read_heights(fast, 50) == list(range(start + 1, start + 51))
    heights, cursor, error = [], None, None
    async with asyncio.timeout(60):
        while cursor is None or cursor.height < blocks:
            try:
                response = await watch.read()
                cursor = response.cursor
                if response.WhichOneof("frame"):
                    heights.append(response.executed.height)
            except grpc.aio.AioRpcError as caught:
                error = faults.from_rpc_error(caught)
                watch = client.transactions.Watch(
                    pb.WatchRequest(senders=[network.sender], cursor=cursor)
                )
    assert heights == list(range(1, blocks + 1))
    assert isinstance(error, errors.Overloaded)


async def test_a_dropped_transaction_is_told_with_its_reason(build_network: Any) -> None:
    network = await build_network()
    client, raw = network.open(), network.transfer(0)
    id_ = network.id_of(raw)
    watch = await open_watch(client, ids=[id_])
    await client.transactions.Submit(pb.SubmitRequest(transaction=raw))
    assert (await read_frame(watch)).stage.stage == pb.STAGE_RECEIVED
    network.node_of(raw).tell(pb.StageFrame(stage=pb.STAGE_DROPPED, ids=id_, reason="EXPIRED"))
    dropped = (await read_frame(watch)).stage
    assert (dropped.stage, dropped.reason) == (pb.STAGE_DROPPED, "EXPIRED")
    assert (await client.transactions.Get(pb.GetRequest(id=id_))).stage == pb.STAGE_DROPPED


async def test_frames_without_batch_names_still_count(build_network: Any) -> None:
    network = await build_network()
    client, raw = network.open(), network.transfer(0)
    watch = await open_watch(client, ids=[network.id_of(raw)])
    await client.transactions.Submit(pb.SubmitRequest(transaction=raw))
    network.node_of(raw).tell_batched([raw], b"")
    while (await read_frame(watch)).stage.stage != pb.STAGE_BATCHED:
        pass


@pytest.mark.parametrize("options", [{}, {"ids": [b"short"]}, {"senders": [b""]}])
async def test_a_watch_of_nothing_or_nonsense_is_refused(
    build_network: Any, options: dict[str, Any]
) -> None:
    network = await build_network()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await network.open().transactions.Watch(pb.WatchRequest(**options)).read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_streams_are_bounded(build_network: Any) -> None:
    network = await build_network(streams_max=1)
    client = network.open()
    await open_watch(client, ids=[bytes(32)])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.transactions.Watch(pb.WatchRequest(ids=[bytes(32)])).read()
    assert isinstance(faults.from_rpc_error(caught.value), errors.Overloaded)


async def test_get_of_an_unknown_id_says_so(build_network: Any) -> None:
    network = await build_network()
    answer = await network.open().transactions.Get(pb.GetRequest(id=bytes(32)))
    assert answer.stage == pb.STAGE_UNSPECIFIED and not answer.HasField("receipt")
