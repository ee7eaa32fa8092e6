"""A gossip node tells what waits in its queue, where one thing stands, and what would help it."""

import asyncio

import pytest
from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2 as pb
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.core.codec import split_hashes
from quorate.core.fees import compute_price
from quorate.core.params import Params
from quorate.kit.convert import decode_transaction
from quorate.kit.faults import from_rpc_error
from tests.unit.quorate.gossip.conftest import (
    Node,
    address_of,
    build_set,
    build_test_genesis,
    sign_transfer,
)
from tests.unit.quorate.gossip.siblings import USERS
from tests.unit.quorate.gossip.test_ingress import Stages, start_one, wait_height


def identify(node: Node, raw: bytes) -> bytes:
    return decode_transaction(raw, node.genesis.domain).id


async def locate(node: Node, raw: bytes) -> tx.Position | None:
    answer = await node.ingress().Locate(pb.LocateRequest(id=identify(node, raw)))
    return answer.position if answer.HasField("position") else None


async def report(node: Node) -> tx.QueueReport:
    return (await node.ingress().ReportQueue(pb.ReportQueueRequest())).report


async def start_waiting(nodes: list[Node]) -> Node:
    """Start a validator that has no room for unfinalized batches, so that everything waits."""
    return await start_one(nodes, author_unfinalized_bytes_max=0)


def let_seal(node: Node) -> None:
    """Give it room."""
    node.running.router.batcher._params = Params()
    node.running.router.batcher.wake()


async def test_what_is_not_here_is_not_located_and_odd_ids_are_refused(nodes: list[Node]) -> None:
    node = await start_one(nodes)
    assert await locate(node, sign_transfer(node.genesis, 0)) is None
    with pytest.raises(aio.AioRpcError) as raised:
        await node.ingress().Locate(pb.LocateRequest(id=b"short"))
    assert from_rpc_error(raised.value).reason == "MALFORMED_ID"


async def test_a_gap_is_named_and_filling_it_frees_what_stands_behind(nodes: list[Node]) -> None:
    node = await start_one(nodes)
    raws = [sign_transfer(node.genesis, n, lane=3) for n in range(3)]
    await node.submit(raws[0], raws[2])
    position = await locate(node, raws[2])
    assert (position.lane, position.sequence, position.stage) == (3, 2, tx.STAGE_RECEIVED)
    (blocker,) = position.blockers
    assert (blocker.reason, blocker.remedy) == ("SEQUENCE_GAP", tx.REMEDY_SEND_SEQUENCE)
    assert blocker.sequence == 1
    stages = Stages(await node.watch_stages())
    await node.submit(raws[blocker.sequence])
    seen = b""
    while identify(node, raws[2]) not in [seen[i : i + 32] for i in range(0, len(seen), 32)]:
        seen += (await stages.wait(tx.STAGE_BATCHED, 1)).ids
    position = await locate(node, raws[2])
    assert position.stage == tx.STAGE_BATCHED
    assert not position.blockers


async def test_a_passed_fee_limit_is_named_and_a_replacement_as_advised_gets_through(
    nodes: list[Node],
) -> None:
    node = await start_waiting(nodes)
    weight = decode_transaction(sign_transfer(node.genesis, 0), node.genesis.domain).weight
    raw = sign_transfer(node.genesis, 0, fee_limit=2 * weight + 10)
    assert not (await node.submit(raw)).rejections
    node.siblings.base_fee = 5
    node.siblings.execute([])
    await wait_height(node, 1)
    position = await locate(node, raw)
    assert position.base_fee == 5
    (blocker,) = position.blockers
    assert (blocker.reason, blocker.remedy) == ("FEE_TOO_LOW", tx.REMEDY_RAISE_FEE_LIMIT)
    assert blocker.amount >= 5 * weight
    stages = Stages(await node.watch_stages())
    better = sign_transfer(node.genesis, 0, fee_limit=blocker.amount)
    assert not (await node.submit(better)).rejections
    dropped = await stages.wait(tx.STAGE_DROPPED)
    assert (dropped.ids, dropped.reason) == (identify(node, raw), "REPLACED")
    let_seal(node)
    assert (await stages.wait(tx.STAGE_BATCHED, 1)).ids == identify(node, better)


async def test_a_balance_that_went_is_read_anew_and_named(nodes: list[Node]) -> None:
    node = await start_waiting(nodes)
    raw = sign_transfer(node.genesis, 0, amount=7)
    assert not (await node.submit(raw)).rejections
    sender = address_of(USERS[0])
    node.siblings.accounts[sender].balance = 8_000
    node.siblings.execute([])
    await wait_height(node, 1)
    (blocker,) = (await locate(node, raw)).blockers
    assert (blocker.reason, blocker.remedy) == ("INSUFFICIENT_BALANCE", tx.REMEDY_FUND)
    assert (blocker.address, blocker.amount) == (sender, 10_007 - 8_000)
    node.siblings.accounts[sender].balance += blocker.amount
    node.siblings.execute([])
    await wait_height(node, 2)
    assert not (await locate(node, raw)).blockers


async def test_who_pays_less_waits_its_turn_and_the_queue_shows_what_is_ahead(
    nodes: list[Node],
) -> None:
    node = await start_waiting(nodes)
    tips = [500, 0, 900]
    raws = [sign_transfer(node.genesis, 0, user=n, tip=tip) for n, tip in enumerate(tips)]
    assert not (await node.submit(*raws)).rejections
    weights = [decode_transaction(raw, node.genesis.domain).weight for raw in raws]
    async with asyncio.timeout(60):
        while (found := await report(node)).ready_weight != sum(weights):
            pass
    assert list(found.weights) == [weights[1], weights[0], weights[2]]
    assert found.prices[0] == 0
    assert found.prices[2] <= compute_price(900, weights[2])
    assert (found.base_fee, found.unfinalized_weight) == (1, 0)
    position = await locate(node, raws[1])
    assert position.ahead_weight == weights[0] + weights[2]
    (blocker,) = position.blockers
    assert (blocker.reason, blocker.remedy) == ("WAITING_FOR_TURN", tx.REMEDY_RAISE_TIP)
    better = sign_transfer(node.genesis, 0, user=1, tip=blocker.amount)
    assert not (await node.submit(better)).rejections
    async with asyncio.timeout(60):
        while (position := await locate(node, better)).ahead_weight:
            pass
    assert not position.blockers


async def test_a_validator_that_lost_its_seat_says_so(nodes: list[Node]) -> None:
    node = await start_one(nodes)
    engine = await node.attach()
    await engine.start_epoch(build_set(0, 0), build_set(1, 1), epoch=0)
    raw = sign_transfer(node.genesis, 0)
    stages = Stages(await node.watch_stages())
    assert not (await node.submit(raw)).rejections
    frame = await stages.wait(tx.STAGE_BATCHED, 1)
    assert frame.ids == identify(node, raw)
    await engine.start_epoch(build_set(0, 0), build_set(1, 1), epoch=1)
    async with asyncio.timeout(60):
        while not (position := await locate(node, raw)).blockers:
            pass
    assert "AUTHOR_HAS_NO_SEAT" in [each.reason for each in position.blockers]


async def test_figures_of_blocks_follow_what_is_executed(nodes: list[Node]) -> None:
    node = await start_one(nodes)
    stages = Stages(await node.watch_stages())
    before = await report(node)
    assert (before.paid_blocks, list(before.paid_prices)) == (0, [])
    raw = sign_transfer(node.genesis, 0, tip=700)
    await node.submit(raw)
    frame = await stages.wait(tx.STAGE_BATCHED, 1)
    weight = decode_transaction(raw, node.genesis.domain).weight
    assert (await report(node)).unfinalized_weight == weight
    for names in ([], [], [frame.batch]):
        node.siblings.execute(names)
    await wait_height(node, 3)
    async with asyncio.timeout(60):
        while not (found := await report(node)).paid_prices:
            pass
    price = compute_price(700, weight)
    assert all(price - price // 4 <= each <= price for each in found.paid_prices)
    assert found.unfinalized_weight == 0
    # Three blocks passed it by while it was under way, and some more may while it comes.
    assert found.lag_blocks >= 3


async def test_beside_a_full_queue_of_others_what_pays_more_is_taken_in(nodes: list[Node]) -> None:
    node = Node(build_test_genesis(1, author_unfinalized_bytes_max=0), 0, mempool_bytes_max=4_000)
    nodes.append(node)
    await node.start()
    await node.wait_ready()
    pool, low = node.running.router.mempool, []
    stages = Stages(await node.watch_stages())
    for user in range(len(USERS)):
        for lane in range(16):
            answer = await node.submit(sign_transfer(node.genesis, 0, user=user, lane=lane))
            reasons = [each.reason for each in answer.rejections]
            if "SENDER_FLOODS" in reasons:
                break
            low += split_hashes(answer.ids, "ids") if not reasons else []
    while pool.bytes + 190 <= pool.bytes_max:
        # One sender may have an eighth of the room: what is left is little.
        pool.bytes_max = pool.bytes
    refused = await node.submit(sign_transfer(node.genesis, 0, user=0, lane=15))
    assert {each.reason for each in refused.rejections} <= {"MEMPOOL_FULL", "SENDER_FLOODS"}
    raw = sign_transfer(node.genesis, 0, user=3, lane=9, tip=10_000)
    pool.lanes.accounts[address_of(USERS[3])].bytes = 0
    assert not (await node.submit(raw)).rejections
    frame = await stages.wait(tx.STAGE_DROPPED)
    assert (frame.reason, frame.ids in low) == ("OUTBID", True)
