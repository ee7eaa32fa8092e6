"""Execution of whole blocks: slices, garbage in final blocks, the write digest."""

from quorate.api.ledger.v1 import ledger_pb2
from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.core.batches import Batch, BatchHeader, compute_batch_name
from quorate.core.epochs import start_after
from quorate.core.results import compute_write_digest
from quorate.core.staking.performance import Performance
from quorate.core.staking.records import PERFORMANCE_KEY
from quorate.core.state import EPOCH_START_KEY, compute_set_key, decode_account
from quorate.core.transition import SLICE
from quorate.core.values import TREASURY, ZERO_HASH
from quorate.storage import database as db


async def test_a_block_larger_than_a_slice_is_executed_in_order(node, forge):
    count = 3 * SLICE + 7
    batches = [forge.batch([forge.transfer(i % 8) for i in range(count)]) for _ in range(2)]
    await node.commit([(forge.block(forge.root, batches), batches)])
    block = (await node.ledger.GetBlock(ledger_pb2.GetBlockRequest(full=True))).block
    raws = [raw for batch in batches for raw in batch.transactions()]
    assert block.transactions == 2 * count
    assert block.transaction_ids == b"".join(forge.identify(raw) for raw in raws)
    request = pb.ReadStateRequest(addresses=b"".join([*forge.addresses, TREASURY]))
    accounts = [decode_account(a) for a in (await node.storage.ReadState(request)).accounts]
    assert sum(account.balance for account in accounts) == forge.genesis.supply
    assert sum(next(iter(a.lanes.values())) for a in accounts[:8]) == 2 * count


async def test_the_write_digest_is_over_the_state_that_was_written(node, forge):
    await node.commit(forge.extend(1))
    state = dict(node.service.database.iterate(db.STATE))
    state.pop(b"h")
    changed = [forge.addresses[0], forge.addresses[1], forge.addresses[2], TREASURY]
    writes = [(b"a" + address, state[b"a" + address]) for address in changed]
    assert node.chain.write_digest == compute_write_digest(ZERO_HASH, writes)


async def test_a_batch_that_lies_about_its_count_holds_nothing(node, forge):
    honest = forge.batch([forge.transfer(0), forge.transfer(1)])
    fields = {name: getattr(honest.header, name) for name in BatchHeader.__slots__}
    header = BatchHeader(**{**fields, "count": 5})
    lying = Batch(header, honest.signature, honest.content, compute_batch_name(header.encode()))
    await node.commit([(forge.block(forge.root, [lying]), [lying])])
    assert node.chain.height == 1
    block = (await node.ledger.GetBlock(ledger_pb2.GetBlockRequest())).block
    assert block.transactions == 0
    await node.commit(forge.extend(1, node.chain.head))


async def test_the_last_block_of_an_epoch_gives_the_set_of_the_epoch_after_the_next(short):
    blocks = short.forge.extend(4)
    await short.commit(blocks[:2])
    _, start, _ = await short.open_chain()
    assert start.epoch == 0
    await short.commit(blocks[2:3])
    response, start, sets = await short.open_chain()
    assert start == start_after(blocks[2][0].header)
    assert (start.epoch, start.height) == (1, 3)
    assert [each.epoch for each in sets] == [0, 1, 2]
    assert sets[2] == sets[1].follow(2)
    given = {r.height: r.next_set for r in response.results if r.next_set}
    assert given == {3: sets[2].encode()}
    await short.commit(blocks[3:])
    response, start, _ = await short.open_chain()
    assert start.epoch == 1
    assert {r.height: r.next_set for r in response.results if r.next_set} == given


async def test_the_write_digest_covers_the_set_and_the_start(short):
    empty = [(short.forge.block(short.forge.root), [])]
    for _ in range(2):
        empty.append((short.forge.block(empty[-1][0]), []))
    await short.commit(empty)
    digest = ZERO_HASH
    for _ in range(2):
        digest = compute_write_digest(digest, [])
    last = empty[-1][0]
    writes = [
        (EPOCH_START_KEY, start_after(last.header).encode()),
        (compute_set_key(2), short.forge.genesis.sets[1].follow(2).encode()),
        (PERFORMANCE_KEY, Performance.start(1, 7).encode()),
    ]
    assert short.chain.write_digest == compute_write_digest(digest, writes)


async def test_an_epoch_lasts_until_the_result_of_its_start_is_carried(short):
    blocks = short.forge.extend(5)
    late = short.forge.block(blocks[-1][0], executed=blocks[2][0].header.executed)
    await short.commit([*blocks, (late, [])])
    _, start, _ = await short.open_chain()
    assert late.header.height == 6
    assert (start.epoch, start.height) == (1, 3)
    last = short.forge.block(late, executed=blocks[-1][0].header.executed)
    await short.commit([(last, [])])
    _, start, _ = await short.open_chain()
    assert (start.epoch, start.height) == (2, 7)
