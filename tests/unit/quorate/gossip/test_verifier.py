"""The verifier process judges what the main process never decodes, and outlives its own death."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator

import pytest

from quorate.core.codec import pack_list
from quorate.core.errors import MalformedBytes, Overloaded
from quorate.core.genesis import Genesis, parse_genesis
from quorate.gossip.verifier import JOB_COUNT_MAX, QUEUE_BYTES_MAX, Verifier, split_content
from quorate.kit.convert import decode_transaction
from tests.unit.quorate.gossip.conftest import build_test_genesis, sign_transfer

GENESIS = parse_genesis(build_test_genesis())
OTHER = parse_genesis(build_test_genesis(chain_id="another-chain"))


@pytest.fixture
async def verifier() -> AsyncIterator[Verifier]:
    """A verifier with its process."""
    made = Verifier(GENESIS)
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_records_say_what_the_transaction_says(verifier: Verifier) -> None:
    raw = sign_transfer(GENESIS, 7, lane=3, amount=11, tip=2, idempotency_key=b"k")
    verdicts = await verifier.verify(pack_list([raw]), 1)
    (record,) = verdicts.unpack()
    expected = decode_transaction(raw, GENESIS.domain)
    assert not verdicts.failed
    assert (record.id, record.sender) == (expected.id, expected.sender)
    assert (record.lane, record.sequence, record.valid_until) == (3, 7, 1_000)
    assert (record.fee_limit, record.tip, record.spent) == (10_000, 2, 11)
    assert (record.weight, record.size) == (expected.weight, len(raw))
    assert record.scoped_key == expected.sender + b"k"
    assert record.payload_hash == expected.payload_hash


async def test_each_wrong_one_is_named_with_its_reason(verifier: Verifier) -> None:
    good = sign_transfer(GENESIS, 0)
    raws = [
        good,
        b"\xff\xff",
        sign_transfer(OTHER, 0),
        good + b"\x1a\x00",
        sign_transfer(GENESIS, 1, amount=0),
        sign_transfer(GENESIS, 1, lane=16),
    ]
    verdicts = await verifier.verify(pack_list(raws), len(raws))
    assert [(each.at, each.reason) for each in verdicts.failed] == [
        (1, "MALFORMED"),
        (2, "BAD_SIGNATURE"),
        (3, "NON_CANONICAL"),
        (4, "AMOUNT_ZERO"),
        (5, "LANE_OUT_OF_RANGE"),
    ]
    # An id is known as soon as the body is; what has none is zero.
    ids = [record.id for record in verdicts.unpack()]
    assert ids[1] == bytes(32)
    assert ids[4] == decode_transaction(raws[4], GENESIS.domain).id


async def test_large_chunks_are_cut_and_come_back_in_order(verifier: Verifier) -> None:
    count = JOB_COUNT_MAX * 2 + 5
    raws = [sign_transfer(GENESIS, n) for n in range(count)]
    raws[JOB_COUNT_MAX + 1] = b"bad"
    verdicts = await verifier.verify(pack_list(raws), count)
    assert [each.at for each in verdicts.failed] == [JOB_COUNT_MAX + 1]
    assert [r.sequence for r in verdicts.unpack() if r.slot != bytes(41)] == [
        n for n in range(count) if n != JOB_COUNT_MAX + 1
    ]


async def test_signatures_are_not_checked_where_a_certificate_stands_for_them(
    verifier: Verifier,
) -> None:
    foreign = pack_list([sign_transfer(OTHER, 0)])
    assert not (await verifier.verify(foreign, 1, signatures=False)).failed
    assert (await verifier.verify(foreign, 1)).failed


async def test_chunks_in_flight_survive_that_the_process_is_killed(verifier: Verifier) -> None:
    raws = [sign_transfer(GENESIS, n) for n in range(600)]
    content = pack_list(raws)
    await verifier.verify(pack_list(raws[:1]), 1)
    first = verifier.pid
    waiting = [asyncio.create_task(verifier.verify(content, 600)) for _ in range(3)]
    await asyncio.sleep(0)
    os.kill(first, signal.SIGKILL)
    results = await asyncio.wait_for(asyncio.gather(*waiting), 60)
    assert all(not r.failed and len(r.unpack()) == 600 for r in results)
    assert verifier.pid != first


async def test_batches_go_before_clients(verifier: Verifier) -> None:
    content = pack_list([sign_transfer(GENESIS, n) for n in range(96)])
    order: list[str] = []

    async def ask(name: str, *, urgent: bool) -> None:
        await verifier.verify(content, 96, urgent=urgent)
        order.append(name)

    clients = [asyncio.create_task(ask("client", urgent=False)) for _ in range(12)]
    await asyncio.sleep(0)
    await ask("batch", urgent=True)
    await asyncio.gather(*clients)
    assert order.index("batch") < 6


async def test_what_waits_is_bounded() -> None:
    idle = Verifier(GENESIS)
    item = bytes(1024 * 1024)
    tasks = [
        asyncio.create_task(idle.verify(pack_list([item]), 1))
        for _ in range(QUEUE_BYTES_MAX // len(item) - 1)
    ]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await idle.verify(pack_list([item] * 2), 2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert idle.queued_bytes == idle.queued_count == 0


def test_content_that_is_not_so_many_items_is_malformed(rng: random.Random) -> None:
    items = [rng.randbytes(rng.randrange(50)) for _ in range(300)]
    content = pack_list(items)
    parts = split_content(content, 300)
    assert b"".join(part for part, _ in parts) == content
    assert [count for _, count in parts] == [96, 96, 96, 12]
    for wrong in (299, 301):
        with pytest.raises(MalformedBytes):
            split_content(content, wrong)
    with pytest.raises(MalformedBytes):
        split_content(content + b"x", 300)


def test_the_genesis_of_these_tests_is_one() -> None:
    assert isinstance(GENESIS, Genesis)
