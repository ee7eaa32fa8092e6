"""What an engine is told is derived from the chain, however slowly it reads."""

from quorate.core.blocks import Block, Executed
from quorate.core.epochs import EpochStart, start_after
from quorate.core.seats import SeatSet
from quorate.storage import session
from quorate.storage.session import Session


async def next_response(stream):
    return await anext(stream)


async def test_a_slow_engine_gets_one_answer_about_all_that_happened(node, forge):
    service = node.service
    slow = Session(service.chain, service.catch_up, 256)
    stream = slow.iter_responses()
    first = await next_response(stream)
    assert (first.synced_height, first.fault_changed, first.fault) == (0, True, "")
    await node.commit(forge.extend(20))
    second = await next_response(stream)
    assert [r.height for r in second.results] == list(range(1, 21))
    assert second.synced_height == 20
    slow.close()
    assert [r async for r in stream] == []


async def test_many_results_come_in_parts_and_synced_only_with_the_last(node, forge, monkeypatch):
    monkeypatch.setattr(session, "RESULTS_MAX", 8)
    slow = Session(node.service.chain, node.service.catch_up, 256)
    stream = slow.iter_responses()
    await next_response(stream)
    await node.commit(forge.extend(20))
    parts = [await next_response(stream) for _ in range(3)]
    assert [len(part.results) for part in parts] == [8, 8, 4]
    assert [part.synced_height for part in parts] == [0, 0, 20]


async def test_results_start_at_the_claim_of_the_head(node, forge):
    blocks = forge.extend(3)
    await node.commit(blocks)
    result = node.chain.store.load_results(2, 2)[0]
    claim = Executed(2, result.write_digest, bytes(32), bytes(32), bytes(32))
    block = forge.block(blocks[-1][0], executed=claim)
    await node.commit([(block, [])])
    attached = Session(node.service.chain, node.service.catch_up, 256)
    first = await next_response(attached.iter_responses())
    assert [r.height for r in first.results] == [2, 3, 4]
    assert [b.height for b in first.caught_up_batches] == [1, 2, 3]
    assert first.caught_up_block == block.encode()


async def test_a_fault_is_told_when_it_comes_and_when_it_goes(node):
    chain = node.service.chain
    stream = Session(chain, node.service.catch_up, 256).iter_responses()
    await next_response(stream)
    chain.writer._set_fault("DISK_FULL: test")
    told = await next_response(stream)
    assert (told.fault_changed, told.fault) == (True, "DISK_FULL: test")
    chain.writer._set_fault("")
    told = await next_response(stream)
    assert (told.fault_changed, told.fault) == (True, "")


async def test_an_engine_is_told_the_epoch_of_the_block_after_the_head(short):
    blocks = short.forge.extend(6)
    await short.commit(blocks[:3])
    session = Session(short.chain, short.service.catch_up, 256)
    told = await anext(session.iter_responses())
    assert EpochStart.decode(told.caught_up_epoch_start) == start_after(blocks[2][0].header)
    assert [SeatSet.decode(each).epoch for each in told.caught_up_sets] == [0, 1, 2]
    await short.commit(blocks[3:5])
    told = await anext(Session(short.chain, short.service.catch_up, 256).iter_responses())
    assert Block.decode(told.caught_up_block) == blocks[4][0]
    assert EpochStart.decode(told.caught_up_epoch_start).epoch == 1
