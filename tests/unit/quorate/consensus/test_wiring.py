"""The running service beside real gRPC siblings: commits, resends, signs, stops when it must."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, cast

import grpc
import pytest

from quorate.api.consensus.v1 import consensus_pb2 as pb
from quorate.api.consensus.v1 import consensus_pb2_grpc as rpc
from quorate.api.storage.v1 import storage_pb2
from quorate.consensus import wiring
from quorate.consensus.driver import Driver
from quorate.consensus.vote_log import VoteLog
from quorate.core import crypto
from quorate.core.batches import BatchHeader, is_batch_signed
from quorate.core.bft.effects import RecordEvidence
from quorate.core.bft.messages import Kind, Proposal, Vote, decode_message
from quorate.core.genesis import parse_genesis
from quorate.kit.config import NodeConfig
from quorate.kit.faults import from_rpc_error
from quorate.kit.rpc import open_channel

if TYPE_CHECKING:
    from quorate.core.bft.engine import Engine
    from tests.unit.quorate.consensus.conftest import Siblings

DEADLINE_S = 60.0


def header(author: int = 0) -> bytes:
    """Return an encoded batch header of an author."""
    return BatchHeader(0, author, 1, 1, 10, 10, 5, bytes(32)).encode()


async def test_single_seat_commits_heartbeats_and_resends_what_is_not_synced(
    config: NodeConfig, siblings: Siblings
) -> None:
    service = await wiring.start(config)
    try:
        blocks = siblings.storage.blocks
        first = await asyncio.wait_for(blocks.get(), DEADLINE_S)
        second = await asyncio.wait_for(blocks.get(), DEADLINE_S)
        assert (first.header.height, second.header.height) == (1, 2)
        assert second.header.parent == first.digest
        siblings.storage.answers.put_nowait(storage_pb2.CommitResponse(synced_height=1))
        third = await asyncio.wait_for(blocks.get(), DEADLINE_S)
        await siblings.stop("storage")
        while not blocks.empty():
            blocks.get_nowait()
        await siblings.start("storage")
        again = await asyncio.wait_for(blocks.get(), DEADLINE_S)
        assert 2 <= again.header.height <= third.header.height
    finally:
        await service.stop()


async def test_votes_leave_only_after_the_log_holds_them(
    config: NodeConfig, siblings: Siblings
) -> None:
    service = await wiring.start(config)
    sent = []
    for _ in range(8):
        outgoing = await asyncio.wait_for(siblings.gossip.sent.get(), DEADLINE_S)
        sent.append(decode_message(outgoing.message))
    assert service.vote_log is not None
    own = {message.encode() for message in service.vote_log.read().own}
    signed = [m for m in sent if isinstance(m, Vote | Proposal)]
    assert signed and all(message.encode() in own for message in signed)
    await service.stop()


async def test_restart_goes_on_above_the_logged_views(
    config: NodeConfig, siblings: Siblings
) -> None:
    service = await wiring.start(config)
    for _ in range(3):
        await asyncio.wait_for(siblings.storage.blocks.get(), DEADLINE_S)
    view = service.tasks and (await get_status(config)).view
    await service.stop()
    # Storage says that it has nothing: what was final comes again from the log, the same blocks.
    restarted = await wiring.start(config)
    status = await get_status(config)
    assert status.view >= view
    await restarted.stop()


async def get_status(config: NodeConfig) -> pb.GetStatusResponse:
    """Return the status over the service's own socket."""
    async with open_channel(config.socket("consensus")) as channel:
        stub = rpc.ConsensusServiceStub(channel)
        return await stub.GetStatus(pb.GetStatusRequest(), wait_for_ready=True, timeout=DEADLINE_S)


async def test_batches_are_signed_for_the_own_seat_only(
    config: NodeConfig, siblings: Siblings
) -> None:
    service = await wiring.start(config)
    genesis = parse_genesis((config.home / "genesis.json").read_text())
    async with open_channel(config.socket("consensus")) as channel:
        stub = rpc.ConsensusServiceStub(channel)
        signed = await stub.SignBatch(pb.SignBatchRequest(header=header()), timeout=DEADLINE_S)
        key = genesis.seats[0].public_key
        assert is_batch_signed(header(), signed.signature, key, genesis.domain)
        for data, reason in ((header(3), "NOT_THE_AUTHOR"), (b"short", "MALFORMED_BYTES")):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.SignBatch(pb.SignBatchRequest(header=data), timeout=DEADLINE_S)
            assert from_rpc_error(refused.value).reason == reason
        node = await stub.SignNode(pb.SignNodeRequest(node_id=b"n" * 32), timeout=DEADLINE_S)
        message = bytes(8) + b"n" * 32
        assert crypto.is_signed(key, node.signature, crypto.TAG_SEAT_NODE, genesis.domain, message)
    await service.stop()


async def test_evidence_is_in_the_log_before_anything_of_its_turn_leaves(
    config: NodeConfig, siblings: Siblings
) -> None:
    log = VoteLog(config.home / "evidence", b"g" * 32, b"k" * 32)
    driver = Driver(cast("Engine", None), log)
    first, second = (Vote(Kind.NOTARIZE, 0, 7, bytes([n]) * 32, 1, bytes(64)) for n in (1, 2))
    await driver._persist([RecordEvidence(1, first, second)])
    log.close()
    reopened = VoteLog(config.home / "evidence", b"g" * 32, b"k" * 32)
    kept = [(each.seat, each.first, each.second) for each in reopened.list_evidence()]
    assert kept == [(1, first, second)]
    reopened.close()


async def test_storage_fault_halts_and_its_end_lets_go_on(
    config: NodeConfig, siblings: Siblings
) -> None:
    service = await wiring.start(config)
    answers, blocks = siblings.storage.answers, siblings.storage.blocks
    await asyncio.wait_for(blocks.get(), DEADLINE_S)
    answers.put_nowait(storage_pb2.CommitResponse(fault="DISK_FULL: planted", fault_changed=True))
    async with asyncio.timeout(DEADLINE_S):
        while (await get_status(config)).state != "halted":
            pass
    assert "DISK_FULL" in (await get_status(config)).detail
    while not blocks.empty():
        blocks.get_nowait()
    answers.put_nowait(storage_pb2.CommitResponse(fault="", fault_changed=True))
    await asyncio.wait_for(blocks.get(), DEADLINE_S)
    assert (await get_status(config)).state == "voting"
    await service.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
async def test_full_disk_stops_voting_says_so_and_recovers(
    config: NodeConfig, siblings: Siblings
) -> None:
    path = config.home / "consensus" / "log"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", path], check=True)
    try:
        service = await wiring.start(config)
        await asyncio.wait_for(siblings.storage.blocks.get(), DEADLINE_S)
        filler = path / "filler"
        fill(filler)
        async with asyncio.timeout(DEADLINE_S):
            while "VOTE_LOG_UNWRITABLE" not in (await get_status(config)).detail:
                pass
        filler.unlink()
        async with asyncio.timeout(DEADLINE_S):
            while (await get_status(config)).state != "voting":
                pass
        while not siblings.storage.blocks.empty():
            siblings.storage.blocks.get_nowait()
        await asyncio.wait_for(siblings.storage.blocks.get(), DEADLINE_S)
        await service.stop()
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def fill(path: Path) -> None:
    """Write until the file system is full."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


async def test_what_storage_says_of_its_runner_is_in_headers_until_it_is_taken_back(
    config: NodeConfig, siblings: Siblings
) -> None:
    service = await wiring.start(config)
    storage = siblings.storage
    storage.answers.put_nowait(
        storage_pb2.CommitResponse(runner_changed=True, suspect_height=1, suspect_position=7)
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            while (await storage.blocks.get()).header.suspect != (1, 7):
                pass
            storage.answers.put_nowait(
                storage_pb2.CommitResponse(
                    runner_changed=True, survived_height=1, survived_ticket=77
                )
            )
            assert await storage.released.get() == 77
            newest = storage.blocks.get_nowait()
            while not storage.blocks.empty():
                newest = storage.blocks.get_nowait()
            assert newest.header.suspect == (0, 0)
    finally:
        await service.stop()
