"""Siblings attach, fetch and watch; what they missed is told to them when they come."""

import asyncio
from collections.abc import Callable

import pytest
from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2 as pb
from quorate.api.peers.v1 import peers_pb2
from quorate.core.batches import HEADER_BYTES, compute_batch_name
from quorate.core.genesis import Genesis
from quorate.kit.faults import from_rpc_error
from tests.unit.quorate.gossip.conftest import (
    SEAT_KEYS,
    Cluster,
    Engine,
    Node,
    Stranger,
    build_batch,
    build_test_genesis,
    find_number,
    sign_transfer,
)

Strangers = Callable[[Genesis], Stranger]


async def connect(group: list[Node]) -> list[Engine]:
    """Attach an engine to each node and wait until all are connected with their seats."""
    engines = [await node.attach() for node in group]
    for node, engine in zip(group, engines, strict=True):
        others = {n.node_id: (True, n.siblings.seat) for n in group if n is not node}
        await engine.wait(lambda e=engine, o=others: e.peers == o)
    return engines


async def test_an_engine_that_attaches_later_hears_peers_held_batches_and_holders(
    start_cluster: Cluster,
) -> None:
    group = await start_cluster()
    engines = await connect(group)
    await group[0].submit(sign_transfer(group[0].genesis, 0))
    await engines[1].wait(lambda: any(len(s) == 3 for s in engines[1].reports.values()))
    late = await group[1].attach()
    await late.wait(lambda: bool(late.held) and len(late.peers) == 3)
    name = compute_batch_name(late.held[0][:HEADER_BYTES])
    assert late.reports[name] == {0, 1, 2, 3}


async def test_one_engine_at_a_time_the_newest_wins(start_cluster: Cluster) -> None:
    (node,) = await start_cluster(1)
    first = await node.attach()
    second = await node.attach()
    assert first.task is not None
    with pytest.raises(aio.AioRpcError) as raised:
        await asyncio.wait_for(first.task, 60)
    assert from_rpc_error(raised.value).reason == "REPLACED"
    await second.send()


async def test_batches_are_fetched_of_whoever_has_them(start_cluster: Cluster) -> None:
    group = await start_cluster()
    engines = await connect(group)
    batches = [
        build_batch(group[0].genesis, [sign_transfer(group[0].genesis, n)], 2, number=n)
        for n in range(3)
    ]
    # Seat 3 has two of them on disk; the one asked first (seat 1) has none.
    for batch in batches[:2]:
        group[3].siblings.batches[batch.name] = batch.encode()
    names = b"".join(batch.name for batch in batches)
    request = pb.FetchBatchesRequest(names=names, seat_keys=[SEAT_KEYS[1].public_key])
    answer = await engines[0].stub.FetchBatches(request)
    assert answer.missing == batches[2].name
    await engines[0].wait(lambda: len(engines[0].held) == 2)
    assert set(group[0].siblings.batches) == {batch.name for batch in batches[:2]}


async def test_under_a_certificate_signatures_are_not_checked(start_cluster: Cluster) -> None:
    group = await start_cluster()
    engines = await connect(group)
    raw = sign_transfer(group[0].genesis, 0)
    bad = raw[:-1] + bytes((raw[-1] ^ 1,))
    batch = build_batch(group[0].genesis, [bad], 2)
    group[3].siblings.batches[batch.name] = batch.encode()
    request = pb.FetchBatchesRequest(
        names=batch.name, seat_keys=[SEAT_KEYS[3].public_key], certified=True
    )
    assert not (await engines[0].stub.FetchBatches(request)).missing
    assert batch.name in group[0].siblings.batches


async def test_blocks_come_from_a_peer_that_is_ahead_and_not_from_a_reported_one(
    start_cluster: Cluster,
) -> None:
    group = await start_cluster()
    engines = await connect(group)
    stub = engines[0].stub
    assert not (await stub.FetchBlocks(pb.FetchBlocksRequest(from_height=1))).node_id
    watch = stub.WatchBestHeight(pb.WatchBestHeightRequest())
    assert (await watch.read()).height == 0
    for node in group[2:]:
        node.siblings.blocks = [b"one", b"two"]
        node.siblings.execute([])
        node.siblings.execute([])
    while (await asyncio.wait_for(watch.read(), 60)).height < 2:
        continue
    request = pb.FetchBlocksRequest(from_height=1, size_bytes_max=1_000)
    first = await stub.FetchBlocks(request)
    assert list(first.blocks) == [b"one", b"two"]
    assert first.certificate == b"c"
    await stub.ReportPeer(pb.ReportPeerRequest(node_id=first.node_id, reason="BAD_BLOCKS"))
    givers = {(await stub.FetchBlocks(request)).node_id for _ in range(4)}
    expected = {node.node_id for node in group[2:]} - {first.node_id}
    assert givers <= expected | {b""}


async def test_a_large_answer_passes(start_cluster: Cluster) -> None:
    group = await start_cluster()
    engines = await connect(group)
    group[1].siblings.blocks = [bytes(9 * 1024 * 1024)]
    group[1].siblings.execute([])
    watch = engines[0].stub.WatchBestHeight(pb.WatchBestHeightRequest())
    while (await asyncio.wait_for(watch.read(), 60)).height < 1:
        continue
    answer = await engines[0].stub.FetchBlocks(pb.FetchBlocksRequest(from_height=1))
    assert len(answer.blocks[0]) == 9 * 1024 * 1024


async def test_the_peer_table_is_listed(start_cluster: Cluster) -> None:
    group = await start_cluster()
    engines = await connect(group)
    peers = (await engines[0].stub.ListPeers(pb.ListPeersRequest())).peers
    assert [peer.node_id for peer in peers] == sorted(n.node_id for n in group[1:])
    assert {find_number(peer.seat_key) for peer in peers} == {1, 2, 3}
    assert all(peer.connected and peer.address for peer in peers)


async def test_what_is_reported_held_and_does_not_come_is_fetched(
    start_cluster: Cluster, strangers: Strangers
) -> None:
    group = await start_cluster()
    engines = await connect(group)
    batch = build_batch(group[0].genesis, [sign_transfer(group[0].genesis, 0)], 2)
    group[2].siblings.batches[batch.name] = batch.encode()
    stranger = strangers(group[0].genesis)
    await stranger.attach(group[0])
    await stranger.send(held=batch.name)
    await engines[0].wait(lambda: bool(engines[0].held))
    assert batch.name in group[0].siblings.batches


async def test_batches_held_before_a_restart_are_told_to_peers_again(nodes: list[Node]) -> None:
    text = build_test_genesis()
    first, second = Node(text, 0), Node(text, 1)
    nodes += [first, second]
    batch = build_batch(first.genesis, [sign_transfer(first.genesis, 0)], 0)
    first.siblings.batches[batch.name] = batch.encode()
    await first.start()
    await second.start(first.peer)
    engine = await second.attach()
    # The second one fetches it by itself, since it hears that the first one holds it.
    await engine.wait(lambda: bool(engine.held) and engine.reports.get(batch.name) == {0})
    assert batch.name in second.siblings.batches


async def test_malformed_requests_of_peers_are_faults(
    start_cluster: Cluster, strangers: Strangers
) -> None:
    (node,) = await start_cluster(1)
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    await stranger.send(requests=[peers_pb2.Request(number=1, batches=b"short")])
    assert (await stranger.read_end()).fields()["fault"] == "MALFORMED_FRAME"
