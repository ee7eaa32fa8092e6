"""Evidence of the own consensus goes into a batch for free; everything else about it is refused."""

from collections.abc import Callable

import pytest
from grpc import aio

from quorate.api.gossip.v1 import gossip_pb2 as pb
from quorate.api.gossip.v1 import gossip_pb2_grpc as rpc
from quorate.api.transaction.v1 import transaction_pb2 as tx
from quorate.consensus.reporting import sign_report
from quorate.core.accusations import Evidence
from quorate.core.batches import Batch
from quorate.core.reporting import Report
from quorate.core.state import Mark
from quorate.kit.convert import decode_transaction
from quorate.kit.faults import from_rpc_error
from quorate.kit.rpc import open_channel
from tests.unit.quorate.core.liars import Liar
from tests.unit.quorate.gossip.conftest import (
    SEAT_KEYS,
    Node,
    address_of,
    build_set,
    build_test_genesis,
    sign_transfer,
)
from tests.unit.quorate.gossip.test_ingress import Stages, wait_height

DEADLINE_S = 60.0


@pytest.fixture
async def node(nodes: list[Node]) -> Node:
    """The validator of seat 0 of four."""
    node = Node(build_test_genesis(4), 0)
    nodes.append(node)
    node.siblings.base_fee = 1_000
    await node.start()
    await node.wait_ready()
    return node


def lie(node: Node, seat: int = 3, epoch: int = 0) -> Evidence:
    return Liar(SEAT_KEYS[seat], seat, node.genesis.domain, epoch).lie()


def report(node: Node, evidence: Evidence, seat: int = 0, sequence: int = 0) -> bytes:
    return sign_report(SEAT_KEYS[seat], node.genesis.domain, evidence, Report(seat, sequence, 900))


async def submit(node: Node, raw: bytes) -> str:
    """Hand a report over as consensus does; returns why it was refused, "" when it was not."""
    async with open_channel(node.config.socket("gossip")) as channel:
        stub = rpc.GossipServiceStub(channel)
        try:
            await stub.SubmitReport(pb.SubmitReportRequest(transaction=raw), timeout=DEADLINE_S)
        except aio.AioRpcError as error:
            return from_rpc_error(error).reason
    return ""


def list_batched(node: Node) -> list[bytes]:
    batches = [Batch.decode(each) for each in node.siblings.batches.values()]
    return [raw for batch in batches for raw in batch.transactions()]


async def test_report_of_an_account_without_money_is_batched_once_and_the_next_one_after_it(
    node: Node,
) -> None:
    stages, raw = Stages(await node.watch_stages()), report(node, lie(node))
    assert address_of(SEAT_KEYS[0]) not in node.siblings.accounts
    assert await submit(node, raw) == await submit(node, raw) == ""
    name = (await stages.wait(tx.STAGE_BATCHED, 1)).batch
    assert list_batched(node) == [raw]
    node.siblings.execute([name])
    await wait_height(node, 1)
    again = report(node, lie(node, 2), sequence=1)
    assert await submit(node, again) == ""
    await stages.wait(tx.STAGE_BATCHED, 1)
    assert list_batched(node) == [raw, again]


async def test_report_that_came_too_late_is_dropped_and_its_sequence_is_free_again(
    node: Node,
) -> None:
    stages, raw = Stages(await node.watch_stages()), report(node, lie(node))
    assert await submit(node, raw) == ""
    name = (await stages.wait(tx.STAGE_BATCHED, 1)).batch
    id_ = decode_transaction(raw, node.genesis.domain).id
    node.siblings.execute([name], skip={id_: "EVIDENCE_KNOWN"})
    assert (await stages.wait(tx.STAGE_DROPPED)).reason == "EVIDENCE_KNOWN"
    assert await submit(node, report(node, lie(node, 2))) == ""


def mark(node: Node) -> bytes:
    node.siblings.marks[0, 3] = Mark(5, 1, b"h" * 32).encode()
    return report(node, lie(node))


def turn_epoch(node: Node) -> bytes:
    node.siblings.epoch = 2
    sets = [build_set(epoch, 0, 1, 2, 3).encode() for epoch in (1, 2)]
    node.running.router.seat.sets.start(2, sets)
    return report(node, lie(node))


def forge(node: Node) -> bytes:
    return report(node, Liar(SEAT_KEYS[2], 3, node.genesis.domain).lie())


def take_foreign(node: Node) -> bytes:
    return report(node, Liar(SEAT_KEYS[3], 3, b"f" * 32).lie())


def spoil_signature(node: Node) -> bytes:
    raw = bytearray(report(node, lie(node)))
    raw[-1] ^= 1
    return bytes(raw)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (mark, "EVIDENCE_KNOWN"),
        (turn_epoch, "EVIDENCE_UNTIMELY"),
        (forge, "EVIDENCE_INVALID"),
        (take_foreign, "EVIDENCE_INVALID"),
        (lambda node: report(node, lie(node, 7)), "EVIDENCE_INVALID"),
        (lambda node: report(node, lie(node), seat=5), "NOT_A_REPORTER"),
        (lambda node: report(node, lie(node, 0)), "NOT_A_REPORTER"),
        (lambda node: sign_transfer(node.genesis, 0), "EVIDENCE_FORM"),
        (lambda node: b"\xff", "MALFORMED"),
        (spoil_signature, "BAD_SIGNATURE"),
        (lambda node: report(node, lie(node), sequence=2_000), "SEQUENCE_FAR"),
    ],
    ids=[
        "marked already", "too old", "signed by another", "of another chain", "no such seat",
        "reporter without seat", "of itself", "a transfer", "noise", "bad signature", "far ahead",
    ],
)  # fmt: skip
async def test_what_would_be_skipped_is_refused_with_the_same_word(
    node: Node, build: Callable[[Node], bytes], reason: str
) -> None:
    assert await submit(node, build(node)) == reason
    assert list_batched(node) == []


async def test_gateways_are_refused_reports_and_their_other_transactions_are_not(
    node: Node,
) -> None:
    raws = [report(node, lie(node)), sign_transfer(node.genesis, 0, fee_limit=10**9)]
    answer = await node.submit(*raws)
    assert [(each.index, each.reason) for each in answer.rejections] == [(0, "NOT_A_REPORTER")]
