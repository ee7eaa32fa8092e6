"""Own transactions are sealed at once when nothing is in flight, else together."""

import asyncio

from quorate.core.batches import Batch, BatchHeader
from tests.unit.quorate.gossip.conftest import (
    Cluster,
    Node,
    build_set,
    build_test_genesis,
    sign_transfer,
)


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
    assert node.running.router.spread.get_own_charge() <= 24_000
    names = list(node.siblings.batches)
    node.siblings.execute(names)
    await node.siblings.wait(lambda: len(node.siblings.batches) > len(names))
    assert node.running.router.spread.get_own_charge() <= 24_000


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


async def test_a_batch_names_the_running_epoch_and_the_seat_held_in_it(nodes: list[Node]) -> None:
    node = Node(build_test_genesis(), 2)
    nodes.append(node)
    await node.start()
    engine = await node.attach()
    siblings, headers = node.siblings, list[BatchHeader]()
    for epoch, numbers in ((0, (0, 1, 2, 3)), (1, (2, 4)), (2, (5, 6, 7, 0, 1, 3, 2))):
        await engine.start_epoch(build_set(epoch, *numbers), epoch=epoch)
        await node.submit(sign_transfer(node.genesis, 0, user=epoch))
        await siblings.wait(lambda n=epoch + 1: len(siblings.batches) == n)
        headers = [Batch.decode(each).header for each in siblings.batches.values()]
    assert [(header.epoch, header.author) for header in headers] == [(0, 2), (1, 0), (2, 6)]


async def test_only_who_holds_a_seat_in_the_running_epoch_seals(nodes: list[Node]) -> None:
    node = Node(build_test_genesis(), 0)
    nodes.append(node)
    node.siblings.refuses_to_sign = True
    await node.start()
    engine = await node.attach()
    await node.submit(sign_transfer(node.genesis, 0))
    await engine.start_epoch(build_set(1, 1, 2, 3), epoch=1)
    async with asyncio.timeout(60):
        while node.running.router.mempool.entries:
            await engine.send()
    node.siblings.refuses_to_sign = False
    asked = len(node.siblings.asked)
    await engine.start_epoch(build_set(2, 3, 0), epoch=2)
    await node.submit(sign_transfer(node.genesis, 0, user=1))
    await node.siblings.wait(lambda: bool(node.siblings.batches))
    header = node.siblings.asked[asked]
    assert (header.epoch, header.author) == (2, 1)
    assert all(each.epoch != 1 for each in node.siblings.asked)


async def test_a_batch_that_two_epochs_did_not_name_is_sealed_again(nodes: list[Node]) -> None:
    node = Node(build_test_genesis(), 0)
    nodes.append(node)
    await node.start()
    siblings, engine = node.siblings, await node.attach()
    await node.submit(raw := sign_transfer(node.genesis, 0))
    await siblings.wait(lambda: len(siblings.batches) == 1)
    (name,) = siblings.batches
    await engine.wait(lambda: bool(engine.held))
    router = node.running.router
    held = router.spread.held
    for epoch in (1, 2):
        await engine.start_epoch(build_set(epoch, 0, 1, 2, 3), epoch=epoch)
        siblings.epoch = epoch
        assert name in held
        siblings.execute([])
        async with asyncio.timeout(60):
            while router.mempool.height < siblings.height:
                await engine.send()
    await siblings.wait(lambda: len(siblings.batches) == 2)
    again = Batch.decode(list(siblings.batches.values())[1])
    assert again.transactions() == [raw]
    assert again.header.epoch == 2
    assert name not in held
