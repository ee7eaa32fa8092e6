"""Whatever became of a transaction, Explain says it, who has it, and what helps."""

import asyncio
from typing import Any

import grpc
import pytest

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.kit.faults import from_rpc_error

LIMIT_S = 60


async def explain(network: Any, raw: bytes) -> pb.ExplainResponse:
    client = network.open()
    return await client.transactions.Explain(pb.ExplainRequest(id=network.id_of(raw)))


async def explain_until(network: Any, raw: bytes, reason: str) -> pb.ExplainResponse:
    """Ask until this blocker is named: what gossip tells comes on a stream of its own."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            answer = await explain(network, raw)
            if [each.reason for each in answer.blockers] == [reason]:
                return answer


async def test_an_unknown_one_is_to_be_sent_and_an_odd_id_is_refused(build_network: Any) -> None:
    network = await build_network()
    answer = await explain(network, network.transfer(0))
    assert answer.stage == pb.STAGE_UNSPECIFIED
    (blocker,) = answer.blockers
    assert (blocker.reason, blocker.remedy) == ("UNKNOWN", pb.REMEDY_SEND_AGAIN)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await network.open().transactions.Explain(pb.ExplainRequest(id=b"short"))
    assert from_rpc_error(raised.value).reason == "MALFORMED_ID"


async def test_an_executed_one_has_its_receipt_and_what_made_it_fail(build_network: Any) -> None:
    network = await build_network()
    good, bad = network.transfer(0), network.transfer(1)
    network.chain.execute([good, bad])
    network.chain.receipts[network.id_of(bad)].outcome = pb.OUTCOME_FAILED
    network.chain.receipts[network.id_of(bad)].reason = "INSUFFICIENT_BALANCE"
    answer = await explain(network, good)
    assert (answer.stage, list(answer.blockers)) == (pb.STAGE_EXECUTED, [])
    assert answer.receipt.height == 1
    answer = await explain(network, bad)
    assert answer.stage == pb.STAGE_EXECUTED
    assert answer.blockers[0].remedy == pb.REMEDY_FUND


async def test_a_pending_one_is_told_by_each_validator_that_has_it(build_network: Any) -> None:
    network = await build_network()
    raw = network.transfer(3)
    blocker = pb.Blocker(reason="SEQUENCE_GAP", remedy=pb.REMEDY_SEND_SEQUENCE, sequence=2)
    position = pb.Position(stage=pb.STAGE_RECEIVED, sequence=3, blockers=[blocker])
    network.nodes[1].positions[network.id_of(raw)] = position
    network.nodes[3].positions[network.id_of(raw)] = pb.Position(stage=pb.STAGE_BATCHED)
    answer = await explain(network, raw)
    assert answer.stage == pb.STAGE_BATCHED
    assert [each.validator for each in answer.positions] == ["v1", "v3"]
    assert answer.positions[0].blockers[0] == blocker
    assert not answer.blockers


async def test_one_on_its_way_names_the_validator_it_was_sent_to(build_network: Any) -> None:
    network = await build_network()
    for node in network.nodes:
        node.is_hanging = True
    raw = network.transfer(0)
    sending = network.open().transactions.Submit(pb.SubmitRequest(transaction=raw))
    answer = await explain_until(network, raw, "ON_ITS_WAY")
    assert answer.sent_to in {node.name for node in network.nodes}
    assert answer.blockers[0].remedy == pb.REMEDY_WAIT
    sending.cancel()


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("OUTBID", pb.REMEDY_SEND_AGAIN),
        ("REPLACED", pb.REMEDY_UNSPECIFIED),
        ("EXPIRED", pb.REMEDY_MAKE_ANEW),
        ("SEQUENCE_PAST", pb.REMEDY_MAKE_ANEW),
        ("FEE_NOT_COVERED", pb.REMEDY_FUND),
    ],
)
async def test_a_dropped_one_says_why_and_what_helps(
    build_network: Any, reason: str, remedy: int
) -> None:
    network = await build_network()
    raw, client = network.transfer(0), network.open()
    await client.transactions.Submit(pb.SubmitRequest(transaction=raw))
    frame = pb.StageFrame(stage=pb.STAGE_DROPPED, ids=network.id_of(raw), reason=reason)
    network.node_of(raw).tell(frame)
    answer = await explain_until(network, raw, reason)
    assert (answer.stage, answer.reason) == (pb.STAGE_DROPPED, reason)
    assert answer.blockers[0].remedy == remedy
    assert answer.blockers[0].message and answer.blockers[0].advice


async def test_a_skipped_one_that_nobody_has_says_what_the_block_met(build_network: Any) -> None:
    network = await build_network()
    raw = network.transfer(0)
    network.chain.execute([])
    network.chain.receipts[network.id_of(raw)] = pb.Receipt(
        id=network.id_of(raw), height=1, outcome=pb.OUTCOME_SKIPPED, reason="FEE_TOO_LOW"
    )
    answer = await explain(network, raw)
    assert answer.stage == pb.STAGE_UNSPECIFIED
    assert [each.reason for each in answer.blockers] == ["FEE_TOO_LOW"]


async def test_it_answers_while_some_validators_do_not(build_network: Any) -> None:
    network = await build_network()
    raw = network.transfer(0)
    network.nodes[2].positions[network.id_of(raw)] = pb.Position(stage=pb.STAGE_RECEIVED)
    for node in (network.nodes[0], network.nodes[1]):
        await node.kill()
    answer = await explain(network, raw)
    assert [each.validator for each in answer.positions] == ["v2"]
