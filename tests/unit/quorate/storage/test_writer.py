"""A disk without room: refused, reported, waited for; nothing is lost."""

import asyncio
import os
import subprocess

import grpc
import pytest

from quorate.api.ledger.v1 import ledger_pb2
from quorate.storage import database

MIB = 1024 * 1024


@pytest.fixture
def small_disk(directory):
    """A tmpfs of 80 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a tmpfs")
    path = directory / "disk"
    path.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(path)])
    if made.returncode:
        pytest.skip("a tmpfs can't be mounted here")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def fill(path, leave):
    room = os.statvfs(path)
    free = room.f_bavail * room.f_frsize
    with open(path / "ballast", "ab") as ballast:
        ballast.write(bytes(max(free - leave, 0)))


async def check_full_and_healed(node, forge, disk):
    first = forge.extend(2)
    await node.commit(first)
    blocks = forge.extend(3, first[-1][0])
    await node.put(blocks[0][1])
    fill(disk, 0)
    async with node.attach() as engine:
        await engine.wait_synced(2)
        await engine.send([blocks[0][0]])
        answer = await engine.wait(lambda a: a.fault)
        assert answer.fault.startswith("DISK_FULL")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await node.put(blocks[1][1])
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        head = await node.ledger.GetBlock(ledger_pb2.GetBlockRequest())
        assert head.block.height == 2
        (disk / "ballast").unlink()
        healed = await engine.wait(lambda a: a.fault_changed)
        assert healed.fault == ""
        if not any(a.synced_height == 3 for a in engine.answers):
            await engine.wait_synced(3)
        for block, batches in blocks[1:]:
            await node.put(batches)
            await engine.send([block])
        await engine.wait_synced(5)
    digest = node.chain.write_digest
    await node.stop()
    await node.start()
    assert (node.chain.height, node.chain.write_digest) == (5, digest)


async def test_a_disk_below_its_reserve_stops_writes_until_there_is_room(
    make_node, forge, small_disk
):
    node = await make_node("full", home=small_disk / "home")
    await check_full_and_healed(node, forge, small_disk)


async def test_a_disk_that_runs_full_under_rocksdb_heals_as_well(
    make_node, forge, small_disk, monkeypatch
):
    monkeypatch.setattr(database, "RESERVE_BYTES", -(1 << 40))
    node = await make_node("full", home=small_disk / "home")
    blocks = forge.extend(4)
    await node.commit(blocks[:2])
    fill(small_disk, 0)
    # RocksDB has set room aside for its log: use that up before it meets the full disk.
    kept, refused = [], None
    while refused is None:
        batch = forge.batch([forge.transfer(len(kept) % 8, memo=os.urandom(200))] * 500)
        try:
            await node.put([batch])
            kept.append(batch.name)
        except grpc.aio.AioRpcError as error:
            refused = error.code()
    assert refused is grpc.StatusCode.UNAVAILABLE
    assert node.chain.get_fault().startswith("DISK_FULL")
    (small_disk / "ballast").unlink()
    async with asyncio.timeout(60):
        while node.chain.get_fault():
            await node.chain.changed.wait()
    await node.commit(blocks[2:])
    digest = node.chain.write_digest
    await node.stop()
    await node.start()
    assert (node.chain.height, node.chain.write_digest) == (4, digest)
    assert node.chain.batches.find_missing(tuple(kept)) == []
    assert all(node.chain.batches.load(name) for name in kept)


async def test_without_room_to_open_the_next_step_is_named(make_node, small_disk):
    from quorate.core.errors import QuorateError

    fill(small_disk, 0)
    with pytest.raises((QuorateError, OSError)) as raised:
        await make_node("full", home=small_disk / "home")
    assert "No space" in str(raised.value) or "room" in str(raised.value)
