"""Batches of others are checked whole, once, before they count as held."""

from collections.abc import Callable

import pytest

from quorate.api.peers.v1 import peers_pb2 as pb
from quorate.core.genesis import Genesis
from tests.unit.quorate.gossip.conftest import (
    Engine,
    Node,
    Stranger,
    build_batch,
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
    assert (held.get_author_charge(2), held.get_author_charge(3)) == (2 * 4_096, 4_096)
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
