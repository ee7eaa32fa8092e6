"""Gossip nodes find each other, carry engines' messages, and make batches durable everywhere."""

import asyncio

from quorate.api.gossip.v1.gossip_pb2 import Outgoing
from quorate.core.batches import HEADER_BYTES, compute_batch_name
from tests.unit.quorate.gossip.conftest import SEAT_KEYS, Cluster, find_number, sign_transfer


async def test_four_nodes_connect_carry_messages_and_hold_each_others_batches(
    start_cluster: Cluster,
) -> None:
    group = await start_cluster()
    engines = [await node.attach() for node in group]
    for seat, engine in enumerate(engines):
        others = {n.node_id: (True, s) for s, n in enumerate(group) if s != seat}
        await engine.wait(lambda e=engine, o=others: e.peers == o)
    await engines[0].send(Outgoing(broadcast=True, message=b"hello"))
    await engines[0].send(
        Outgoing(seat_key=SEAT_KEYS[2].public_key, message=b"two"),
        Outgoing(node_id=group[3].node_id, message=b"3"),
    )
    for engine in engines[1:]:
        await engine.wait(lambda e=engine: any(m.message == b"hello" for m in e.incoming))
        assert find_number(engine.incoming[0].seat_key) == 0
    await engines[2].wait(lambda: any(m.message == b"two" for m in engines[2].incoming))
    await engines[3].wait(lambda: any(m.message == b"3" for m in engines[3].incoming))

    raws = [sign_transfer(group[0].genesis, i) for i in range(5)]
    answer = await group[1].submit(*raws)
    assert not answer.rejections
    assert len(answer.ids) == 5 * 32
    for node, engine in zip(group, engines, strict=True):
        await engine.wait(lambda e=engine: bool(e.held))
        name = compute_batch_name(engine.held[0][:HEADER_BYTES])
        assert name in node.siblings.batches
        await engine.wait(
            lambda e=engine, n=name, s=node.siblings.seat: (
                e.reports.get(n, set()) | {s} == {0, 1, 2, 3}
            )
        )
    await asyncio.gather(*(node.stop_gossip() for node in group))
