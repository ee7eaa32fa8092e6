"""Batches: durable once answered, grouped, held until named or expired."""

import asyncio

import grpc
import pytest

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.kit.metrics import STORAGE_SYNCS
from quorate.storage import batch_store


async def get(node, names, headers_only=False):
    request = pb.GetBatchesRequest(names=b"".join(names), headers_only=headers_only)
    return list((await node.storage.GetBatches(request)).batches)


async def test_batches_are_read_back_in_the_order_asked(node, forge):
    first, second = forge.batch([forge.transfer()]), forge.batch([forge.transfer(1)])
    await node.put([first, second])
    names = [second.name, bytes(32), first.name]
    assert await get(node, names) == [second.encode(), b"", first.encode()]
    headers = await get(node, names, headers_only=True)
    assert headers == [second.header.encode() + second.signature, b"", headers[2]]


async def test_batches_that_come_together_share_a_sync(node, forge):
    batches = [forge.batch([forge.transfer(i % 8)]) for i in range(20)]
    before = STORAGE_SYNCS._value.get()
    await asyncio.gather(*[node.chain.batches.put([batch.encode()]) for batch in batches])
    assert STORAGE_SYNCS._value.get() - before == 1
    assert all(await get(node, [batch.name for batch in batches]))


async def test_the_same_batch_again_is_no_write(node, forge):
    batch = forge.batch([forge.transfer()])
    await node.put([batch])
    before = STORAGE_SYNCS._value.get()
    await node.put([batch, batch])
    assert STORAGE_SYNCS._value.get() == before


async def test_expired_batches_go_and_named_ones_stay(node, forge):
    short = forge.batch([forge.transfer(2)], expiry_height=2)
    named = forge.batch([forge.transfer(3)], expiry_height=2)
    await node.put([short, named])
    block = forge.block(forge.root, [named])
    more = forge.extend(2, block)
    await node.commit([(block, [named]), *more[:1]])
    assert await get(node, [short.name, named.name]) == [short.encode(), named.encode()]
    await node.commit(more[1:])
    assert await get(node, [short.name, named.name]) == [b"", named.encode()]
    opened = await node.storage.OpenChain(pb.OpenChainRequest())
    assert not opened.held_headers
    await node.stop()
    await node.start()
    assert await get(node, [short.name, named.name]) == [b"", named.encode()]


async def test_room_is_reserved_before_any_work(node, forge, monkeypatch):
    monkeypatch.setattr(batch_store, "WAITING_BYTES_MAX", 100)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await node.put([forge.batch([forge.transfer()])])
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_what_is_no_batch_is_refused(node):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await node.storage.PutBatches(pb.PutBatchesRequest(batches=[b"x"]))
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
