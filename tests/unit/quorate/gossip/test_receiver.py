"""Batches of others are checked whole, once, before they count as held."""

import asyncio
from collections.abc import Callable

import pytest

from quorate.api.gossip.v1 import gossip_pb2 as pb_gossip
from quorate.api.peers.v1 import peers_pb2 as pb
from quorate.core.batches import Batch
from quorate.core.genesis import Genesis
from tests.unit.quorate.gossip.conftest import (
    DEADLINE_S,
    SEAT_KEYS,
    Cluster,
    Engine,
    Node,
    Stranger,
    build_batch,
    build_set,
    build_test_genesis,
    sign_transfer,
)

Strangers = Callable[[Genesis], Stranger]


@pytest.fixture
async def node(nodes: list[Node]) -> Node:
    """One validator of four, alone."""
    made = Node(build_test_genesis(), 0)
    nodes.append(made)
    await made.start()
    return made


@pytest.fixture
async def engine(node: Node) -> Engine:
    """Its engine."""
    return await node.attach()


async def test_a_good_batch_is_stored_and_reported(
    node: Node, engine: Engine, strangers: Strangers
) -> None:
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    batch = build_batch(node.genesis, [sign_transfer(node.genesis, n) for n in range(3)], 2)
    await stranger.send(batches=[batch.encode()])
    await engine.wait(lambda: bool(engine.held))
    assert node.siblings.batches == {batch.name: batch.encode()}
    # Its slots count: what comes next in the lane is no gap, another one in its place is refused.
    next_one = sign_transfer(node.genesis, 3)
    other = sign_transfer(node.genesis, 1, memo=b"other")
    answer = await node.submit(next_one, other, sign_transfer(node.genesis, 2))
    assert [(r.index, r.reason) for r in answer.rejections] == [(1, "SEQUENCE_TAKEN")]
    await engine.wait(lambda: len(engine.held) == 2)


async def test_the_same_batch_is_worked_on_once(
    node: Node, engine: Engine, strangers: Strangers
) -> None:
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    batch = build_batch(node.genesis, [sign_transfer(node.genesis, 0)], 2).encode()
    await stranger.send(batches=[batch, batch])
    await stranger.send(batches=[batch])
    await engine.wait(lambda: bool(engine.held))
    await stranger.send(batches=[batch], consensus=[b"after"])
    await engine.wait(lambda: bool(engine.incoming))
    assert len(engine.held) == 1
    assert node.siblings.puts == 1


@pytest.mark.parametrize(
    ("fields", "bad_one"),
    [
        ({}, "signature"),
        ({"weight": 7}, ""),
        ({"count": 2_049}, ""),
        ({"count": 4}, ""),
        ({"weight": 1}, "form"),
    ],
)
async def test_a_wrong_batch_is_invalid_whole_and_proof_against_its_author(
    node: Node, engine: Engine, strangers: Strangers, fields: dict[str, int], bad_one: str
) -> None:
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    raws = [sign_transfer(node.genesis, n) for n in range(3)]
    if bad_one == "signature":
        raws[1] = raws[1][:-1] + bytes((raws[1][-1] ^ 1,))
    if bad_one == "form":
        raws[1] = b"no transaction"
    batch = build_batch(node.genesis, raws, 2, **fields).encode()
    await stranger.send(batches=[batch])
    assert (await stranger.read_end()).reason == "BANNED"
    receiver = node.running.router.receiver
    ((signed_header, why),) = receiver.proofs
    assert batch.startswith(signed_header)
    assert why
    assert not engine.held
    assert not node.siblings.batches


async def test_a_header_that_its_author_did_not_sign_is_the_senders_fault(
    node: Node, strangers: Strangers
) -> None:
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    batch = build_batch(node.genesis, [sign_transfer(node.genesis, 0)], 2).encode()
    broken = bytearray(batch)
    broken[20] ^= 1
    await stranger.send(batches=[bytes(broken)])
    assert (await stranger.read_end()).fields()["fault"] == "MALFORMED_FRAME"
    assert not node.running.router.receiver.proofs


@pytest.mark.parametrize("expiry", [0, 600])
async def test_what_is_expired_or_too_far_ahead_is_dropped_without_blame(
    node: Node, engine: Engine, strangers: Strangers, expiry: int
) -> None:
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    raws = [sign_transfer(node.genesis, 0)]
    late = build_batch(node.genesis, raws, 2, expiry_height=expiry)
    good = build_batch(node.genesis, raws, 2, number=2)
    await stranger.send(batches=[late.encode()])
    await stranger.send(batches=[good.encode()])
    await engine.wait(lambda: bool(engine.held))
    assert list(node.siblings.batches) == [good.name]
    assert not node.running.router.receiver.proofs


async def test_an_authors_unfinalized_bytes_are_bounded(
    nodes: list[Node], strangers: Strangers
) -> None:
    node = Node(build_test_genesis(author_unfinalized_bytes_max=9_000), 0)
    nodes.append(node)
    await node.start()
    engine = await node.attach()
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    batches = [
        build_batch(node.genesis, [sign_transfer(node.genesis, n)], 2, number=n) for n in range(5)
    ]
    for batch in batches:
        before = len(engine.incoming)
        await stranger.send(batches=[batch.encode()])
        await stranger.send(consensus=[b"mark"])
        await engine.wait(lambda b=before: len(engine.incoming) > b)
    other = build_batch(node.genesis, [sign_transfer(node.genesis, 0, user=3)], 3)
    await stranger.send(batches=[other.encode()])
    await engine.wait(lambda: len(engine.held) == 3)
    held = node.running.router.spread.held
    assert [held.get_author_charge(SEAT_KEYS[n].public_key) for n in (2, 3)] == [2 * 4_096, 4_096]
    assert len(node.siblings.batches) == 3


async def test_holders_are_counted_for_seats_only(
    node: Node, engine: Engine, strangers: Strangers
) -> None:
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    batch = build_batch(node.genesis, [sign_transfer(node.genesis, 0)], 2)
    await stranger.send(held=batch.name, batches=[batch.encode()], consensus=[b"x"])
    await engine.wait(lambda: bool(engine.held))
    assert not engine.reports
    await stranger.send(requests=[pb.Request(number=1, batches=batch.name)])


async def run_epoch(node: Node, engine: Engine, *numbers: int, epoch: int) -> None:
    """Have an epoch run in which these keys hold the seats; those of epoch − 1 are 0 to 3."""
    await engine.start_epoch(
        build_set(epoch - 1, 0, 1, 2, 3), build_set(epoch, *numbers), epoch=epoch
    )


def build_epoch_batch(node: Node, epoch: int, seat: int, key: int, user: int = 0) -> Batch:
    """Return a batch of an epoch, signed by a key."""
    raws = [sign_transfer(node.genesis, 0, user=user)]
    return build_batch(node.genesis, raws, seat, key, epoch=epoch)


async def test_batches_of_the_running_epoch_and_its_neighbours_are_held(
    node: Node, engine: Engine, strangers: Strangers
) -> None:
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    await run_epoch(node, engine, 3, 4, 5, 6, epoch=5)
    await engine.start_epoch(build_set(5, 3, 4, 5, 6), build_set(6, 7, 0), epoch=5)
    # A seat number means another key in each epoch; key 2 has no seat any more in epoch 5.
    batches = [
        build_epoch_batch(node, epoch, seat, key, user=epoch)
        for epoch, seat, key in ((4, 2, 2), (5, 2, 5), (6, 0, 7))
    ]
    await stranger.send(batches=[batch.encode() for batch in batches])
    await engine.wait(lambda: len(engine.held) == 3)
    held = node.running.router.spread.held
    authors = {held.batches[batch.name].author for batch in batches}
    assert authors == {SEAT_KEYS[number].public_key for number in (2, 5, 7)}


async def test_batches_of_epochs_that_are_over_or_not_known_yet_are_dropped_without_blame(
    node: Node, engine: Engine, strangers: Strangers
) -> None:
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    await run_epoch(node, engine, 3, 4, 5, 6, epoch=5)
    early = build_epoch_batch(node, 6, 0, 3)
    over = [build_epoch_batch(node, epoch, 2, 2, user=epoch) for epoch in (0, 3)]
    good = build_epoch_batch(node, 5, 2, 5, user=5)
    await stranger.send(batches=[batch.encode() for batch in (early, *over, good)])
    await engine.wait(lambda: len(engine.held) == 1)
    assert list(node.siblings.batches) == [good.name]
    # Nothing is held against the early one: it counts once its set is known.
    await engine.start_epoch(build_set(6, 3, 4, 5, 6), epoch=6)
    await stranger.send(batches=[early.encode(), over[1].encode()])
    await engine.wait(lambda: len(engine.held) == 2)
    assert set(node.siblings.batches) == {good.name, early.name}
    await stranger.send(consensus=[b"still here"])
    await engine.wait(lambda: bool(engine.incoming))


@pytest.mark.parametrize(
    "where",
    [(5, 2, 2), (4, 2, 5), (5, 4, 6), (4, 4, 3)],
    ids=["the seat's key before", "the seat's key after", "no such seat", "no such seat before"],
)
async def test_a_batch_under_another_epochs_set_is_its_senders_fault(
    node: Node, engine: Engine, strangers: Strangers, where: tuple[int, int, int]
) -> None:
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    await run_epoch(node, engine, 3, 4, 5, 6, epoch=5)
    await stranger.send(batches=[build_epoch_batch(node, *where).encode()])
    assert (await stranger.read_end()).fields()["fault"] == "MALFORMED_FRAME"
    assert not node.siblings.batches


async def test_what_comes_before_any_set_is_known_is_held_back(
    nodes: list[Node], strangers: Strangers
) -> None:
    node = Node(build_test_genesis(), 0)
    nodes.append(node)
    await node.start(siblings=False)
    stranger = strangers(node.genesis)
    await stranger.attach(node)
    batch = build_epoch_batch(node, 0, 2, 2)
    engine = await node.attach()
    async with asyncio.timeout(DEADLINE_S):
        while not node.running.router.hub.is_attached:
            await engine.send()
    await stranger.send(batches=[batch.encode()])
    await stranger.send(consensus=[b"after"])
    await engine.wait(lambda: bool(engine.incoming))
    assert node.running.router.receiver.working
    await node.siblings.start(node.config)
    await engine.wait(lambda: bool(engine.held))
    assert list(node.siblings.batches) == [batch.name]


async def test_under_a_certificate_old_batches_are_stored_and_not_spread(
    start_cluster: Cluster,
) -> None:
    group = await start_cluster(2)
    engines = [await node.attach() for node in group]
    await engines[0].wait(lambda: len(engines[0].peers) == 1)
    node = group[0]
    await run_epoch(node, engines[0], 0, 1, epoch=7)
    old = build_epoch_batch(node, 2, 1, 6)
    forged = build_epoch_batch(node, 7, 1, 5, user=1)
    for batch in (old, forged):
        group[1].siblings.batches[batch.name] = batch.encode()
    names = old.name + forged.name
    request = pb_gossip.FetchBatchesRequest(names=names, certified=True)
    answer = await engines[0].stub.FetchBatches(request)
    # The set of epoch 7 is known, so its author's signature is looked at.
    assert answer.missing == forged.name
    assert list(node.siblings.batches) == [old.name]
    assert old.name not in node.running.router.spread.held
    assert not engines[0].held
