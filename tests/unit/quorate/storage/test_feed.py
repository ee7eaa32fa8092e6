"""WatchExecuted and WatchBlocks: replay from disk, then live, nothing lost."""

import asyncio

from quorate.api.ledger.v1 import ledger_pb2
from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.api.transaction.v1 import transaction_pb2 as tx


async def take(call, count):
    async with asyncio.timeout(60):
        return [await call.read() for _ in range(count)]


async def test_replays_from_a_height_then_goes_on_live(node, forge):
    blocks = forge.extend(5)
    await node.commit(blocks)
    call = node.executed.WatchExecuted(pb.WatchExecutedRequest(from_height=2))
    frames = await take(call, 4)
    assert [f.executed.height for f in frames] == [2, 3, 4, 5]
    await node.commit(forge.extend(1, blocks[-1][0]))
    live = []
    while not live or live[-1].executed.height != 6:
        live += await take(call, 1)
    call.cancel()


async def test_columns_tell_what_the_block_did(node, forge):
    raws = [
        forge.transfer(0, amount=5),
        forge.transfer(1, lane=3, tip=4),
        forge.transfer(2, sequence=9),
        b"no transaction",
    ]
    batch = forge.batch(raws)
    block = forge.block(forge.root, [batch])
    await node.commit([(block, [batch])])
    call = node.executed.WatchExecuted(pb.WatchExecutedRequest(from_height=1))
    (frame,) = await take(call, 1)
    call.cancel()
    done = frame.executed
    assert done.block == block.digest
    assert [done.ids[i : i + 32] for i in (0, 32, 64)] == [forge.identify(r) for r in raws[:3]]
    assert len(done.ids) == len(frame.senders) == 4 * 32
    assert frame.senders[:64] == forge.addresses[0] + forge.addresses[1]
    assert list(frame.lanes) == [0, 3, 0, 0]
    assert list(frame.sequences) == [0, 0, 9, 0]
    assert list(done.positions) == [0, 1, 2, 3]
    assert list(done.outcomes) == [1, 1, 3, 3]
    assert list(done.reasons) == ["", "", "SEQUENCE_GAP", "INVALID"]
    assert done.fees[0] and done.fees[1] > done.fees[0] and done.fees[2:] == [0, 0]
    assert frame.batches == batch.name
    assert frame.base_fee >= 1


async def test_from_zero_only_new_blocks_come_after_hints_of_them(node, forge):
    first = forge.extend(2)
    await node.commit(first)
    call = node.executed.WatchExecuted(pb.WatchExecutedRequest())
    async with node.attach() as engine:
        await engine.wait_synced(2)
        ((block, batches),) = forge.extend(1, first[-1][0])
        await node.put(batches)
        async with asyncio.timeout(60):
            while not node.service.feed.subscribers:
                await node.chain.changed.wait()
        await engine.call.write(
            pb.CommitRequest(proposed_batches=batches[0].name, proposed_height=3)
        )
        await engine.send([block])
        frames = await take(call, 3)
    call.cancel()
    assert [(f.hint.stage, f.hint.height, f.hint.names) for f in frames[:2]] == [
        (tx.STAGE_PROPOSED, 3, batches[0].name),
        (tx.STAGE_FINAL, 3, batches[0].name),
    ]
    assert frames[2].executed.height == 3


async def test_a_slow_subscriber_loses_nothing_and_holds_nobody_up(node, forge):
    call = node.executed.WatchExecuted(pb.WatchExecutedRequest(from_height=1))
    blocks = forge.extend(150)
    await node.commit(blocks, together=True)
    assert node.chain.height == 150
    frames = await take(call, 1)
    while frames[-1].executed.height < 150:
        frames += await take(call, 1)
    call.cancel()
    assert [f.executed.height for f in frames if f.executed.height] == list(range(1, 151))


async def test_watch_blocks_is_resumable(node, forge):
    blocks = forge.extend(4)
    await node.commit(blocks)
    call = node.ledger.WatchBlocks(ledger_pb2.WatchBlocksRequest(from_height=3))
    answers = await take(call, 2)
    assert [a.block.digest for a in answers] == [b.digest for b, _ in blocks[2:]]
    await node.commit(forge.extend(1, blocks[-1][0]))
    (answer,) = await take(call, 1)
    assert (answer.block.height, answer.block.transactions) == (5, 2)
    call.cancel()


async def test_a_subscriber_that_goes_away_is_forgotten(node):
    call = node.executed.WatchExecuted(pb.WatchExecutedRequest())
    feed = node.service.feed
    async with asyncio.timeout(60):
        while feed.subscribers != 1:
            await node.chain.changed.wait()
        call.cancel()
        while feed.subscribers:
            await node.chain.changed.wait()


async def test_executed_frames_tell_their_epoch(short):
    await short.commit(short.forge.extend(4))
    frames = short.service.feed
    assert [frames.get_frame(height).epoch for height in (1, 3, 4)] == [0, 0, 1]
