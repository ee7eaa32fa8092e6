"""State is read at one height, whatever is written meanwhile."""

import asyncio

import pytest

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.core.state import compute_account_key, decode_account
from quorate.storage import state_reader


@pytest.fixture
def tiny_cache(monkeypatch):
    monkeypatch.setattr(state_reader, "RECORDS_MAX", 3)


async def read(node, forge):
    request = pb.ReadStateRequest(
        addresses=b"".join(forge.addresses), idempotency_keys=[forge.addresses[0] + b"k"]
    )
    return await node.storage.ReadState(request)


async def test_a_cache_that_overflows_reads_the_same(tiny_cache, node, forge):
    blocks = forge.extend(6)
    for number, block in enumerate(blocks, 1):
        await node.commit([block])
        answer = await read(node, forge)
        assert answer.height == number
        assert decode_account(answer.accounts[0]).lanes == {0: number}
        assert decode_account(answer.accounts[2]).balance == 10**12 + number


async def test_readings_while_blocks_are_applied_are_of_their_height(tiny_cache, node, forge):
    blocks = forge.extend(30)
    task = asyncio.create_task(node.commit(blocks))
    seen = set()
    while not task.done():
        answer = await read(node, forge)
        seen.add(answer.height)
        lanes = decode_account(answer.accounts[0]).lanes
        assert lanes == ({0: answer.height} if answer.height else {})
    await task
    assert len(seen) > 1


async def test_idempotency_records_are_read_beside_accounts(node, forge):
    batch = forge.batch([forge.transfer(0, idempotency_key=b"k")])
    await node.commit([(forge.block(forge.root, [batch]), [batch])])
    answer = await read(node, forge)
    assert len(answer.idempotency) == 1
    assert answer.idempotency[0][32:64] == forge.identify(batch.transactions()[0])


async def test_what_is_absent_is_remembered_as_absent(node, forge):
    reader = node.chain.reader
    key = compute_account_key(bytes(32))
    assert reader.load([key]) == {key: b""}
    assert await reader.read([key]) == (0, [b""])
