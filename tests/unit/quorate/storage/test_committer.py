"""Fetching the batches of final blocks."""

from quorate.core.bft.messages import decode_certificate


async def test_batches_are_asked_of_the_seats_of_the_block_s_epoch(short, make_gossip):
    gossip = await make_gossip(short)
    blocks = short.forge.extend(4)
    await short.commit(blocks[:3])
    block, batches = blocks[3]
    async with short.attach() as engine:
        await engine.send([block])
        await engine.wait(lambda a: gossip.asked)
        await short.put(batches)
        await engine.wait_synced(4)
    voters = decode_certificate(short.forge.certify(block)).signatures
    expected = {short.forge.next_seats[seat].public_key for seat, _ in voters}
    assert len(expected) == 5
    assert expected <= set(gossip.asked[0])
    assert not {key.public_key for key in short.forge.seats} & set(gossip.asked[0]) - expected
