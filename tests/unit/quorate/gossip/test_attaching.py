"""Who may attach, and what becomes of those that send what they should not."""

import asyncio
from collections.abc import Callable

import pytest
from grpc import aio

from quorate.api.gossip.v1.gossip_pb2 import Outgoing
from quorate.api.peers.v1 import peers_pb2 as pb
from quorate.core import crypto
from quorate.core.codec import U64
from quorate.core.genesis import Genesis, parse_genesis
from quorate.gossip.attaching import ANSWER_BYTES_MAX, FRAME_BYTES_MAX
from quorate.kit.faults import from_rpc_error
from tests.unit.quorate.gossip.conftest import (
    SEAT_KEYS,
    Cluster,
    Node,
    Stranger,
    build_test_genesis,
)

Strangers = Callable[[Genesis], Stranger]


async def start_one(nodes: list[Node], **settings: object) -> Node:
    """Start one validator of four alone."""
    node = Node(build_test_genesis(), 0, **settings)
    nodes.append(node)
    await node.start()
    return node


async def test_a_stranger_may_attach_and_is_dialled_back(
    nodes: list[Node], strangers: Strangers
) -> None:
    node = await start_one(nodes)
    stranger = strangers(node.genesis)
    assert (await stranger.attach(node)).accepted
    peer = node.running.router.table.peers[stranger.identity.node_id]
    assert peer.address == "127.0.0.1:9"
    assert peer.stream is not None


async def test_an_unknown_key_is_refused_where_strangers_are_not_accepted(
    nodes: list[Node], strangers: Strangers
) -> None:
    node = await start_one(nodes, accept_strangers=False)
    stranger = strangers(node.genesis)
    with pytest.raises(aio.AioRpcError) as raised:
        await stranger.attach(node)
    assert from_rpc_error(raised.value).reason == "STRANGER"


async def test_another_genesis_is_refused_at_both_doors(
    nodes: list[Node], strangers: Strangers
) -> None:
    node = await start_one(nodes)
    other = parse_genesis(build_test_genesis(chain_id="another-chain"))
    stranger = strangers(other)
    await stranger.connect(node)
    with pytest.raises(aio.AioRpcError) as raised:
        await stranger.stub.Identify(pb.IdentifyRequest(genesis_hash=other.hash))
    error = from_rpc_error(raised.value)
    assert error.reason == "WRONG_GENESIS"
    assert error.fields()["expected"] == node.genesis.hash.hex()
    with pytest.raises(aio.AioRpcError) as raised:
        await stranger.attach(node)
    assert from_rpc_error(raised.value).reason == "WRONG_GENESIS"


async def test_a_hello_signed_for_another_server_or_nonce_is_refused(
    nodes: list[Node], strangers: Strangers
) -> None:
    node = await start_one(nodes)
    with pytest.raises(aio.AioRpcError) as raised:
        await strangers(node.genesis).attach(node, signs=bytes(64))
    assert from_rpc_error(raised.value).reason == "BAD_HELLO"
    assert not node.running.router.table.peers


async def test_garbage_ends_the_stream_then_bans_with_an_end(
    nodes: list[Node], strangers: Strangers
) -> None:
    node = await start_one(nodes)
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    await stranger.call.write(b"\xff\xff\xff\xff")
    error = await stranger.read_end()
    assert (error.reason, error.fields()["fault"]) == ("FAULT", "MALFORMED_FRAME")
    assert (await stranger.attach(node)).accepted
    await stranger.send(held=b"short")
    assert (await stranger.read_end()).reason == "BANNED"
    with pytest.raises(aio.AioRpcError) as raised:
        await stranger.attach(node)
    error = from_rpc_error(raised.value)
    assert error.reason == "BANNED"
    assert 0 < int(error.fields()["ban_ms"]) <= 60_000


@pytest.mark.parametrize("size", [FRAME_BYTES_MAX + 1, ANSWER_BYTES_MAX + 1])
async def test_an_oversized_frame_is_a_fault(
    nodes: list[Node], strangers: Strangers, size: int
) -> None:
    node = await start_one(nodes)
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    await stranger.send(batches=[bytes(size)])
    assert (await stranger.read_end()).fields()["fault"] == "OVERSIZED_FRAME"


async def test_answers_that_nobody_asked_for_are_faults(
    nodes: list[Node], strangers: Strangers
) -> None:
    node = await start_one(nodes)
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    await stranger.send(answers=[pb.Answer(number=n) for n in range(5)])
    assert (await stranger.read_end()).fields()["fault"] == "UNSOLICITED_ANSWER"


async def test_a_stream_counts_as_a_seats_only_with_that_seats_signature(
    nodes: list[Node], strangers: Strangers
) -> None:
    node = await start_one(nodes)
    engine = await node.attach()
    good, bad = strangers(node.genesis), strangers(node.genesis)
    for stranger in (good, bad):
        await stranger.attach(node)
        message = U64.pack(0) + good.identity.node_id
        domain = node.genesis.domain
        key = SEAT_KEYS[2]
        signature = key.sign(crypto.TAG_SEAT_NODE, domain, message)
        proof = pb.SeatProof(epoch=0, public_key=key.public_key, signature=signature)
        await stranger.send(seat_proof=proof, consensus=[b"vote"])
    assert (await bad.read_end()).fields()["fault"] == "BAD_SEAT_PROOF"
    await engine.wait(lambda: len(engine.incoming) >= 1)
    keys = {m.node_id: m.seat_key for m in engine.incoming}
    assert keys[good.identity.node_id] == SEAT_KEYS[2].public_key
    assert not keys.get(bad.identity.node_id)


async def test_one_stream_per_node_the_newest_wins(nodes: list[Node], strangers: Strangers) -> None:
    node = await start_one(nodes)
    engine = await node.attach()
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    first = stranger.call
    channel = stranger._channel
    await stranger.attach(node)
    second, stranger.call = stranger.call, first
    assert (await stranger.read_end()).reason == "REPLACED"
    stranger.call = second
    await stranger.send(consensus=[b"still here"])
    await engine.wait(lambda: len(engine.incoming) == 1)
    assert channel is not None
    await channel.close()


async def test_peers_are_bounded(nodes: list[Node], strangers: Strangers) -> None:
    node = await start_one(nodes, peers_max=1)
    first, second = strangers(node.genesis), strangers(node.genesis)
    await first.attach(node)
    with pytest.raises(aio.AioRpcError) as raised:
        await second.attach(node)
    assert raised.value.code().name == "RESOURCE_EXHAUSTED"


async def test_one_peers_garbage_does_not_disturb_the_others(
    start_cluster: Cluster, strangers: Strangers
) -> None:
    group = await start_cluster(2)
    engines = [await node.attach() for node in group]
    await engines[0].wait(lambda: any(up for up, _ in engines[0].peers.values()))
    stranger = strangers(group[1].genesis)
    await stranger.attach(group[1])
    await stranger.call.write(b"\xff" * 1_000)
    await engines[0].send(Outgoing(broadcast=True, message=b"vote"))
    await engines[1].wait(lambda: any(m.message == b"vote" for m in engines[1].incoming))


async def test_records_spread_so_that_two_who_know_a_third_find_each_other(
    nodes: list[Node],
) -> None:
    text = build_test_genesis()
    middle, left, right = (Node(text, seat) for seat in range(3))
    nodes += [middle, left, right]
    await middle.start()
    await left.start(middle.peer)
    await right.start(middle.peer)
    engine = await left.attach()
    await engine.wait(lambda: engine.peers.get(right.node_id, (False, None)) == (True, 2))
    assert await asyncio.wait_for(ping(left, right), 60)


async def ping(left: Node, right: Node) -> bool:
    """Send a message from one to the other."""
    engines = [await left.attach(), await right.attach()]
    await engines[0].wait(lambda: right.node_id in engines[0].peers)
    await engines[0].send(Outgoing(node_id=right.node_id, message=b"ping"))
    await engines[1].wait(lambda: bool(engines[1].incoming))
    return engines[1].incoming[0].message == b"ping"
