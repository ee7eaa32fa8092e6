"""StorageService over its Unix socket, with a real RocksDB behind it."""

import asyncio

import grpc
import pytest

from quorate.api.ledger.v1 import ledger_pb2
from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.consensus.reporting import sign_report
from quorate.core.blocks import Block
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


async def test_a_new_engine_hears_of_blocks_that_the_one_before_had_sent(node, forge):
    blocks = forge.extend(2)
    async with node.attach() as before:
        for block, _ in blocks:
            await before.send([block])
        async with asyncio.timeout(60):
            while not node.service.catch_up.busy:
                await node.ledger.ListSeats(ledger_pb2.ListSeatsRequest())
        async with node.attach() as engine:
            for _, batches in blocks:
                await node.put(batches)
            await engine.wait_synced(2)
            heads = [a.caught_up_block for a in engine.answers if a.caught_up_block]
            assert heads[-1] == blocks[-1][0].encode()


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


async def test_a_last_block_may_be_final_by_a_tail_block(short):
    blocks = short.forge.extend(3)
    await short.commit(blocks[:2])
    last, batches = blocks[2]
    await short.put(batches)
    async with short.attach() as engine:
        await engine.send([last], short.forge.certify_by_tail(last))
        await engine.wait_synced(3)
    await short.stop()
    await short.start()
    response, start, _ = await short.open_chain()
    assert (start.epoch, Block.decode(response.head)) == (1, last)
    assert response.certificate == short.forge.certify_by_tail(last)


async def refuse(short, blocks, certificate=None):
    async with short.attach() as engine:
        await engine.send(blocks, certificate)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await engine.wait(lambda answer: answer.synced_height)
    return raised.value.details()


async def test_tail_blocks_and_runs_over_two_epochs_are_refused(short):
    blocks = [block for block, _ in short.forge.extend(4)]
    assert "two epochs" in await refuse(short, blocks)
    tail = short.forge.block(blocks[2], last_block=blocks[2].digest, epoch=0)
    assert "tail block" in await refuse(short, [tail])
