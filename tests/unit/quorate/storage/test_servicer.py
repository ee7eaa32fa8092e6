"""StorageService over its Unix socket, with a real RocksDB behind it."""

import grpc
import pytest

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.core.state import decode_account


async def test_commits_blocks_and_answers_with_results(node, forge):
    blocks = forge.extend(3)
    for _, batches in blocks:
        await node.put(batches)
    async with node.attach() as engine:
        for block, _ in blocks:
            await engine.send([block])
        await engine.wait_synced(3)
        assert sorted(engine.results()) == [1, 2, 3]
        assert engine.answers[0].fault_changed


async def test_state_shows_what_transfers_did(node, forge):
    await node.commit(forge.extend(2))
    request = pb.ReadStateRequest(addresses=b"".join(forge.addresses[:3]) + bytes(32))
    response = await node.storage.ReadState(request)
    first, second, third = (decode_account(record) for record in response.accounts[:3])
    assert response.height == 2
    assert first.lanes == {0: 2}
    assert second.lanes == {0: 2}
    assert third.balance == 10**12 + 2
    assert response.accounts[3] == b""
    assert response.base_fee >= 1


async def test_an_unknown_request_is_a_typed_error(node):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await node.storage.ReadState(pb.ReadStateRequest(addresses=b"short"))
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
