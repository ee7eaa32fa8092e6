"""Own transactions are sealed at once when nothing is in flight, else together."""

import asyncio

from quorate.core.batches import Batch
from tests.unit.quorate.gossip.conftest import Cluster, Node, build_test_genesis, sign_transfer


async def test_a_batch_is_what_its_header_says_and_signed_by_the_seat(nodes: list[Node]) -> None:
    node = Node(build_test_genesis(1), 0)
    nodes.append(node)
    await node.start()
    raws = [sign_transfer(node.genesis, n) for n in range(3)]
    await node.submit(*raws)
    await node.siblings.wait(lambda: bool(node.siblings.batches))
    (encoded,) = node.siblings.batches.values()
    batch = Batch.decode(encoded)
    assert batch.transactions() == raws
    assert (batch.header.author, batch.header.epoch) == (0, 0)
    assert batch.header.expiry_height == node.genesis.params.batch_validity_blocks


async def test_while_one_is_in_flight_others_gather_and_then_leave_together(
    start_cluster: Cluster,
) -> None:
    # One of four runs: nothing is ever held by a quorum, so only time seals what gathers.
    node = (await start_cluster(4))[0]
    await node.wait_ready()
    for _ in range(1):
        await node.submit(sign_transfer(node.genesis, 0))
    await node.siblings.wait(lambda: bool(node.siblings.batches))
    await asyncio.gather(*(node.submit(sign_transfer(node.genesis, n)) for n in range(1, 9)))
    siblings = node.siblings

    def count() -> int:
        return sum(len(Batch.decode(b).transactions()) for b in siblings.batches.values())

    await siblings.wait(lambda: count() == 9)


async def test_numbers_rise_over_restarts(nodes: list[Node]) -> None:
    node = Node(build_test_genesis(1), 0)
    nodes.append(node)
    await node.start()
    await node.submit(sign_transfer(node.genesis, 0))
    await node.siblings.wait(lambda: len(node.siblings.batches) == 1)
    await node.stop_gossip()
    await node.start(siblings=False)
    await node.submit(sign_transfer(node.genesis, 0, user=1))
    await node.siblings.wait(lambda: len(node.siblings.batches) == 2)
    numbers = [Batch.decode(b).header.number for b in node.siblings.batches.values()]
    assert numbers[0] < numbers[1]


async def test_what_the_seat_refuses_to_sign_waits_and_is_sealed_later(nodes: list[Node]) -> None:
    node = Node(build_test_genesis(1), 0)
    nodes.append(node)
    node.siblings.refuses_to_sign = True
    await node.start()
    await node.submit(sign_transfer(node.genesis, 0))
    mempool = node.running.router.mempool
    assert len(mempool.entries) == 1
    assert not node.siblings.batches
    node.siblings.refuses_to_sign = False
    await node.siblings.wait(lambda: bool(node.siblings.batches))


async def test_unfinalized_bytes_of_its_own_are_bounded(nodes: list[Node]) -> None:
    node = Node(
        build_test_genesis(4, batch_size_bytes_max=8_000, author_unfinalized_bytes_max=24_000), 0
    )
    nodes.append(node)
    await node.start()
    for user in range(8):
        await node.submit(*(sign_transfer(node.genesis, n, user=user) for n in range(20)))
    await node.siblings.wait(lambda: len(node.siblings.batches) >= 2)
    held = node.running.router.spread.held
    assert held.get_author_charge(0) <= 24_000
    names = list(node.siblings.batches)
    node.siblings.execute(names)
    await node.siblings.wait(lambda: len(node.siblings.batches) > len(names))
    assert held.get_author_charge(0) <= 24_000


async def test_transactions_are_in_one_batch_each_under_load(start_cluster: Cluster) -> None:
    group = await start_cluster(4)
    node = group[0]
    await asyncio.gather(
        *(
            node.submit(*(sign_transfer(node.genesis, n, user=user) for n in range(40)))
            for user in range(6)
        )
    )

    def list_all() -> list[bytes]:
        batches = group[3].siblings.batches.values()
        return [raw for batch in batches for raw in Batch.decode(batch).transactions()]

    await group[3].siblings.wait(lambda: len(list_all()) >= 240)
    assert len(set(list_all())) == len(list_all()) == 240
