"""Gateways get one verdict per chunk, in order, and hear what becomes of their transactions."""

import asyncio
import os
import signal
from typing import Any

import pytest
from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2 as pb
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.core.codec import split_hashes
from quorate.gossip import ingress
from quorate.kit.convert import decode_transaction
from quorate.kit.faults import from_rpc_error
from tests.unit.quorate.gossip.conftest import (
    SEAT_KEYS,
    Cluster,
    Node,
    build_set,
    build_test_genesis,
    sign_transfer,
)


async def start_one(nodes: list[Node], seats: int = 1, **params: int) -> Node:
    """Start a validator that is a quorum by itself, unless there are more seats."""
    node = Node(build_test_genesis(seats, **params), 0)
    nodes.append(node)
    await node.start()
    await node.wait_ready()
    return node


async def wait_height(node: Node, height: int) -> None:
    """Return when the node's gossip has seen this height executed."""
    async with asyncio.timeout(60):
        while True:
            described = await node.ingress().Describe(pb.DescribeRequest())
            if described.height >= height:
                return


class Stages:
    """Follows the stages of one node."""

    def __init__(self, call: Any) -> None:
        self.frames: list[Any] = []
        self.call = call

    async def wait(self, stage: "tx.Stage.ValueType", holders: int = 0) -> Any:
        """Return the first frame of this stage with at least so many holders."""
        async with asyncio.timeout(60):
            while True:
                for frame in self.frames:
                    if frame.stage == stage and frame.holders >= holders:
                        self.frames.remove(frame)
                        return frame
                self.frames += (await self.call.read()).frames


async def test_verdicts_name_index_reason_and_all_ids(nodes: list[Node]) -> None:
    node = await start_one(nodes)
    good = sign_transfer(node.genesis, 0)
    raws = [good, b"\xff", sign_transfer(node.genesis, 0, user=1, amount=10**13), good]
    answer = await node.submit(*raws)
    assert answer.chunk == 5
    assert [(r.index, r.reason) for r in answer.rejections] == [
        (1, "MALFORMED"),
        (2, "INSUFFICIENT_BALANCE"),
    ]
    ids = split_hashes(answer.ids, "ids")
    assert ids[0] == ids[3] == decode_transaction(good, node.genesis.domain).id
    assert ids[1] == bytes(32)


async def test_a_duplicate_is_accepted_again_and_batched_once(nodes: list[Node]) -> None:
    node = await start_one(nodes)
    stages = Stages(await node.watch_stages())
    raw = sign_transfer(node.genesis, 0)
    assert not (await node.submit(raw, raw)).rejections
    frame = await stages.wait(tx.STAGE_BATCHED, 1)
    assert not (await node.submit(raw)).rejections
    # Told again, since who sends it again may have missed it.
    assert (await stages.wait(tx.STAGE_BATCHED, 1)).batch == frame.batch
    assert len(node.siblings.batches) == 1
    node.siblings.execute([frame.batch])
    await wait_height(node, 1)
    answer = await node.submit(raw)
    assert [r.reason for r in answer.rejections] == ["ALREADY_EXECUTED"]


async def test_stages_tell_holders_at_one_then_enough_then_quorum(start_cluster: Cluster) -> None:
    group = await start_cluster(4)
    stages = Stages(await group[0].watch_stages())
    raw = sign_transfer(group[0].genesis, 0)
    assert not (await group[0].submit(raw)).rejections
    frame = await stages.wait(tx.STAGE_BATCHED, 3)
    assert frame.ids == decode_transaction(raw, group[0].genesis.domain).id
    siblings = group[1].siblings
    await siblings.wait(lambda: frame.batch in siblings.batches)


async def test_transactions_that_expire_are_dropped_with_a_reason(nodes: list[Node]) -> None:
    node = await start_one(nodes)
    stages = Stages(await node.watch_stages())
    raw = sign_transfer(node.genesis, 4, valid_until=2)
    assert not (await node.submit(raw)).rejections
    node.siblings.execute([])
    node.siblings.execute([])
    frame = await stages.wait(tx.STAGE_DROPPED)
    assert frame.reason == "EXPIRED"
    assert frame.ids == decode_transaction(raw, node.genesis.domain).id


async def test_a_gap_skip_is_taken_back_and_batched_anew(nodes: list[Node]) -> None:
    node = await start_one(nodes)
    stages = Stages(await node.watch_stages())
    raw = sign_transfer(node.genesis, 0)
    await node.submit(raw)
    first = await stages.wait(tx.STAGE_BATCHED)
    id_ = decode_transaction(raw, node.genesis.domain).id
    node.siblings.execute([first.batch], {id_: "SEQUENCE_GAP"})
    second = await stages.wait(tx.STAGE_BATCHED)
    assert second.ids == first.ids
    assert second.batch != first.batch


async def test_a_batch_that_expires_unfinalized_is_batched_anew(nodes: list[Node]) -> None:
    node = await start_one(nodes, batch_validity_blocks=3)
    stages = Stages(await node.watch_stages())
    await node.submit(sign_transfer(node.genesis, 0))
    first = await stages.wait(tx.STAGE_BATCHED)
    for _ in range(3):
        node.siblings.execute([])
    second = await stages.wait(tx.STAGE_BATCHED)
    assert (second.ids, second.batch != first.batch) == (first.ids, True)


async def test_an_unknown_account_costs_one_reading_of_state(nodes: list[Node]) -> None:
    node = await start_one(nodes)
    before = node.siblings.reads
    raws = [sign_transfer(node.genesis, n // 4, user=n % 4) for n in range(40)]
    assert not (await node.submit(*raws)).rejections
    assert not (await node.submit(*raws)).rejections
    assert node.siblings.reads - before == 1


async def test_a_low_balance_is_read_again_before_it_refuses(nodes: list[Node]) -> None:
    node = await start_one(nodes)
    account = node.siblings.accounts[
        decode_transaction(sign_transfer(node.genesis, 0), node.genesis.domain).sender
    ]
    account.balance = 11_000
    assert not (await node.submit(sign_transfer(node.genesis, 0))).rejections
    raw = sign_transfer(node.genesis, 1)
    assert [r.reason for r in (await node.submit(raw)).rejections] == ["INSUFFICIENT_BALANCE"]
    account.balance = 10**9
    node.siblings.execute([])
    await wait_height(node, 1)
    assert not (await node.submit(raw)).rejections


async def test_an_observer_refuses_with_a_reason_but_keeps_an_empty_stream(
    nodes: list[Node],
) -> None:
    node = Node(build_test_genesis(4), None)
    nodes.append(node)
    await node.start()
    await node.wait_ready()
    call = node.ingress().Submit()
    described = await node.ingress().Describe(pb.DescribeRequest())
    assert not described.HasField("seat")
    assert described.engine == "observing"
    await call.write(pb.SubmitRequest(chunk=1, transactions=[b"x"]))
    with pytest.raises(aio.AioRpcError) as raised:
        await call.read()
    assert from_rpc_error(raised.value).reason == "OBSERVER"


async def test_a_validator_without_a_seat_in_the_running_epoch_takes_no_transactions(
    nodes: list[Node],
) -> None:
    node = await start_one(nodes, seats=4)
    engine = await node.attach()
    call = node.ingress().Submit()
    await call.write(pb.SubmitRequest(chunk=1, transactions=[sign_transfer(node.genesis, 0)]))
    assert not (await call.read()).rejections
    await engine.start_epoch(build_set(3, 1, 2, 3), epoch=3)
    described = pb.DescribeResponse(seat=0)
    async with asyncio.timeout(60):
        while described.HasField("seat"):
            described = await node.ingress().Describe(pb.DescribeRequest())
    assert (described.seat_key, described.epoch) == (SEAT_KEYS[0].public_key, 3)
    await call.write(pb.SubmitRequest(chunk=2, transactions=[sign_transfer(node.genesis, 1)]))
    with pytest.raises(aio.AioRpcError) as raised:
        await call.read()
    assert from_rpc_error(raised.value).reason == "NO_SEAT"


async def test_describe_says_who_and_how(nodes: list[Node]) -> None:
    node = await start_one(nodes)
    described = await node.ingress().Describe(pb.DescribeRequest())
    assert described.node_id == node.node_id
    assert (described.seat, described.engine, described.view) == (0, "voting", 7)
    assert described.domain == node.genesis.domain
    for server in node.siblings._servers[1:]:
        await server.stop(None)
    assert (await node.ingress().Describe(pb.DescribeRequest())).engine == "down"


async def test_too_many_streams_and_too_large_chunks_are_refused(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingress, "STREAMS_MAX", 1)
    monkeypatch.setattr(ingress, "CHUNK_COUNT_MAX", 3)
    node = await start_one(nodes)
    first = node.ingress().Submit()
    await first.write(pb.SubmitRequest(chunk=1, transactions=[b"x"]))
    assert (await first.read()).rejections[0].reason == "MALFORMED"
    second = node.ingress().Submit()
    with pytest.raises(aio.AioRpcError) as raised:
        await second.read()
    assert raised.value.code().name == "RESOURCE_EXHAUSTED"
    await first.write(pb.SubmitRequest(chunk=2, transactions=[b"x"] * 4))
    with pytest.raises(aio.AioRpcError) as raised:
        await first.read()
    assert from_rpc_error(raised.value).reason == "OVERSIZED"


async def test_overload_is_answered_per_chunk_with_a_time_to_wait(nodes: list[Node]) -> None:
    node = await start_one(nodes, seats=4)
    mempool = node.running.router.mempool
    # Nobody else runs: nothing gets executed, so only so much is accepted.
    call = node.ingress().Submit()
    answers = []
    for chunk in range(16):
        user = chunk % 16
        raws = [sign_transfer(node.genesis, n, user=user) for n in range(200)]
        await call.write(pb.SubmitRequest(chunk=chunk, transactions=raws))
        answers.append(await call.read())
    assert [answer.chunk for answer in answers] == list(range(16))
    refused = [answer for answer in answers if answer.retry_after_ms]
    assert refused
    assert all(not answer.ids and answer.retry_after_ms <= 1_000 for answer in refused)
    assert mempool.reserved_bytes == 0
    assert mempool.bytes < 1024 * 1024


async def test_one_flooding_sender_leaves_room_for_others(nodes: list[Node]) -> None:
    node = await start_one(nodes, seats=4)
    reasons: set[str] = set()
    for start in range(0, 1_800, 100):
        answer = await node.submit(
            *(sign_transfer(node.genesis, n) for n in range(start, start + 100))
        )
        assert not answer.retry_after_ms
        reasons |= {r.reason for r in answer.rejections}
    assert "SENDER_FLOODS" in reasons
    assert not (await node.submit(sign_transfer(node.genesis, 0, user=1))).rejections


async def test_a_killed_verifier_costs_time_but_no_verdict(nodes: list[Node]) -> None:
    node = await start_one(nodes)
    verifier = node.running.verifier
    await node.submit(sign_transfer(node.genesis, 0))
    call = node.ingress().Submit()
    for chunk in range(4):
        raws = [sign_transfer(node.genesis, n, user=chunk + 1) for n in range(150)]
        await call.write(pb.SubmitRequest(chunk=chunk, transactions=raws))
    os.kill(verifier.pid, signal.SIGKILL)
    answers = [await asyncio.wait_for(call.read(), 60) for _ in range(4)]
    assert [(a.chunk, len(a.rejections), a.retry_after_ms) for a in answers] == [
        (chunk, 0, 0) for chunk in range(4)
    ]


async def test_when_too_much_waits_only_what_pays_more_finds_somebody_to_look_at_it(
    nodes: list[Node],
) -> None:
    node = await start_one(nodes, author_unfinalized_bytes_max=0)
    stages = Stages(await node.watch_stages())
    number, answer = 0, pb.SubmitResponse()
    # Nothing is executed here: what is always allowed to wait is soon there.
    while not answer.retry_after_ms:
        raws = [
            sign_transfer(node.genesis, number, user=user, memo=b"m" * 256) for user in range(16)
        ]
        answer = await node.submit(*raws)
        number += 1
    pool = node.running.router.mempool
    before = len(pool.entries)
    chunk = [
        sign_transfer(node.genesis, 0, user=user, lane=7, tip=tip, memo=b"m" * 256)
        for user, tip in enumerate((0, 5_000, 0, 7_000))
    ]
    chunk[3] = chunk[3][:-1] + bytes((chunk[3][-1] ^ 1,))
    answer = await node.submit(*chunk)
    assert not answer.retry_after_ms
    assert sorted((each.index, each.reason) for each in answer.rejections) == [
        (0, "OVERLOADED"), (2, "OVERLOADED"), (3, "BAD_SIGNATURE"),
    ]  # fmt: skip
    ids = split_hashes(answer.ids, "ids")
    assert ids[0] == ids[2] == bytes(32)
    paid = decode_transaction(chunk[1], node.genesis.domain).id
    assert ids[1] == paid and paid in pool.entries
    # It did not come on top of what waits: who pays least made way, and was told so.
    frame = await stages.wait(tx.STAGE_DROPPED)
    assert frame.reason == "OUTBID"
    assert len(pool.entries) <= before
    assert (await node.submit(chunk[0])).retry_after_ms
