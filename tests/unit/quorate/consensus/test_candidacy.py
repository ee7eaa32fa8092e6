"""A seat key proves its candidate at any time, and says that it is ready only while it is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2

from quorate.api.consensus.v1 import consensus_pb2 as pb
from quorate.api.consensus.v1 import consensus_pb2_grpc as rpc
from quorate.api.gossip.v1 import gossip_pb2
from quorate.api.storage.v1 import storage_pb2
from quorate.consensus import wiring
from quorate.consensus.seat_key import init_seat
from quorate.core import crypto
from quorate.core.genesis import build_genesis, build_seat_entry, parse_genesis
from quorate.core.params import Params
from quorate.core.values import format_address
from quorate.kit.config import NodeConfig
from quorate.kit.faults import from_rpc_error
from quorate.kit.rpc import open_channel
from tests.unit.quorate.consensus.conftest import Siblings

DEADLINE_S = 60.0
CANDIDATE = bytes(range(32))
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
Stub = Any
Serve = Callable[[NodeConfig], Awaitable[Stub]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Give a function that starts consensus and returns a stub on its socket."""
    running: list[wiring.Consensus] = []
    channels: list[grpc.aio.Channel] = []

    async def serve(config: NodeConfig) -> Stub:
        running.append(await wiring.start(config))
        channels.append(open_channel(config.socket("consensus")))
        return rpc.ConsensusServiceStub(channels[-1])

    yield serve
    for channel in channels:
        await channel.close()
    for each in running:
        await each.stop()


@pytest.fixture
def candidate_config(config: NodeConfig) -> NodeConfig:
    """A home whose configuration names a candidate."""
    return config.model_copy(update={"candidate": format_address(CANDIDATE)})


async def refuse_ready(stub: Stub) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.SignReady(pb.SignReadyRequest(), timeout=DEADLINE_S)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    error = from_rpc_error(refused.value)
    return error.reason, error.message


async def test_proof_and_ready_are_the_seat_keys_over_the_candidate(
    candidate_config: NodeConfig, siblings: Siblings, serve: Serve
) -> None:
    await siblings.health.set("", SERVING)
    stub = await serve(candidate_config)
    genesis = parse_genesis((candidate_config.home / "genesis.json").read_text())
    key, domain = genesis.seats[0].public_key, genesis.domain
    proof = await stub.GetSeatProof(pb.GetSeatProofRequest(), timeout=DEADLINE_S)
    assert (proof.seat_key, proof.candidate) == (key, CANDIDATE)
    assert crypto.is_signed(key, proof.proof, crypto.TAG_SEAT, domain, CANDIDATE)
    ready = await stub.SignReady(pb.SignReadyRequest(), timeout=DEADLINE_S)
    assert (ready.seat_key, ready.candidate, ready.epoch) == (key, CANDIDATE, 0)
    message = CANDIDATE + bytes(8)
    assert crypto.is_signed(key, ready.signature, crypto.TAG_READY, domain, message)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"candidate": ""}, "NO_CANDIDATE_CONFIGURED"), ({"observer": True}, "OBSERVER")],
)
async def test_who_stands_for_no_candidate_signs_nothing(
    candidate_config: NodeConfig,
    siblings: Siblings,
    serve: Serve,
    change: dict[str, object],
    reason: str,
) -> None:
    await siblings.health.set("", SERVING)
    stub = await serve(candidate_config.model_copy(update=change))
    assert (await refuse_ready(stub))[0] == reason
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.GetSeatProof(pb.GetSeatProofRequest(), timeout=DEADLINE_S)
    assert from_rpc_error(refused.value).reason == reason


async def test_who_is_behind_or_cut_off_from_storage_is_not_ready(
    candidate_config: NodeConfig, siblings: Siblings, serve: Serve
) -> None:
    await siblings.health.set("", NOT_SERVING)
    stub = await serve(candidate_config)
    reason, message = await refuse_ready(stub)
    assert reason == "NOT_SYNCED" and "behind" in message
    await siblings.stop("storage")
    reason, message = await refuse_ready(stub)
    assert reason == "NOT_SYNCED" and "does not answer" in message
    # The proof needs no chain.
    await stub.GetSeatProof(pb.GetSeatProofRequest(), timeout=DEADLINE_S)
    await siblings.start("storage")
    await siblings.health.set("", SERVING)
    async with asyncio.timeout(DEADLINE_S):
        while not await is_ready(stub):
            pass


async def is_ready(stub: Stub) -> bool:
    try:
        await stub.SignReady(pb.SignReadyRequest(), timeout=DEADLINE_S)
    except grpc.aio.AioRpcError:
        return False
    return True


@pytest.mark.parametrize(
    ("frame", "word"),
    [
        (storage_pb2.CommitResponse(fault="DISK_FULL: planted", fault_changed=True), "DISK_FULL"),
        (storage_pb2.CommitResponse(catching_up=True), "missed"),
    ],
)
async def test_a_fault_or_a_gap_makes_it_not_ready_until_it_is_over(
    candidate_config: NodeConfig,
    siblings: Siblings,
    serve: Serve,
    frame: storage_pb2.CommitResponse,
    word: str,
) -> None:
    await siblings.health.set("", SERVING)
    stub = await serve(candidate_config)
    siblings.storage.answers.put_nowait(frame)
    async with asyncio.timeout(DEADLINE_S):
        while (await stub.GetStatus(pb.GetStatusRequest())).state == "voting":
            pass
    reason, message = await refuse_ready(stub)
    assert reason == "NOT_SYNCED" and word in message
    siblings.storage.answers.put_nowait(storage_pb2.CommitResponse(fault="", fault_changed=True))
    async with asyncio.timeout(DEADLINE_S):
        while (await stub.GetStatus(pb.GetStatusRequest())).state != "voting":
            pass
    await stub.SignReady(pb.SignReadyRequest(), timeout=DEADLINE_S)


async def test_who_has_not_executed_what_is_final_is_not_ready(
    candidate_config: NodeConfig, siblings: Siblings, serve: Serve
) -> None:
    await siblings.health.set("", SERVING)
    stub = await serve(candidate_config)
    # Storage takes blocks and never tells a result: the chain runs as far as it may.
    lag_max = parse_genesis(
        (candidate_config.home / "genesis.json").read_text()
    ).params.execution_lag_max
    async with asyncio.timeout(DEADLINE_S):
        while (await stub.GetStatus(pb.GetStatusRequest())).final_height <= lag_max:
            await siblings.storage.blocks.get()
    reason, message = await refuse_ready(stub)
    assert reason == "NOT_SYNCED" and "not executed" in message


async def test_a_spare_is_ready_only_while_it_hears_more_seats_than_may_lie(
    tmp_path: Path, serve: Serve
) -> None:
    init_seat(tmp_path)
    keys = [crypto.SigningKey(bytes([number]) * 32) for number in range(4)]
    entries = [build_seat_entry("unit", f"v{n}", key) for n, key in enumerate(keys)]
    (tmp_path / "genesis.json").write_text(build_genesis("unit", 1, Params(), entries, {}))
    config = NodeConfig(
        home=tmp_path, name="spare", sockets_dir=tmp_path, candidate=format_address(CANDIDATE)
    )
    siblings = Siblings(config, parse_genesis((tmp_path / "genesis.json").read_text()))
    await siblings.start("storage")
    await siblings.start("gossip")
    try:
        await siblings.health.set("", SERVING)
        stub = await serve(config)

        def hear(node: int, key: bytes, *, connected: bool = True) -> None:
            """Let a peer come or go."""
            change = gossip_pb2.PeerChange(
                node_id=bytes([node]) * 32, seat_key=key, connected=connected
            )
            siblings.gossip.frames.put_nowait(gossip_pb2.ChannelResponse(peer_changes=[change]))

        async def wait_obstacle(word: str) -> None:
            async with asyncio.timeout(DEADLINE_S):
                while word not in await find_obstacle(stub):
                    pass

        await wait_obstacle("0 seats of epoch 0 are heard, it takes 2")
        hear(1, keys[0].public_key)
        await wait_obstacle("1 seats of")
        # One seat's key by two nodes, and a key that holds no seat, are not two seats.
        hear(2, keys[0].public_key)
        hear(3, crypto.SigningKey(b"x" * 32).public_key)
        hear(4, keys[1].public_key)
        await wait_obstacle("signs")
        hear(4, keys[1].public_key, connected=False)
        await wait_obstacle("1 seats of")
    finally:
        await siblings.stop_all()


async def find_obstacle(stub: Stub) -> str:
    """Return why a node is not ready, or "signs"."""
    try:
        await stub.SignReady(pb.SignReadyRequest(), timeout=DEADLINE_S)
    except grpc.aio.AioRpcError as error:
        return error.details() or ""
    return "signs"
