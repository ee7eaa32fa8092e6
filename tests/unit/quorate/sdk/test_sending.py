"""Sending until the end: executed, failed, expired, refused; nothing ends silently."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.sdk import Client, Key, Options, Outcome, Sender, Signed, send_and_wait, sign_payloads
from quorate.sdk.errors import InvalidTransaction, Rejected, Unavailable
from quorate.sdk.payloads import build_transfers
from quorate.sdk.sender import Lanes

LIMIT_S = 60
KEY = Key(b"\x05" * 32)


def sign(network: Any, sequence: int = 0, until: int = 1_000, amount: int = 1) -> Signed:
    """Return a signed transfer of this module's key."""
    options = Options(sequence=sequence, valid_until_height=until, fee_limit=10_000)
    return sign_payloads(network.domain, [KEY], build_transfers([(bytes(32), amount)]), options)


async def follow(network: Any, act: Callable[[Any, list[bytes]], None]) -> None:
    """Whenever some node receives transactions, act on them."""
    seen = {node.name: 0 for node in network.nodes}
    while True:
        waits = [
            asyncio.ensure_future(node.wait_received(seen[node.name] + 1)) for node in network.nodes
        ]
        _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for node in network.nodes:
            new = node.received[seen[node.name] :]
            seen[node.name] = len(node.received)
            if new:
                act(node, new)


@pytest.fixture
async def execute_all(build_network: Any) -> Any:
    """Return a network that executes all it receives."""
    network = await build_network()
    done: set[bytes] = set()

    def act(_: Any, raws: list[bytes]) -> None:
        fresh = [raw for raw in raws if raw not in done]
        done.update(fresh)
        network.chain.execute(fresh)

    task = asyncio.ensure_future(follow(network, act))
    yield network
    task.cancel()


async def test_a_transaction_is_sent_and_executed(execute_all: Any) -> None:
    async with asyncio.timeout(LIMIT_S), Client(execute_all.target) as client:
        signed = sign(execute_all)
        receipt = await send_and_wait(client, signed)
        assert (receipt.id, receipt.outcome) == (signed.id, Outcome.SUCCEEDED)


async def test_it_is_sent_again_after_a_drop(build_network: Any) -> None:
    network = await build_network()
    drops = []

    def act(node: Any, raws: list[bytes]) -> None:
        if len(drops) < 2:
            drops.append(raws)
            ids = b"".join(network.id_of(raw) for raw in raws)
            frame = pb.StageFrame(stage=pb.STAGE_DROPPED, ids=ids, reason="MEMPOOL_FULL")
            asyncio.get_running_loop().call_later(0.1, node.tell, frame)
        else:
            network.chain.execute(raws)

    task = asyncio.ensure_future(follow(network, act))
    async with asyncio.timeout(LIMIT_S), Client(network.target) as client:
        receipt = await send_and_wait(client, sign(network))
    assert receipt.outcome is Outcome.SUCCEEDED
    assert len(drops) == 2
    task.cancel()


async def test_it_survives_overload_and_a_lost_gateway(execute_all: Any) -> None:
    network = execute_all
    for node in network.nodes:
        node.retry_after_ms = 100
    async with asyncio.timeout(LIMIT_S), Client(network.target) as client:
        sending = asyncio.ensure_future(send_and_wait(client, sign(network)))
        waits = [asyncio.ensure_future(node.wait_refused()) for node in network.nodes]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        await network.restart_gateway()
        for node in network.nodes:
            node.retry_after_ms = 0
        assert (await sending).outcome is Outcome.SUCCEEDED


async def test_what_was_executed_before_gives_its_receipt(build_network: Any) -> None:
    network = await build_network()
    signed = sign(network)
    network.chain.execute([signed.raw])
    for node in network.nodes:
        node.reject = lambda _: "ALREADY_EXECUTED"
    async with asyncio.timeout(LIMIT_S), Client(network.target) as client:
        assert (await send_and_wait(client, signed)).height == 1


async def test_an_expired_transaction_is_told_as_such(build_network: Any) -> None:
    network = await build_network()
    for _ in range(3):
        network.chain.execute([])
    for node in network.nodes:
        node.reject = lambda _: "EXPIRED"
    async with asyncio.timeout(LIMIT_S), Client(network.target) as client:
        with pytest.raises(Rejected) as caught:
            await send_and_wait(client, sign(network, until=2))
    assert caught.value.reason == "EXPIRED"


async def test_expiry_is_noticed_when_nothing_is_heard(build_network: Any) -> None:
    network = await build_network()
    for _ in range(3):
        network.chain.execute([])
    async with asyncio.timeout(LIMIT_S), Client(network.target) as client:
        with pytest.raises(Rejected) as caught:
            await send_and_wait(client, sign(network, until=2))
    assert caught.value.reason == "EXPIRED"


@pytest.mark.parametrize("reason", ["ALREADY_EXECUTED", "SEQUENCE_PAST", "EXPIRED"])
async def test_who_is_behind_does_not_make_it_refused(build_network: Any, reason: str) -> None:
    # Found among 10,000 payments with kills: told as refused, although it was executed.
    network = await build_network()
    signed = sign(network)
    network.chain.execute([])
    height = network.chain.execute([signed.raw])
    for node in network.nodes:
        node.reject = lambda _: reason
        node.reads_at = height - 1
    async with asyncio.timeout(LIMIT_S), Client(network.target) as client:
        sending = asyncio.ensure_future(send_and_wait(client, signed))
        asked = [asyncio.ensure_future(node.was_asked.wait()) for node in network.nodes]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        for node in network.nodes:
            node.reads_at = None
        receipt = await sending
    assert (receipt.height, receipt.outcome) == (height, Outcome.SUCCEEDED)


async def test_a_sequence_taken_by_another_is_refused_for_good(build_network: Any) -> None:
    network = await build_network()
    network.chain.execute([sign(network, amount=2).raw])
    for node in network.nodes:
        node.reject = lambda _: "SEQUENCE_PAST"
    async with asyncio.timeout(LIMIT_S), Client(network.target) as client:
        with pytest.raises(Rejected) as caught:
            await send_and_wait(client, sign(network))
    assert caught.value.reason == "SEQUENCE_PAST"


async def test_a_bad_signature_is_refused_at_once(build_network: Any) -> None:
    network = await build_network()
    for node in network.nodes:
        node.reject = lambda _: "BAD_SIGNATURE"
    async with asyncio.timeout(LIMIT_S), Client(network.target) as client:
        with pytest.raises(InvalidTransaction):
            await send_and_wait(client, sign(network))


async def test_a_bound_on_time_says_that_it_may_still_happen(build_network: Any) -> None:
    network = await build_network()
    async with Client(network.target) as client:
        with pytest.raises(Unavailable) as caught:
            await send_and_wait(client, sign(network), timeout_s=0.5)
    assert caught.value.reason == "NO_RECEIPT"


@pytest.mark.parametrize("reason", ["SEQUENCE_TAKEN", "FEE_TOO_LOW"])
async def test_with_a_key_another_transaction_is_signed_for_one_that_is_refused(
    execute_all: Any, reason: str
) -> None:
    refused: list[bytes] = []

    def reject(raw: bytes) -> str:
        refused.append(raw)
        # A later height makes it another transaction.
        execute_all.chain.execute([])
        return reason if raw == refused[0] else ""

    for node in execute_all.nodes:
        node.reject = reject
    async with (
        asyncio.timeout(LIMIT_S),
        Client(execute_all.target) as client,
        Sender(client, KEY, lanes=1) as sender,
    ):
        receipt = await sender.transfer([(bytes(32), 1)], idempotency_key=b"once")
    assert receipt.outcome is Outcome.SUCCEEDED
    assert receipt.id != execute_all.id_of(refused[0])


async def test_with_a_key_the_receipt_is_of_the_one_that_took_effect(build_network: Any) -> None:
    network = await build_network()
    first = sign(network)
    height = network.chain.execute([first.raw])
    task = asyncio.ensure_future(
        follow(network, lambda _, raws: network.chain.execute_duplicate(raws[0], first.id))
    )
    async with (
        asyncio.timeout(LIMIT_S),
        Client(network.target) as client,
        Sender(client, KEY, lanes=1) as sender,
    ):
        receipt = await sender.transfer([(bytes(32), 1)], idempotency_key=b"once")
    task.cancel()
    assert (receipt.id, receipt.height) == (first.id, height)


async def test_senders_of_one_account_share_its_lanes(execute_all: Any) -> None:
    lanes = Lanes((3, 7))
    async with asyncio.timeout(LIMIT_S), AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(execute_all.target)) for _ in range(3)]
        senders = [
            await stack.enter_async_context(Sender(client, KEY, lanes=lanes)) for client in clients
        ]
        transfers = [senders[n % 3].transfer([(bytes(32), n + 1)]) for n in range(12)]
        receipts = await asyncio.gather(*transfers)
    assert {receipt.outcome for receipt in receipts} == {Outcome.SUCCEEDED}
    found = execute_all.chain.find_lanes(KEY.address)
    assert set(found) <= {3, 7} and sum(found.values()) == 12


async def test_a_sender_uses_lanes_side_by_side_and_in_order(execute_all: Any) -> None:
    async with (
        asyncio.timeout(LIMIT_S),
        Client(execute_all.target) as client,
        Sender(client, KEY, lanes=4) as sender,
    ):
        transfers = [sender.transfer([(bytes(32), n + 1)]) for n in range(20)]
        receipts = await asyncio.gather(*transfers)
    assert {receipt.outcome for receipt in receipts} == {Outcome.SUCCEEDED}
    used: dict[int, list[int]] = {}
    for update in execute_all.chain.updates:
        for lane, sequence in zip(update.lanes, update.sequences, strict=True):
            used.setdefault(lane, []).append(sequence)
    assert sum(map(len, used.values())) == 20
    assert set(used) <= {0, 1, 2, 3}
    assert all(sequences == list(range(len(sequences))) for sequences in used.values())
