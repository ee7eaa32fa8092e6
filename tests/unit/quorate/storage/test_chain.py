"""The head: runs as units, restarts, crashes inside a run, foreign or damaged data."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys

import pytest

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.core.bft.messages import decode_certificate
from quorate.core.blocks import Block
from quorate.core.epochs import EpochStart
from quorate.core.errors import RefusedToStart
from quorate.core.results import compute_write_digest
from quorate.core.state import EPOCH_START_KEY, compute_set_key
from quorate.core.values import ZERO_HASH
from quorate.storage import database as db
from quorate.storage.database import Database, Writes
from quorate.storage.store import encode_subtree


async def open_chain(node):
    return await node.storage.OpenChain(pb.OpenChainRequest())


async def test_a_fresh_directory_opens_at_block_zero(node, forge):
    opened = await open_chain(node)
    assert Block.decode(opened.head).header == forge.root.header
    assert opened.certificate == b""
    assert not opened.results


async def test_the_head_survives_a_restart_with_everything_an_engine_needs(node, forge):
    blocks = forge.extend(4)
    await node.commit(blocks)
    held = forge.batch([forge.transfer(2)])
    await node.put([held])
    before = await open_chain(node)
    await node.stop()
    await node.start()
    after = await open_chain(node)
    assert after == before
    assert Block.decode(after.head) == blocks[-1][0]
    assert decode_certificate(after.certificate).digest == blocks[-1][0].digest
    assert [(e.height, e.names) for e in after.recent_batches] == [
        (block.header.height, b"".join(block.batches)) for block, _ in blocks
    ]
    assert [r.height for r in after.results] == [1, 2, 3, 4]
    assert list(after.held_headers) == [held.header.encode() + held.signature]


async def test_a_run_of_several_blocks_gives_the_same_results_as_one_by_one(make_node, make_forge):
    digests = []
    for name, together in (("a", False), ("b", True)):
        forge = make_forge()
        node = await make_node(name, of=forge)
        await node.commit(forge.extend(5), together=together)
        opened = await open_chain(node)
        digests.append([(r.write_digest, r.receipts_hash) for r in opened.results])
        assert decode_certificate(opened.certificate).digest == node.chain.head.digest
    assert digests[0] == digests[1]


async def test_an_empty_block_moves_the_digest_chain(node, forge):
    block = forge.block(forge.root)
    await node.commit([(block, [])])
    opened = await open_chain(node)
    assert opened.results[-1].write_digest == compute_write_digest(ZERO_HASH, [])


async def test_blocks_sent_again_are_ignored_and_answered(node, forge):
    blocks = forge.extend(2)
    await node.commit(blocks)
    async with node.attach() as engine:
        first = await engine.wait_synced(2)
        assert first.caught_up_block == blocks[-1][0].encode()
        await engine.send([blocks[0][0], blocks[1][0]])
        await engine.wait_synced(2)
    assert node.chain.height == 2


async def test_a_new_engine_replaces_the_old_one(node, forge):
    async with node.attach() as old:
        await old.wait_synced(0)
        async with node.attach() as new:
            await new.wait_synced(0)
            assert await old.call.read() is not None
            code = await asyncio.wait_for(old.call.code(), 60)
            assert code.value[0] == 0
            await node.commit(forge.extend(1))


async def test_a_final_block_that_conflicts_stops_voting(node, forge):
    await node.commit(forge.extend(1))
    alien = forge.block(forge.block(forge.root, view=7), view=8)
    async with node.attach() as engine:
        await engine.wait_synced(1)
        await engine.send([alien])
        answer = await engine.wait(lambda a: a.fault)
    assert answer.fault.startswith("CONFLICTING_FINAL_BLOCKS")


async def test_another_chains_directory_is_refused(node, make_node, make_forge):
    await node.commit(node.forge.extend(1))
    await node.stop()
    other = make_forge("other-chain")
    with pytest.raises(RefusedToStart) as raised:
        await make_node("b", of=other, home=node.home)
    assert raised.value.reason == "WRONG_GENESIS"
    assert "move the directory aside" in raised.value.message


async def test_a_directory_in_use_is_refused(node, make_node):
    with pytest.raises(RefusedToStart) as raised:
        await make_node("b", home=node.home)
    assert raised.value.reason == "DATABASE_IN_USE"


def list_logs(path):
    return sorted(p for p in path.iterdir() if p.suffix == ".log")


@pytest.mark.parametrize("cut", [1, 700, 5_000])
async def test_a_cut_off_log_recovers_a_prefix_that_is_certified(node, make_node, forge, cut):
    blocks = forge.extend(30)
    await node.commit(blocks)
    copy = node.home.parent / "copy"
    shutil.copytree(node.home, copy)
    log = list_logs(copy / "storage" / "db")[-1]
    os.truncate(log, log.stat().st_size - cut)
    healed = await make_node("b", home=copy)
    height = healed.chain.height
    assert 0 < height <= 30
    opened = await open_chain(healed)
    assert Block.decode(opened.head) == blocks[height - 1][0]
    assert decode_certificate(opened.certificate).digest == blocks[height - 1][0].digest
    await healed.commit(blocks[height:])
    assert healed.chain.write_digest == node.chain.write_digest


async def test_a_run_that_a_crash_cut_off_is_finished_before_serving(node, make_node, forge):
    blocks = forge.extend(6)
    await node.commit(blocks, together=True)
    seen = set()
    for cut in range(200, 12_000, 400):
        copy = node.home.parent / f"copy{cut}"
        shutil.copytree(node.home, copy)
        log = list_logs(copy / "storage" / "db")[-1]
        os.truncate(log, max(log.stat().st_size - cut, 0))
        healed = await make_node(f"n{cut}", home=copy)
        opened = await open_chain(healed)
        head = Block.decode(opened.head)
        seen.add(head.header.height)
        if head.header.height:
            assert decode_certificate(opened.certificate).digest == head.digest
        await healed.stop()
    assert seen == {0, 6}


async def test_damaged_tables_are_refused_with_the_next_step(node, make_node, forge):
    await node.commit(forge.extend(3))
    await node.stop()
    path = node.home / "storage" / "db"
    await node.start()
    await node.stop()
    tables = [p for p in path.iterdir() if p.suffix == ".sst"]
    assert tables
    for table in tables:
        os.truncate(table, table.stat().st_size // 2)
    with pytest.raises(RefusedToStart) as raised:
        await make_node("b", home=node.home)
    assert raised.value.reason == "DAMAGED_DATABASE"
    assert "move this directory aside" in raised.value.message


async def test_contradicting_parts_are_refused(node, make_node, forge):
    await node.commit(forge.extend(3))
    await node.stop()
    database = Database(node.home / "storage" / "db")
    writes = Writes()
    writes.delete(db.CERTIFICATES, (3).to_bytes(8, "big"))
    database.write(database.build(writes), synced=True)
    database.close()
    with pytest.raises(RefusedToStart) as raised:
        await make_node("b", home=node.home)
    assert raised.value.reason == "DAMAGED_DATABASE"


KILLED = """
import asyncio, sys
from pathlib import Path
from quorate.kit.config import NodeConfig
from quorate.storage import wiring
async def main():
    home, sockets = map(Path, sys.argv[1:])
    service = await wiring.start(NodeConfig(home=home, name="n", sockets_dir=sockets))
    print("ready", flush=True)
    await service.wait_failed()
asyncio.run(main())
"""


async def test_kill_9_keeps_all_that_was_answered_as_synced(directory, forge, make_node):
    from pathlib import Path

    home, sockets = directory / "killed", directory / "s"
    sockets.mkdir()
    home.mkdir()
    (home / "genesis.json").write_text(forge.text)
    node = await make_node("x", home=directory / "unused")
    await node.stop()
    node.config = node.config.model_copy(update={"home": home, "sockets_dir": Path(sockets)})
    blocks, synced = forge.extend(40), 0
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(home), str(sockets)], stdout=subprocess.PIPE
    )
    assert process.stdout.readline()
    from quorate.api.storage.v1 import storage_pb2_grpc
    from quorate.kit.rpc import open_channel

    channel = open_channel(node.config.socket("storage"))
    node.storage = storage_pb2_grpc.StorageServiceStub(channel)
    for _, batches in blocks:
        await node.put(batches)
    async with node.attach() as engine:
        for start in range(0, 40, 4):
            await engine.send([block for block, _ in blocks[start : start + 4]])
        synced = (await engine.wait_synced(12)).synced_height
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    await channel.close()
    again = await make_node("y", home=home)
    assert again.chain.height >= synced
    assert again.chain.height % 4 == 0
    await again.commit(blocks[again.chain.height :], together=True)
    assert again.chain.height == 40


async def test_a_fresh_chain_starts_at_block_zero_with_the_sets_of_two_epochs(short):
    _, start, sets = await short.open_chain()
    assert start == short.forge.genesis.start
    assert sets == list(short.forge.genesis.sets)
    forge = short.forge
    assert [each.keys for each in sets] == [
        tuple(key.public_key for key in keys) for keys in (forge.seats, forge.next_seats)
    ]


async def test_epochs_survive_a_restart(short):
    await short.commit(short.forge.extend(8))
    before = await short.open_chain()
    await short.stop()
    await short.start()
    assert await short.open_chain() == before
    assert before[1].epoch == 2
    await short.commit(short.forge.extend(2, short.chain.head))
    assert short.chain.start.epoch == 3


async def test_a_run_that_ends_an_epoch_and_was_cut_off_is_finished(short, make_node):
    await short.commit(short.forge.extend(3), together=True)
    seen = set()
    for cut in range(200, 8_000, 600):
        copy = short.home.parent / f"copy{cut}"
        shutil.copytree(short.home, copy)
        logs = sorted(p for p in (copy / "storage" / "db").iterdir() if p.suffix == ".log")
        os.truncate(logs[-1], max(logs[-1].stat().st_size - cut, 0))
        healed = await make_node(f"n{cut}", home=copy, of=short.forge)
        seen.add((healed.chain.height, healed.chain.start.epoch))
        await healed.stop()
    assert seen == {(0, 0), (3, 1)}


async def test_hashes_of_receipts_that_are_lost_or_wrong_are_refused(node, make_node, forge):
    await node.commit(forge.extend(5))
    await node.stop()
    # Of five blocks the first four are one complete subtree.
    key = encode_subtree((2, 0))
    for value in (b"x" * 32, None):
        database, writes = Database(node.home / "storage" / "db"), Writes()
        if value is None:
            writes.delete(db.SUBTREES, key)
        else:
            writes.put(db.SUBTREES, key, value)
        database.write(database.build(writes), synced=True)
        database.close()
        with pytest.raises(RefusedToStart) as raised:
            await make_node("b", home=node.home)
        assert raised.value.reason == "DAMAGED_DATABASE"


async def test_an_epoch_that_contradicts_the_head_is_refused(short, make_node):
    await short.commit(short.forge.extend(2))
    await short.stop()
    wrong = [EpochStart(0, height, 0, bytes(32)).encode() for height in (2, 5)]
    for value in (*wrong, b"nonsense"):
        database = Database(short.home / "storage" / "db")
        writes = Writes()
        writes.put(db.STATE, EPOCH_START_KEY, value)
        database.write(database.build(writes), synced=True)
        database.close()
        with pytest.raises(RefusedToStart) as raised:
            await make_node("b", home=short.home, of=short.forge)
        assert raised.value.reason == "DAMAGED_DATABASE"


async def test_a_lost_set_is_refused(short, make_node):
    await short.commit(short.forge.extend(3))
    await short.stop()
    database = Database(short.home / "storage" / "db")
    writes = Writes()
    writes.delete(db.STATE, compute_set_key(2))
    database.write(database.build(writes), synced=True)
    database.close()
    with pytest.raises(RefusedToStart) as raised:
        await make_node("b", home=short.home, of=short.forge)
    assert "the set of epoch 2 is missing" in raised.value.message


async def test_a_block_of_an_epoch_that_does_not_run_stops_voting(short):
    alien = short.forge.block(short.forge.root, epoch=1)
    async with short.attach() as engine:
        await engine.send([alien])
        answer = await engine.wait(lambda a: a.fault)
    assert "is of epoch 1, but epoch 0 goes on there" in answer.fault
    assert short.chain.height == 0
