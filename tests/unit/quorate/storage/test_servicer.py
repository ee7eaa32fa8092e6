"""StorageService over its Unix socket, with a real RocksDB behind it."""

import grpc
import pytest

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.consensus.reporting import sign_report
from quorate.core.crypto import compute_address
from quorate.core.reporting import Report
from quorate.core.state import Mark, decode_account, decode_mark
from tests.unit.quorate.core.liars import Liar


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


async def test_marks_and_the_epoch_are_read_with_the_accounts_of_the_same_height(node, forge):
    liar = Liar(forge.seats[3], 3, forge.genesis.domain)
    raw = sign_report(forge.seats[1], forge.genesis.domain, liar.lie(77), Report(1, 0, 100))
    batch = forge.batch([raw])
    await node.commit([(forge.block(forge.root, [batch]), [batch])])
    reporter = compute_address(1, forge.seats[1].public_key)
    request = pb.ReadStateRequest(
        addresses=reporter,
        idempotency_keys=[reporter + b"k"],
        accused=[pb.SeatOfEpoch(epoch=e, seat=s) for e, s in ((0, 3), (0, 2), (1, 3))],
    )
    state = await node.storage.ReadState(request)
    assert (state.height, state.epoch, list(state.idempotency)) == (1, 0, [b""])
    assert decode_account(state.accounts[0]).lanes == {0: 1}
    assert decode_mark(state.marks[0]) == Mark(77, 1, liar.lie(77).compute_hash())
    assert list(state.marks[1:]) == [b"", b""]
    request.accused.add(epoch=0, seat=2**16 + 3)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await node.storage.ReadState(request)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_unknown_request_is_a_typed_error(node):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await node.storage.ReadState(pb.ReadStateRequest(addresses=b"short"))
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
