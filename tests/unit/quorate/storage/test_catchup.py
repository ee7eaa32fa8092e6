"""Catch-up over real gRPC: a gossip in between serves the blocks of a second storage node."""

import asyncio

import pytest

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.core.bft.messages import Kind
from quorate.core.blocks import Block


@pytest.fixture
async def ahead(make_node, forge):
    """A node at height 40, in runs of 1 and of 5 blocks."""
    node = await make_node("ahead")
    blocks = forge.extend(40)
    await node.commit(blocks[:20])
    for start in range(20, 40, 5):
        await node.commit(blocks[start : start + 5], together=True)
    node.blocks = blocks
    return node


async def test_a_node_without_engine_follows_its_peers(node, ahead, make_gossip):
    gossip = await make_gossip(node, ahead)
    gossip.announce(40)
    await node.wait_height(40)
    assert node.chain.write_digest == ahead.chain.write_digest
    opened = await node.storage.OpenChain(pb.OpenChainRequest())
    assert Block.decode(opened.head) == ahead.blocks[-1][0]
    await ahead.commit(more := ahead.forge.extend(3, ahead.chain.head))
    gossip.announce(43)
    await node.wait_height(43)
    assert node.chain.head == more[-1][0]
    assert not gossip.reports


async def test_the_engine_is_told_where_the_head_went(node, ahead, make_gossip):
    gossip = await make_gossip(node, ahead)
    async with node.attach() as engine:
        await engine.wait_synced(0)
        gossip.announce(40)
        answer = await engine.wait(lambda a: a.synced_height == 40)
        told = [a for a in engine.answers if a.caught_up_block]
        assert Block.decode(told[-1].caught_up_block).header.height == 40
        names = [(b.height, b.names) for a in told for b in a.caught_up_batches]
        assert names == [(h, block.batches[0]) for h, (block, _) in enumerate(ahead.blocks, 1)]
        assert any(a.catching_up for a in engine.answers)
        assert sorted(engine.results()) == list(range(1, 41))
        if answer.catching_up:
            await engine.wait(lambda a: not a.catching_up)


async def test_blocks_above_a_gap_bring_catch_up_at_once(node, ahead, make_gossip):
    gossip = await make_gossip(node, ahead)
    async with node.attach() as engine:
        await engine.send([ahead.blocks[38][0], ahead.blocks[39][0]])
        await engine.wait_synced(40)
    assert gossip.fetches[0] == 1
    assert node.chain.write_digest == ahead.chain.write_digest


async def test_missing_batches_of_a_final_block_are_fetched(node, ahead, make_gossip):
    gossip = await make_gossip(node, ahead)
    async with node.attach() as engine:
        await engine.send([ahead.blocks[0][0]])
        await engine.wait_synced(1)
    assert gossip.batch_fetches == 1
    assert gossip.fetches == []


async def test_batches_that_are_just_late_are_not_fetched(node, ahead, make_gossip):
    gossip = await make_gossip(node, ahead)
    block, batches = ahead.blocks[0]
    async with node.attach() as engine:
        await engine.send([block])
        await engine.wait(lambda a: a.fault_changed)
        await node.put(batches)
        await engine.wait_synced(1)
    assert gossip.batch_fetches == 0
    assert gossip.fetches == []


async def test_an_engine_that_moves_on_is_left_alone(node, ahead, make_gossip):
    gossip = await make_gossip(node, ahead)
    for _, batches in ahead.blocks:
        await node.put(batches)
    async with node.attach() as engine:
        await engine.wait_synced(0)
        gossip.announce(40)
        for block, _ in ahead.blocks:
            await engine.send([block])
            await engine.wait_synced(block.header.height)
    assert gossip.fetches == []


async def test_a_peer_that_is_only_one_ahead_is_followed_when_the_engine_stalls(
    node, ahead, make_gossip
):
    await node.commit(ahead.blocks[:39])
    gossip = await make_gossip(node, ahead)
    async with node.attach() as engine:
        await engine.wait_synced(39)
        gossip.announce(40)
        await engine.wait_synced(40)


async def test_alone_a_node_just_waits_and_serves(node, make_gossip):
    gossip = await make_gossip(node)
    gossip.announce(0)
    await node.commit(node.forge.extend(2))
    assert gossip.fetches == []


def drop_last_block(response):
    del response.blocks[-1]
    return response


def tamper_batch(response):
    batch = bytearray(response.batches[0])
    batch[-1] ^= 1
    response.batches[0] = bytes(batch)
    return response


def tamper_block(response):
    block = bytearray(response.blocks[0])
    block[40] ^= 1
    response.blocks[0] = bytes(block)
    return response


def foreign_certificate(response):
    response.certificate = response.certificate[:-1] + bytes([response.certificate[-1] ^ 1])
    return response


def shift(response):
    del response.blocks[0]
    return response


def nonsense(response):
    response.certificate = b"nonsense"
    return response


SPOILS = {
    "WRONG_RUN": shift,
    "INVALID_BATCH": tamper_batch,
    "MALFORMED_BYTES": nonsense,
    "INVALID_CERTIFICATE": foreign_certificate,
}


@pytest.mark.parametrize("reason", list(SPOILS))
async def test_a_liar_is_reported_and_others_are_asked(node, ahead, make_gossip, reason):
    gossip = await make_gossip(node, ahead)
    gossip.spoil = SPOILS[reason]
    gossip.announce(40)
    await asyncio.wait_for(gossip.reported.wait(), 60)
    assert gossip.reports[0] == (b"p" * 32, reason)
    assert node.chain.height == 0
    gossip.spoil = lambda response: response
    await node.wait_height(40)


@pytest.mark.parametrize("spoil", [drop_last_block, tamper_block])
async def test_a_run_without_its_proof_is_never_applied(node, ahead, make_gossip, spoil):
    gossip = await make_gossip(node, ahead)
    gossip.spoil = spoil
    gossip.announce(40)
    await asyncio.wait_for(gossip.reported.wait(), 60)
    assert node.chain.height == 0


async def test_too_few_or_other_votes_are_no_finalization(node, forge, ahead, make_gossip):
    gossip = await make_gossip(node, ahead)
    last = {}

    def notarized(response):
        block = Block.decode(response.blocks[-1])
        response.certificate = forge.certify(block, kind=Kind.NOTARIZE)
        last["kind"] = "notarized"
        return response

    def too_few(response):
        response.certificate = forge.certify(Block.decode(response.blocks[-1]), voters=(0, 1))
        last["kind"] = "too few"
        return response

    for spoil in (notarized, too_few):
        gossip.spoil = spoil
        gossip.reported.clear()
        gossip.announce(40)
        await asyncio.wait_for(gossip.reported.wait(), 60)
        assert gossip.reports[-1][1] == "INVALID_CERTIFICATE"
    assert node.chain.height == 0


async def test_batches_that_no_block_names_are_a_lie(node, forge, ahead, make_gossip):
    gossip = await make_gossip(node, ahead)

    def add(response):
        response.batches.append(forge.batch([forge.transfer(5)]).encode())
        return response

    gossip.spoil = add
    gossip.announce(40)
    await asyncio.wait_for(gossip.reported.wait(), 60)
    assert gossip.reports[0][1] == "UNNAMED_BATCH"


async def test_batches_left_out_of_an_answer_are_fetched_by_name(node, ahead, make_gossip):
    gossip = await make_gossip(node, ahead)

    def strip(response):
        del response.batches[1:]
        return response

    gossip.spoil = strip
    gossip.announce(40)
    await node.wait_height(40)
    assert gossip.batch_fetches
    assert not gossip.reports


async def test_read_blocks_ends_in_a_certified_block_and_is_bounded(ahead):
    async def read(first, size):
        request = pb.ReadBlocksRequest(from_height=first, size_bytes_max=size)
        return await ahead.storage.ReadBlocks(request)

    one = await read(3, 1)
    assert [Block.decode(b).header.height for b in one.blocks] == [3]
    assert len(one.batches) == 1
    run = await read(22, 1)
    assert [Block.decode(b).header.height for b in run.blocks] == [22, 23, 24, 25]
    everything = await read(1, 1 << 22)
    assert len(everything.blocks) == len(everything.batches) == 40
    assert not (await read(41, 1 << 22)).blocks
