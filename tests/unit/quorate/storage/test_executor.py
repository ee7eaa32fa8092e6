"""Execution of whole blocks: slices, garbage in final blocks, the write digest."""

import pytest

from quorate.api.ledger.v1 import ledger_pb2
from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.core.applying import SLICE
from quorate.core.batches import Batch, BatchHeader, compute_batch_name
from quorate.core.blocks import Block
from quorate.core.epochs import start_after
from quorate.core.governance import upgrades
from quorate.core.results import compute_write_digest
from quorate.core.staking.performance import Performance
from quorate.core.staking.records import PERFORMANCE_KEY
from quorate.core.state import EPOCH_START_KEY, compute_set_key, decode_account
from quorate.core.values import TREASURY, ZERO_HASH
from quorate.storage import database as db
from tests.unit.quorate.storage.council import decide


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


@pytest.fixture
async def planned(make_node, make_forge):
    """A node whose chain needs version v2 from height 6 on, and the blocks up to height 9."""
    forge = make_forge(execution_lag_max=1)
    node = await make_node("planned", of=forge)
    blocks, _ = decide(forge, forge.root, "", 0, "v2", 6)
    node.blocks = [*blocks, *forge.extend(7, blocks[-1][0])]
    return node


async def test_a_node_stops_before_an_upgrade_that_it_does_not_know(planned):
    await planned.commit(planned.blocks[:4])
    assert planned.chain.get_fault() == ""
    async with planned.attach() as engine:
        for block, batches in planned.blocks[4:7]:
            await planned.put(batches)
            await engine.send([block])
        answer = await engine.wait(lambda a: a.fault)
    assert answer.fault.startswith("UPGRADE_REQUIRED: block 6 needs the rules of version 'v2'")
    assert planned.chain.height == 5
    block = await planned.ledger.GetBlock(ledger_pb2.GetBlockRequest())
    assert block.block.height == 5


async def test_software_that_knows_the_version_goes_on(planned, make_node, monkeypatch):
    await planned.commit(planned.blocks[:5])
    await planned.stop()
    monkeypatch.setattr(upgrades, "KNOWN_VERSIONS", ("v1", "v2"))
    node = await make_node("new", of=planned.forge, home=planned.home)
    assert node.chain.get_fault() == ""
    await node.commit(planned.blocks[5:])
    assert node.chain.height == 9


async def test_software_that_does_not_know_it_says_so_at_once_when_started(planned, make_node):
    await planned.commit(planned.blocks[:5])
    await planned.stop()
    node = await make_node("old", of=planned.forge, home=planned.home)
    assert node.chain.get_fault().startswith("UPGRADE_REQUIRED")
    assert (await node.ledger.GetBlock(ledger_pb2.GetBlockRequest())).block.height == 5


async def test_a_run_over_the_upgrade_stops_within_it_and_is_finished_later(
    planned, make_node, monkeypatch
):
    await planned.commit(planned.blocks[:1])
    for _, batches in planned.blocks:
        await planned.put(batches)
    async with planned.attach() as engine:
        await engine.send([block for block, _ in planned.blocks[1:]])
        await engine.wait(lambda a: a.fault)
    for node in (planned, planned):
        assert node.chain.height == 5
        opened, _, _ = await node.open_chain()
        # The engine is told of a head that has its own finality.
        assert (Block.decode(opened.head).header.height, len(opened.certificate) > 0) == (1, True)
        await node.stop()
        await node.start()
        assert node.chain.get_fault().startswith("UPGRADE_REQUIRED")
    await planned.stop()
    monkeypatch.setattr(upgrades, "KNOWN_VERSIONS", ("v1", "v2"))
    node = await make_node("new", of=planned.forge, home=planned.home)
    assert (node.chain.height, node.chain.certified_height, node.chain.get_fault()) == (9, 9, "")


async def test_nobody_is_asked_for_blocks_that_can_not_be_executed(
    planned, make_node, make_gossip, monkeypatch
):
    behind = await make_node("behind", of=planned.forge)
    gossip = await make_gossip(behind, planned)
    monkeypatch.setattr(upgrades, "KNOWN_VERSIONS", ("v1", "v2"))
    await planned.commit(planned.blocks)
    monkeypatch.undo()
    gossip.announce(9)
    async with behind.attach() as engine:
        await engine.wait(lambda a: a.fault)
        asked = len(gossip.fetches)
        gossip.announce(10)
        # The catch-up has ended, and stays so.
        while behind.service.catch_up.active or behind.service.catch_up.best < 10:
            await behind.chain.changed.wait()
    assert behind.chain.height == 5
    assert len(gossip.fetches) == asked
