"""Submitting through a gateway: verdicts, order, failover, overload, malformed input."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.core import errors
from quorate.gateway import dispatch
from quorate.gateway.spread import Spread
from quorate.kit import faults

LIMIT_S = 60


async def submit_chunks(client: Any, chunks: list[list[bytes]]) -> list[pb.SubmitStreamResponse]:
    """Send chunks on one stream and return the answers."""

    async def requests() -> AsyncIterator[pb.SubmitStreamRequest]:
        for number, chunk in enumerate(chunks):
            yield pb.SubmitStreamRequest(chunk=number, transactions=chunk)

    call = client.transactions.SubmitStream(requests(), timeout=LIMIT_S)
    return [answer async for answer in call]


async def wait_any(nodes: list[Any], count: int) -> Any:
    """Return the first of the nodes that has received so many transactions."""
    waits = {asyncio.ensure_future(node.wait_received(count)): node for node in nodes}
    done, pending = await asyncio.wait(waits, timeout=LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    return waits[done.pop()]


async def test_a_unary_submit_answers_with_the_id(build_network: Any) -> None:
    network = await build_network()
    raw = network.transfer(0)
    answer = await network.open().transactions.Submit(pb.SubmitRequest(transaction=raw))
    assert answer.id == network.id_of(raw)
    assert sum(raw in node.received for node in network.nodes) == 1


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load that needs every validator: else one takes all lanes (gateway/spread.py)."""

    def note(spread: Spread, transactions: int, now_s: float) -> bool:
        spread.active = 4
        return False

    monkeypatch.setattr(Spread, "note", note)


async def test_little_load_goes_to_one_validator(build_network: Any) -> None:
    network = await build_network()
    raws = [network.transfer(0, lane) for lane in range(16)]
    await submit_chunks(network.open(), [raws])
    assert [len(node.received) for node in network.nodes if node.received] == [16]


@pytest.mark.usefixtures("loaded")
async def test_chunks_are_answered_in_order_and_split_by_lane(build_network: Any) -> None:
    network = await build_network()
    chunks = [[network.transfer(i, lane) for lane in range(16)] for i in range(10)]
    answers = await submit_chunks(network.open(), chunks)
    assert [answer.chunk for answer in answers] == list(range(10))
    assert not any(answer.rejections or answer.retry_after_ms for answer in answers)
    assert sum(len(node.received) for node in network.nodes) == 160
    assert sum(bool(node.received) for node in network.nodes) > 1
    for lane in range(16):
        sent = [chunk[lane] for chunk in chunks]
        node = network.node_of(sent[0])
        assert [raw for raw in node.received if raw in sent] == sent


async def test_a_rejection_carries_reason_and_index(build_network: Any) -> None:
    network = await build_network()
    bad = network.transfer(1)
    for node in network.nodes:
        node.reject = lambda raw: "SEQUENCE_TAKEN" if raw == bad else ""
    client = network.open()
    (answer,) = await submit_chunks(client, [[network.transfer(0), bad, network.transfer(2)]])
    assert [(r.index, r.reason) for r in answer.rejections] == [(1, "SEQUENCE_TAKEN")]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.transactions.Submit(pb.SubmitRequest(transaction=bad))
    error = faults.from_rpc_error(caught.value)
    assert isinstance(error, errors.Rejected) and error.reason == "SEQUENCE_TAKEN"


async def test_malformed_bytes_are_refused_without_a_validator(build_network: Any) -> None:
    network = await build_network()
    good = network.transfer(0)
    junk = [b"", b"\x00" * 200, good[:50], b"\x0a\xff\xff\xff\xff\x0f", bytes(70_000)]
    (answer,) = await submit_chunks(network.open(), [[*junk, good]])
    assert [r.index for r in answer.rejections] == [0, 1, 2, 3, 4]
    assert {r.reason for r in answer.rejections} <= {
        "MALFORMED", "NON_CANONICAL", "OVERSIZED", "UNKNOWN_PAYLOAD",
    }  # fmt: skip
    assert sum(len(node.received) for node in network.nodes) == 1


async def test_a_whole_chunk_is_refused_when_there_is_no_room(build_network: Any) -> None:
    network = await build_network(pending_bytes_max=5_000)
    first, second = [[network.transfer(i, lane) for i in range(5)] for lane in (0, 1)]
    answers = await submit_chunks(network.open(), [first, second])
    assert answers[0].retry_after_ms == 0 and answers[1].retry_after_ms > 0
    assert not answers[1].rejections
    # Room comes back when they are executed: until then the gateway may have to send them again.
    client = network.open()
    watch = client.transactions.Watch(pb.WatchRequest(ids=[network.id_of(first[0])]))
    await watch.read()
    network.chain.execute(first)
    while not (await watch.read()).HasField("executed"):
        pass
    (answer,) = await submit_chunks(client, [second])
    assert not answer.retry_after_ms


async def test_an_overloaded_validator_refuses_the_chunk(build_network: Any) -> None:
    network = await build_network()
    for node in network.nodes:
        node.retry_after_ms = 350
    client = network.open()
    (answer,) = await submit_chunks(client, [[network.transfer(0), network.transfer(0, 1)]])
    assert answer.retry_after_ms == 350
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.transactions.Submit(pb.SubmitRequest(transaction=network.transfer(0)))
    error = faults.from_rpc_error(caught.value)
    assert isinstance(error, errors.Overloaded) and error.retry_after_ms == 350


@pytest.mark.usefixtures("loaded")
async def test_one_overloaded_validator_refuses_only_its_lanes(build_network: Any) -> None:
    network = await build_network()
    raws = [network.transfer(0, lane) for lane in range(16)]
    client = network.open()
    await submit_chunks(client, [raws])
    full = next(node for node in network.nodes if node.received)
    full.retry_after_ms = 500
    again = [network.transfer(1, lane) for lane in range(16)]
    (answer,) = await submit_chunks(client, [again])
    assert answer.retry_after_ms == 0
    assert {r.reason for r in answer.rejections} == {"OVERLOADED"}
    assert {r.index for r in answer.rejections} == {
        lane for lane in range(16) if raws[lane] in full.received
    }


async def test_lanes_of_a_killed_validator_move_in_order(build_network: Any) -> None:
    network = await build_network()
    client = network.open()
    first = [network.transfer(i) for i in range(20)]
    assert not (await submit_chunks(client, [first]))[0].rejections
    lost = network.node_of(first[0])
    await lost.kill()
    heir = await wait_any([node for node in network.nodes if node is not lost], 20)
    more = [network.transfer(i) for i in range(20, 30)]
    assert not (await submit_chunks(client, [more]))[0].rejections
    assert heir.received == first + more


async def test_a_chunk_in_flight_survives_its_validator(build_network: Any) -> None:
    network = await build_network()
    raws = [network.transfer(i) for i in range(10)]
    for node in network.nodes:
        node.dies_after = 1
    # Whoever gets it first dies mid-way; each of them once.
    (answer,) = await submit_chunks(network.open(), [raws])
    assert not answer.rejections and not answer.retry_after_ms


async def test_a_silent_validator_loses_its_lanes(build_network: Any) -> None:
    network = await build_network()
    client = network.open()
    await submit_chunks(client, [[network.transfer(0)]])
    silent = network.node_of(network.transfer(0))
    silent.is_hanging = True
    (answer,) = await submit_chunks(client, [[network.transfer(1)]])
    assert not answer.rejections
    heir = next(n for n in network.nodes if n is not silent and n.received)
    assert heir.received == [network.transfer(0), network.transfer(1)]


async def test_what_is_accepted_but_never_batched_goes_elsewhere(build_network: Any) -> None:
    network = await build_network()
    raw = network.transfer(0)
    await submit_chunks(network.open(), [[raw]])
    censor = network.node_of(raw)
    await wait_any([node for node in network.nodes if node is not censor], 1)


async def test_durable_transactions_are_not_sent_again(build_network: Any) -> None:
    network = await build_network()
    raws = [network.transfer(i) for i in range(5)]
    client = network.open()
    await submit_chunks(client, [raws])
    node = network.node_of(raws[0])
    watch = client.transactions.Watch(pb.WatchRequest(ids=[network.id_of(raws[0])]))
    await watch.read()
    node.tell_batched(raws, bytes(32), holders=1)
    node.tell_batched(raws, bytes(32), holders=2)
    async with asyncio.timeout(LIMIT_S):
        frame = await watch.read()
        while frame.stage.stage != pb.STAGE_BATCHED:
            frame = await watch.read()
        assert frame.stage.holders == 2
    await node.kill()
    other_lane = network.transfer(0, 1)
    await submit_chunks(client, [[other_lane]])
    assert all(raws[0] not in n.received for n in network.nodes if n is not node)


async def test_what_was_durable_and_is_skipped_for_a_gap_is_sent_again(build_network: Any) -> None:
    network = await build_network()
    raws = [network.transfer(0), network.transfer(1)]
    client = network.open()
    await submit_chunks(client, [raws])
    author = network.node_of(raws[0])
    watch = client.transactions.Watch(pb.WatchRequest(ids=[network.id_of(raws[0])]))
    await watch.read()
    author.tell_batched(raws, bytes(32))
    await wait_stage(watch, pb.STAGE_BATCHED)
    # Its author, who would take it back, is gone.
    await author.kill()
    network.chain.skip(raws)
    heir = await wait_any([node for node in network.nodes if node is not author], 2)
    assert heir.received == raws


async def test_what_is_durable_but_comes_to_nothing_is_sent_again(
    build_network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "DURABLE_S", 0.0)
    network = await build_network()
    raw = network.transfer(0)
    client = network.open()
    await submit_chunks(client, [[raw]])
    author = network.node_of(raw)
    author.tell_batched([raw], bytes(32))
    async with asyncio.timeout(LIMIT_S):
        await author.wait_received(2)


async def test_the_same_id_twice_is_accepted_twice(build_network: Any) -> None:
    network = await build_network()
    raw = network.transfer(0)
    answers = await submit_chunks(network.open(), [[raw, raw], [raw]])
    assert not any(answer.rejections for answer in answers)


async def test_a_validator_of_another_chain_gets_nothing(build_network: Any) -> None:
    def prepare(network: Any) -> None:
        network.nodes[0].domain = bytes(32)

    network = await build_network(prepare=prepare)
    await submit_chunks(network.open(), [[network.transfer(0, lane) for lane in range(16)]])
    assert not network.nodes[0].received and not network.nodes[0].feeds


async def test_observers_get_no_transactions(build_network: Any) -> None:
    def prepare(network: Any) -> None:
        network.nodes[0].seat = None

    network = await build_network(prepare=prepare)
    await submit_chunks(network.open(), [[network.transfer(0, lane) for lane in range(16)]])
    assert not network.nodes[0].received


async def test_a_batch_is_safe_when_as_many_hold_it_as_the_running_set_needs(
    build_network: Any,
) -> None:
    network = await build_network()
    client, raw = network.open(), network.transfer(0)
    watch = client.transactions.Watch(pb.WatchRequest(ids=[network.id_of(raw)]))
    await watch.read()
    await submit_chunks(client, [[raw]])
    node = await wait_any(network.nodes, 1)
    # Two are enough of four seats, not of seven; none are while the set is not known there.
    node.tell_batched([raw], b"b" * 32, holders=2, holders_min=3)
    node.tell_batched([raw], b"b" * 32, holders=2, holders_min=0)
    await node.kill()
    others = [each for each in network.nodes if each is not node]
    again = await wait_any(others, 1)
    again.tell_batched([raw], b"c" * 32, holders=2, holders_min=2)
    await wait_stage(watch, pb.STAGE_BATCHED)
    await again.kill()
    late = network.transfer(0, 1)
    await submit_chunks(client, [[late]])
    last = [each for each in others if each is not again]
    assert not any(raw in each.received for each in last)


async def test_a_validator_that_lost_its_seat_hands_its_transactions_on(
    build_network: Any,
) -> None:
    network = await build_network()
    client, raws = network.open(), [network.transfer(n) for n in range(3)]
    ids = [network.id_of(raw) for raw in raws]
    watch = client.transactions.Watch(pb.WatchRequest(ids=ids))
    await watch.read()
    await submit_chunks(client, [raws])
    node = await wait_any(network.nodes, 3)
    node.tell_batched(raws[:1], b"b" * 32)
    await wait_stage(watch, pb.STAGE_BATCHED)
    node.seat_now = None
    node.tell(pb.StageFrame(stage=pb.STAGE_DROPPED, ids=b"".join(ids), reason="NO_SEAT"))
    again = await wait_any([each for each in network.nodes if each is not node], 2)
    assert again.received == raws[1:]
    # Only what was durable is told as dropped: what was not is with another validator by now.
    dropped = await wait_stage(watch, pb.STAGE_DROPPED)
    assert (dropped.ids, dropped.reason) == (ids[0], "NO_SEAT")


async def wait_stage(watch: Any, stage: "pb.Stage.ValueType") -> pb.StageFrame:
    """Return the next frame of a stage."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            update = await watch.read()
            if update.HasField("stage") and update.stage.stage == stage:
                return update.stage


async def test_without_validators_the_answer_is_unavailable(build_network: Any) -> None:
    network = await build_network(seats=1)
    client = network.open()
    watch = client.transactions.Watch(pb.WatchRequest(ids=[bytes(32)]))
    await watch.read()
    await network.nodes[0].kill()
    async with asyncio.timeout(LIMIT_S):
        while True:
            (answer,) = await submit_chunks(client, [[network.transfer(0)]])
            if answer.retry_after_ms:
                break
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.transactions.Submit(pb.SubmitRequest(transaction=network.transfer(1)))
    assert isinstance(faults.from_rpc_error(caught.value), errors.Unavailable)


async def test_a_chunk_that_is_too_large_ends_the_stream(build_network: Any) -> None:
    network = await build_network()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await submit_chunks(network.open(), [[b"x"] * 5_000])
    assert faults.from_rpc_error(caught.value).reason == "CHUNK_TOO_LARGE"
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
