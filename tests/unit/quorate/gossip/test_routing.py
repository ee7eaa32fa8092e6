"""What a switch to another epoch means to the parts of a node."""

import asyncio
from collections.abc import Callable

from quorate.api.gossip.v1 import gossip_pb2 as gossip
from quorate.api.peers.v1 import peers_pb2 as pb
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.core import crypto
from quorate.core.codec import U64
from quorate.core.genesis import Genesis
from tests.unit.quorate.gossip.conftest import (
    DEADLINE_S,
    SEAT_KEYS,
    Engine,
    Node,
    Stranger,
    build_batch,
    build_set,
    build_test_genesis,
    find_number,
    sign_transfer,
)

Strangers = Callable[[Genesis], Stranger]


async def start_one(nodes: list[Node], seat: int = 0) -> tuple[Node, Engine]:
    """Start a validator of four and its engine."""
    node = Node(build_test_genesis(), seat)
    nodes.append(node)
    await node.start()
    await node.wait_ready()
    return node, await node.attach()


def build_proof(stranger: Stranger, number: int, epoch: int = 0) -> pb.SeatProof:
    """Return the proof that a node speaks for a seat key."""
    key, message = SEAT_KEYS[number], U64.pack(epoch) + stranger.identity.node_id
    signature = key.sign(crypto.TAG_SEAT_NODE, stranger.genesis.domain, message)
    return pb.SeatProof(epoch=epoch, public_key=key.public_key, signature=signature)


async def test_a_key_without_a_seat_is_proved_and_counts_once_it_gets_one(
    nodes: list[Node], strangers: Strangers
) -> None:
    node, engine = await start_one(nodes)
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    await engine.start_epoch(build_set(0, 0, 1, 2, 3), build_set(1, 0, 1, 6), epoch=0)
    batch = build_batch(node.genesis, [sign_transfer(node.genesis, 0)], 2)
    await stranger.send(seat_proof=build_proof(stranger, 6), batches=[batch.encode()])
    await stranger.send(held=batch.name, consensus=[b"one"])
    await engine.wait(lambda: bool(engine.held) and bool(engine.incoming))
    assert engine.incoming[0].seat_key == SEAT_KEYS[6].public_key
    held = node.running.router.spread.held
    assert held.count(held.batches[batch.name]) == 1
    engine.reports.clear()
    await engine.start_epoch(build_set(1, 0, 1, 6), epoch=1)
    # A new seat's engine-side count begins anew: what it holds is told again.
    await engine.wait(lambda: engine.reports.get(batch.name) == {0, 6})
    assert held.count(held.batches[batch.name]) == 2


async def test_a_proof_of_an_older_epoch_stays_good(
    nodes: list[Node], strangers: Strangers
) -> None:
    node, engine = await start_one(nodes)
    await engine.start_epoch(build_set(9, 0, 1, 2), epoch=9)
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    await stranger.send(seat_proof=build_proof(stranger, 2, epoch=3), consensus=[b"vote"])
    await engine.wait(lambda: bool(engine.incoming))
    assert find_number(engine.incoming[0].seat_key) == 2


async def test_messages_are_addressed_by_seat_key(nodes: list[Node]) -> None:
    group = [await start_one(nodes), await start_one(nodes, 1)]
    (first, engine), (second, other) = group
    first.running.router.table.configure(second.node_id, second.config.peer_listen)
    first.running.router.table.on_new(first.running.router.table.peers[second.node_id])
    await engine.wait(lambda: engine.peers.get(second.node_id) == (True, 1))
    target = SEAT_KEYS[1].public_key
    await engine.send(gossip.Outgoing(seat_key=SEAT_KEYS[3].public_key, message=b"nobody"))
    await engine.send(gossip.Outgoing(seat_key=b"", message=b"nobody"))
    await engine.send(gossip.Outgoing(seat_key=target, message=b"you"))
    await other.wait(lambda: bool(other.incoming))
    assert [each.message for each in other.incoming] == [b"you"]


async def test_transactions_of_a_validator_that_lost_its_seat_are_handed_back(
    nodes: list[Node],
) -> None:
    node, engine = await start_one(nodes)
    node.siblings.refuses_to_sign = True
    stages = await node.watch_stages()
    raws = [sign_transfer(node.genesis, n) for n in (0, 1, 3)]
    await node.submit(*raws)
    await engine.start_epoch(build_set(1, 1, 2, 3), epoch=1)
    dropped = b""
    async with asyncio.timeout(DEADLINE_S):
        while len(dropped) < 3 * 32:
            for frame in (await stages.read()).frames:
                assert (frame.stage, frame.reason) == (tx.STAGE_DROPPED, "NO_SEAT")
                dropped += frame.ids
    assert not node.running.router.mempool.entries
    assert not node.running.router.mempool.bytes


async def test_a_batch_of_an_author_without_seat_that_nobody_named_is_dropped(
    nodes: list[Node],
) -> None:
    node, engine = await start_one(nodes)
    await node.submit(sign_transfer(node.genesis, 0))
    await engine.wait(lambda: bool(engine.held))
    await engine.start_epoch(build_set(1, 1, 2, 3), epoch=1)
    mempool, siblings = node.running.router.mempool, node.siblings
    siblings.epoch = 1
    siblings.execute([])
    async with asyncio.timeout(DEADLINE_S):
        while mempool.height < 1:
            await engine.send()
    # It may still be named in the epoch after its own.
    assert len(mempool.entries) == 1
    stages = await node.watch_stages()
    batched = (await stages.read()).frames[0]
    assert (batched.holders, batched.holders_min) == (0, 1)
    siblings.epoch = 2
    siblings.execute([])
    async with asyncio.timeout(DEADLINE_S):
        frame = (await stages.read()).frames[0]
    assert (frame.stage, frame.reason) == (tx.STAGE_DROPPED, "NO_SEAT")
    assert frame.ids == batched.ids
    assert not mempool.entries
