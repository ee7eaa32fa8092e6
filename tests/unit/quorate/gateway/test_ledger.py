"""Reads through a gateway: passed through, with failover."""

import asyncio
from typing import Any

import grpc
import pytest

from quorate.api.ledger.v1 import ledger_pb2 as pb
from quorate.core import errors
from quorate.kit import faults

LIMIT_S = 60


async def test_reads_pass_through(build_network: Any) -> None:
    network = await build_network()
    raw = network.transfer(0)
    network.chain.execute([raw])
    client = network.open()
    account = await client.ledger.GetAccount(pb.GetAccountRequest(address=bytes(32)))
    assert account.account.balance == 5
    blocks = await client.ledger.ListBlocks(pb.ListBlocksRequest())
    assert [block.height for block in blocks.blocks] == [1]
    network.chain.epoch = 3
    seats = await client.ledger.ListSeats(pb.ListSeatsRequest(epoch=4))
    marked = [seat.HasField("mark") for seat in seats.seats]
    assert (seats.epoch, marked) == (4, [False, True, False, False])
    receipt = await client.ledger.GetReceipt(pb.GetReceiptRequest(id=network.id_of(raw)))
    assert receipt.receipt.height == 1


async def test_reads_of_tokens_locks_and_votes_pass_through(build_network: Any) -> None:
    ledger, name = (await build_network()).open().ledger, b"n" * 32
    assert (await ledger.GetToken(pb.GetTokenRequest(token=name))).token.token == name
    listed = pb.ListTokenBalancesRequest(holder=name, page_size=7, page_token="on")
    page = await ledger.ListTokenBalances(listed)
    assert (page.balances[0].token, page.balances[0].balance) == (name, 7)
    assert page.next_page_token == "on"
    assert (await ledger.GetLock(pb.GetLockRequest(lock=name))).lock.lock == name
    assert (await ledger.ListProposals(pb.ListProposalsRequest())).quorum == 3
    assert (await ledger.GetParams(pb.GetParamsRequest())).version == "v1"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ledger.GetToken(pb.GetTokenRequest(token=bytes(32)))
    assert faults.from_rpc_error(caught.value).reason == "NO_TOKEN"


async def test_what_does_not_exist_is_not_found(build_network: Any) -> None:
    network = await build_network()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await network.open().ledger.GetBlock(pb.GetBlockRequest(height=9))
    assert isinstance(faults.from_rpc_error(caught.value), errors.NotFound)


async def test_a_proof_passes_through_and_so_does_when_to_ask_again(build_network: Any) -> None:
    network = await build_network()
    network.chain.proofs[bytes(32)], network.chain.unclaimed = b"proof", 1
    client = network.open()
    request = pb.GetFinalityReceiptRequest(id=bytes(32), from_epoch=3)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.ledger.GetFinalityReceipt(request)
    later = faults.from_rpc_error(caught.value)
    assert isinstance(later, errors.NotYet)
    assert (later.reason, later.retry_after_ms) == ("NOT_CLAIMED_YET", 20)
    answer = await client.ledger.GetFinalityReceipt(request)
    assert answer.finality_receipt == b"proof"


async def test_a_read_survives_all_validators_but_one(build_network: Any) -> None:
    network = await build_network()
    for node in network.nodes[:3]:
        await node.kill()
    answer = await network.open().ledger.GetBlock(pb.GetBlockRequest())
    assert answer.block.height == 0


async def test_without_validators_reads_are_unavailable(build_network: Any) -> None:
    network = await build_network()
    for node in network.nodes:
        await node.kill()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await network.open().ledger.GetBlock(pb.GetBlockRequest())
    assert isinstance(faults.from_rpc_error(caught.value), errors.Unavailable)


async def test_a_block_stream_goes_on_at_another_validator(build_network: Any) -> None:
    network = await build_network()
    watch = network.open().ledger.WatchBlocks(pb.WatchBlocksRequest(from_height=1))
    heights = []
    async with asyncio.timeout(LIMIT_S):
        for lost in (*network.nodes[:3], None):
            network.chain.execute([])
            heights.append((await watch.read()).block.height)
            if lost is not None:
                await lost.kill()
    assert heights == [1, 2, 3, 4]
