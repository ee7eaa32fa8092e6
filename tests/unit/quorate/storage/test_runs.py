"""Runs out of peers' hands: within one epoch, under its set, opened and closed as they must."""

from dataclasses import replace

import pytest

from quorate.core.bft.finality import Finality, decode_finality
from quorate.core.blocks import Block, compute_handover_hash
from quorate.core.epochs import Epochs, start_after
from quorate.core.errors import InvalidBlock, InvalidCertificate
from quorate.storage.runs import Base, Offer, check_run


@pytest.fixture
def forge(short_forge):
    return short_forge


@pytest.fixture
def blocks(forge):
    """The blocks 1 to 7."""
    return [block for block, _ in forge.extend(7)]


def make_base(forge, head=None):
    """Return what a run on top of a block must continue."""
    head = head or forge.root
    start = forge.starts[head.digest]
    first, following = forge.genesis.sets
    sets = {0: first, 1: following} | {e: following.follow(e) for e in range(2, 9)}
    around = range(max(start.epoch - 1, 0), start.epoch + 2)
    return Base(head, Epochs(start, tuple(sets[epoch] for epoch in around)))


async def check(forge, blocks, base, certificate=None):
    encoded = [block.encode() for block in blocks]
    closing = certificate or forge.certify(blocks[-1])
    return await check_run(Offer(encoded, closing, ()), base, forge.genesis)


async def refuse(forge, blocks, base, certificate=None):
    with pytest.raises((InvalidBlock, InvalidCertificate)) as raised:
        await check(forge, blocks, base, certificate)
    return raised.value.reason


async def test_a_run_may_end_in_the_middle_or_at_the_end_of_its_epoch(forge, blocks):
    for last in (1, 2, 3):
        run = await check(forge, blocks[:last], make_base(forge))
        assert run.height == last


async def test_a_run_that_opens_an_epoch_holds_under_the_new_set(forge, blocks):
    base = make_base(forge, blocks[2])
    run = await check(forge, blocks[3:6], base)
    assert [block.header.epoch for block in run.blocks] == [1, 1, 1]
    run = await check(forge, blocks[4:6], make_base(forge, blocks[3]))
    assert run.height == 6


async def test_an_epoch_s_last_block_may_be_final_by_a_tail_block(forge, blocks):
    for first, last in ((0, 3), (3, 6)):
        base = make_base(forge, blocks[first - 1] if first else None)
        closing = forge.certify_by_tail(blocks[last - 1])
        assert (await check(forge, blocks[first:last], base, closing)).certificate == closing


async def test_a_tail_block_makes_no_other_block_final(forge, blocks):
    closing = forge.certify_by_tail(blocks[1])
    reason = await refuse(forge, blocks[:2], make_base(forge), closing)
    assert reason == "INVALID_CERTIFICATE"


async def test_a_tail_that_was_not_the_one_finalized_proves_nothing(forge, blocks):
    finality = decode_finality(forge.certify_by_tail(blocks[2]))
    other = decode_finality(forge.certify_by_tail(blocks[5])).tail
    closing = Finality(finality.certificate, other).encode()
    assert await refuse(forge, blocks[:3], make_base(forge), closing) == "INVALID_CERTIFICATE"


async def test_a_run_over_two_epochs_is_refused(forge, blocks):
    assert await refuse(forge, blocks[:4], make_base(forge)) == "WRONG_RUN"
    early = forge.block(blocks[0], epoch=1)
    assert await refuse(forge, [blocks[0], early], make_base(forge)) == "WRONG_RUN"


async def test_a_run_of_an_epoch_whose_set_is_not_known_is_refused(forge, blocks):
    base = make_base(forge, blocks[2])
    alien = [forge.block(blocks[2], epoch=epoch) for epoch in (0, 2, 5, 2**64 - 1)]
    for block in alien:
        assert await refuse(forge, [block], base) == "WRONG_EPOCH"


async def test_a_run_under_the_set_of_another_epoch_is_refused(forge, blocks):
    forge.keys_of = lambda epoch: forge.seats
    base = make_base(forge, blocks[3])
    assert await refuse(forge, blocks[4:5], base) == "INVALID_CERTIFICATE"


async def test_the_first_block_of_an_epoch_must_carry_a_handover(forge, blocks):
    base = make_base(forge, blocks[2])
    assert await refuse(forge, [rehash(blocks[3])], base) == "WRONG_HANDOVER"


def rehash(block, handover=b""):
    """Return a block whose header fits its handover."""
    hashed = replace(block.header, handover_hash=compute_handover_hash(handover))
    return Block.build(hashed, block.batches, handover)


async def test_a_handover_must_prove_the_head_final_under_the_set_before(forge, blocks):
    base, good = make_base(forge, blocks[2]), blocks[3]
    handovers = {
        "of another block": forge.certify(blocks[1]),
        "too few votes": forge.certify(blocks[2], voters=(0, 1)),
        "of the new set": forge.certify(forge.block(blocks[2], epoch=1)),
        "nonsense": b"nonsense",
    }
    for what, handover in handovers.items():
        block = rehash(good, handover)
        assert await refuse(forge, [block], base) == "WRONG_HANDOVER", what
    by_tail = rehash(good, forge.certify_by_tail(blocks[2]))
    assert await check(forge, [by_tail], base)


async def test_a_handover_stands_nowhere_else(forge, blocks):
    handover = forge.certify(blocks[0])
    second = forge.block(blocks[0], handover=handover)
    assert await refuse(forge, [second], make_base(forge, blocks[0])) == "WRONG_HANDOVER"
    assert await refuse(forge, [blocks[0], second], make_base(forge)) == "WRONG_HANDOVER"
    first = forge.block(forge.root, handover=handover)
    assert await refuse(forge, [first], make_base(forge)) == "WRONG_HANDOVER"


async def test_a_run_does_not_go_on_after_its_epoch_s_last_block(forge, blocks):
    more = forge.block(blocks[2], epoch=0, handover=b"x")
    more = rehash(more)
    assert await refuse(forge, [*blocks[:3], more], make_base(forge)) == "WRONG_RUN"


async def test_tail_blocks_are_no_part_of_a_run(forge, blocks):
    tail = rehash(forge.block(blocks[2], epoch=0, last_block=blocks[2].digest))
    assert await refuse(forge, [*blocks[:3], tail], make_base(forge)) == "TAIL_BLOCK"


async def test_a_final_block_on_another_parent_is_left_to_the_chain_to_find(forge, blocks):
    base = make_base(forge, blocks[2])
    other = forge.block(forge.block(blocks[1], time_ms=1_800_000_000_000))
    assert other.header.epoch == 1
    run = await check(forge, [other], base)
    assert run.blocks[0].header.parent != base.head.digest


async def test_catch_up_goes_over_many_epochs(make_node, make_gossip, forge):
    ahead, node = await make_node("ahead"), await make_node("behind")
    blocks = forge.extend(20)
    await ahead.commit(blocks[:3], together=True)
    last, batches = blocks[5]
    await ahead.commit(blocks[3:5])
    await ahead.put(batches)
    async with ahead.attach() as engine:
        await engine.send([last], forge.certify_by_tail(last))
        await engine.wait_synced(6)
    await ahead.commit(blocks[6:])
    gossip = await make_gossip(node, ahead)
    async with node.attach() as engine:
        gossip.announce(20)
        await engine.wait_synced(20)
        told = [a for a in engine.answers if a.caught_up_block]
    assert not gossip.reports
    assert node.chain.write_digest == ahead.chain.write_digest
    assert node.chain.start == ahead.chain.start == start_after(blocks[17][0].header)
    # One run per epoch at most, however much fits one answer.
    assert [first for first in gossip.fetches if first <= 20] == [1, 4, 7, 10, 13, 16, 19]
    assert told[-1].caught_up_epoch_start == node.chain.start.encode()
