"""LedgerService: typed errors, pages, receipts."""

import grpc
import pytest

from quorate.api.ledger.v1 import ledger_pb2 as pb
from quorate.api.ledger.v1 import ledger_pb2_grpc
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.consensus.reporting import sign_report
from quorate.core.bft.messages import decode_certificate
from quorate.core.blocks import HEADER_BYTES, compute_digest
from quorate.core.errors import NotFound
from quorate.core.reporting import Report
from quorate.kit.faults import from_rpc_error
from quorate.kit.rpc import open_channel
from tests.unit.quorate.core.liars import Liar


async def fails(call):
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return raised.value


async def test_accounts_read_at_the_head(node, forge):
    await node.commit(forge.extend(2))
    answer = await node.ledger.GetAccount(pb.GetAccountRequest(address=forge.addresses[0]))
    assert answer.height == 2
    assert [(lane.lane, lane.next_sequence) for lane in answer.account.lanes] == [(0, 2)]
    empty = await node.ledger.GetAccount(pb.GetAccountRequest(address=bytes(32)))
    assert (empty.account.balance, list(empty.account.lanes)) == (0, [])
    error = await fails(node.ledger.GetAccount(pb.GetAccountRequest(address=b"x")))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_blocks_read_by_height_digest_and_latest(node, forge):
    blocks = forge.extend(5)
    await node.commit(blocks[:3])
    await node.commit(blocks[3:], together=True)
    latest = (await node.ledger.GetBlock(pb.GetBlockRequest())).block
    by_height = (await node.ledger.GetBlock(pb.GetBlockRequest(height=5))).block
    by_digest = (await node.ledger.GetBlock(pb.GetBlockRequest(digest=blocks[4][0].digest))).block
    assert latest == by_height == by_digest
    assert len(latest.header) == HEADER_BYTES
    assert compute_digest(latest.header) == latest.digest
    assert latest.transactions == 2
    assert latest.write_digest == node.chain.write_digest
    assert not latest.transaction_ids and not latest.certificate


async def test_a_full_block_has_ids_and_the_nearest_finalization(node, forge):
    blocks = forge.extend(5)
    await node.commit(blocks[:3])
    await node.commit(blocks[3:], together=True)
    full = (await node.ledger.GetBlock(pb.GetBlockRequest(height=4, full=True))).block
    assert len(full.transaction_ids) == 64
    assert decode_certificate(full.certificate).digest == blocks[4][0].digest
    first = (await node.ledger.GetBlock(pb.GetBlockRequest(height=1, full=True))).block
    assert decode_certificate(first.certificate).digest == blocks[0][0].digest


async def test_block_zero_is_the_genesis(node, forge):
    root = (await node.ledger.GetBlock(pb.GetBlockRequest(height=0, full=True))).block
    assert (root.height, root.digest) == (0, forge.genesis.hash)
    by_digest = pb.GetBlockRequest(digest=forge.genesis.hash)
    assert (await node.ledger.GetBlock(by_digest)).block.height == 0


async def test_what_is_not_there_is_a_typed_not_found(node):
    for call in (
        node.ledger.GetBlock(pb.GetBlockRequest(height=1)),
        node.ledger.GetBlock(pb.GetBlockRequest(height=2**64 - 1)),
        node.ledger.GetBlock(pb.GetBlockRequest(digest=bytes(32))),
        node.ledger.GetReceipt(pb.GetReceiptRequest(id=bytes(32))),
    ):
        error = from_rpc_error(await fails(call))
        assert isinstance(error, NotFound)
        assert error.reason == "NOT_FOUND"


async def test_pages_go_back_to_block_zero(node, forge):
    await node.commit(forge.extend(7), together=True)
    heights, token = [], ""
    while True:
        page = await node.ledger.ListBlocks(pb.ListBlocksRequest(page_size=3, page_token=token))
        heights += [block.height for block in page.blocks]
        token = page.next_page_token
        if not token:
            break
    assert heights == [7, 6, 5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize("token", ["x", "!!!!", "YWJj", "Yv//////////", "é"])
async def test_foreign_page_tokens_are_refused(node, token):
    error = await fails(node.ledger.ListBlocks(pb.ListBlocksRequest(page_token=token)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_receipts_tell_where_and_what(node, forge):
    good, gap = forge.transfer(0, amount=5), forge.transfer(1, sequence=4)
    batch = forge.batch([good, gap])
    block = forge.block(forge.root, [batch])
    await node.commit([(block, [batch])])
    done = (await node.ledger.GetReceipt(pb.GetReceiptRequest(id=forge.identify(good)))).receipt
    assert (done.height, done.position, done.outcome) == (1, 0, tx.OUTCOME_SUCCEEDED)
    assert (done.block, done.reason) == (block.digest, "")
    assert done.fee > 0
    skipped = (await node.ledger.GetReceipt(pb.GetReceiptRequest(id=forge.identify(gap)))).receipt
    assert (skipped.outcome, skipped.reason, skipped.fee) == (tx.OUTCOME_SKIPPED, "SEQUENCE_GAP", 0)


async def test_a_skipped_copy_never_hides_the_execution(node, forge):
    raw = forge.transfer(0)
    request = pb.GetReceiptRequest(id=forge.identify(raw))
    first = forge.batch([raw, raw])
    block = forge.block(forge.root, [first])
    second = forge.batch([raw], author=1)
    later = forge.block(block, [second])
    await node.commit([(block, [first]), (later, [second])])
    receipt = (await node.ledger.GetReceipt(request)).receipt
    assert (receipt.height, receipt.position, receipt.outcome) == (1, 0, tx.OUTCOME_SUCCEEDED)


async def test_an_execution_replaces_an_earlier_skip(node, forge):
    gap, before = forge.transfer(0, sequence=1), forge.transfer(0, sequence=0)
    first, second = forge.batch([gap]), forge.batch([before, gap])
    block = forge.block(forge.root, [first])
    later = forge.block(block, [second])
    await node.commit([(block, [first]), (later, [second])])
    request = pb.GetReceiptRequest(id=forge.identify(gap))
    receipt = (await node.ledger.GetReceipt(request)).receipt
    assert (receipt.height, receipt.position, receipt.outcome) == (2, 1, tx.OUTCOME_SUCCEEDED)


async def test_a_duplicate_points_to_the_first(node, forge):
    raws = [forge.transfer(0, idempotency_key=b"once") for _ in range(2)]
    batch = forge.batch(raws)
    await node.commit([(forge.block(forge.root, [batch]), [batch])])
    ids = [forge.identify(raw) for raw in raws]
    receipt = (await node.ledger.GetReceipt(pb.GetReceiptRequest(id=ids[1]))).receipt
    assert (receipt.reason, receipt.first_id) == ("DUPLICATE", ids[0])


async def test_whether_there_is_a_receipt_or_none_it_tells_as_of_which_height(node, forge):
    raw, missing = forge.transfer(0), forge.identify(forge.transfer(1))
    batch = forge.batch([raw])
    first = forge.block(forge.root, [batch])
    await node.commit([(first, [batch]), (forge.block(first, []), [])])
    ask = node.ledger.GetReceipt
    assert (await ask(pb.GetReceiptRequest(id=forge.identify(raw)))).height == 2
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await ask(pb.GetReceiptRequest(id=missing))
    assert from_rpc_error(raised.value).fields()["height"] == "2"


async def test_the_node_api_serves_the_same_reads(node, forge):
    await node.commit(forge.extend(1))
    channel = open_channel(f"127.0.0.1:{node.service.api_port}")
    answer = await ledger_pb2_grpc.LedgerServiceStub(channel).GetBlock(pb.GetBlockRequest())
    assert answer.block.height == 1
    await channel.close()


async def test_seats_are_listed_by_epoch(short):
    await short.commit(short.forge.extend(4))
    ask = short.ledger.ListSeats
    running = await ask(pb.ListSeatsRequest())
    assert (running.epoch, running.running_epoch, running.height) == (1, 1, 4)
    assert [s.public_key for s in running.seats] == [
        key.public_key for key in short.forge.next_seats
    ]
    names = ["v1", "v2", *(f"v{i}" for i in range(4, 9))]
    assert [(s.seat, s.name) for s in running.seats] == list(enumerate(names))
    first = await ask(pb.ListSeatsRequest(epoch=0))
    assert [s.public_key for s in first.seats] == [key.public_key for key in short.forge.seats]
    assert first.hash == short.forge.genesis.sets[0].hash
    assert len((await ask(pb.ListSeatsRequest(epoch=2))).seats) == 7
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await ask(pb.ListSeatsRequest(epoch=3))
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


async def test_report_in_a_block_marks_a_seat_and_shows_with_the_seats_of_its_epoch(node, forge):
    liar = Liar(forge.seats[3], 3, forge.genesis.domain)
    raws = [
        sign_report(forge.seats[1], forge.genesis.domain, liar.lie(77), Report(1, 0, 100)),
        sign_report(forge.seats[2], forge.genesis.domain, liar.lie(78), Report(2, 0, 100)),
    ]
    batch = forge.batch([forge.transfer(0), *raws])
    block = forge.block(forge.root, [batch])
    await node.commit([(block, [batch])])
    answer = await node.ledger.ListSeats(pb.ListSeatsRequest())
    assert (answer.epoch, answer.height) == (0, 1)
    assert [seat.public_key for seat in answer.seats] == [key.public_key for key in forge.seats]
    assert [seat.HasField("mark") for seat in answer.seats] == [False, False, False, True]
    mark = pb.Mark(view=77, height=1, evidence=liar.lie(77).compute_hash())
    assert answer.seats[3].mark == mark
    outcomes = []
    for raw in raws:
        request = pb.GetReceiptRequest(id=forge.identify(raw))
        receipt = (await node.ledger.GetReceipt(request)).receipt
        outcomes.append((receipt.outcome, receipt.reason, receipt.fee))
    assert outcomes == [
        (tx.OUTCOME_SUCCEEDED, "", 0), (tx.OUTCOME_SKIPPED, "EVIDENCE_KNOWN", 0),
    ]  # fmt: skip


async def test_seats_of_a_later_epoch_carry_no_marks_of_an_earlier_one(node, forge):
    liar = Liar(forge.seats[3], 3, forge.genesis.domain)
    raw = sign_report(forge.seats[1], forge.genesis.domain, liar.lie(), Report(1, 0, 100))
    batch = forge.batch([raw])
    await node.commit([(forge.block(forge.root, [batch]), [batch])])
    later = await node.ledger.ListSeats(pb.ListSeatsRequest(epoch=1))
    assert (later.epoch, [seat.HasField("mark") for seat in later.seats]) == (1, [False] * 4)
