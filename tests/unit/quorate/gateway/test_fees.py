"""Estimates: exact bounds of the base fee, tips of what waits, and typed refusals."""

import asyncio
from typing import Any

import grpc
import pytest

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.core.blocks import compute_base_fee
from quorate.core.fees import compute_tip
from quorate.core.kinds import KINDS
from quorate.core.transactions import Transfer, compute_weight
from quorate.gateway.fees import WITHIN_BLOCKS
from quorate.kit.faults import from_rpc_error


async def refuse(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return raised.value.code(), from_rpc_error(raised.value).reason


async def ask(network: Any, **fields: Any) -> pb.EstimateFeeResponse:
    client = network.open()
    return await client.transactions.EstimateFee(pb.EstimateFeeRequest(**fields))


async def test_the_base_fee_is_that_of_the_next_block_and_its_bound_that_of_full_ones(
    build_network: Any,
) -> None:
    network = await build_network()
    params = network.genesis.params
    for node in network.nodes:
        node.base_fee, node.weight = 1_000, params.block_weight_max
    network.chain.execute([network.transfer(0)])
    answer = await ask(network, weight=340, within_blocks=3)
    fees = [1_000]
    for _ in range(3):
        fees.append(compute_base_fee(fees[-1], params.block_weight_max, params))
    assert (answer.base_fee, answer.base_fee_max) == (fees[1], fees[3])
    assert answer.fee_limit == 340 * fees[3]
    assert (answer.weight, answer.within_blocks, answer.height) == (340, 3, 1)
    assert (answer.block_weight, answer.block_weight_max) == (params.block_weight_max,) * 2
    assert (answer.tip, answer.blocks) == (0, 4)


async def test_the_tip_is_that_of_the_validator_where_most_waits(build_network: Any) -> None:
    network = await build_network()
    queue = network.nodes[2].queue
    queue.prices.extend([0, 800])
    queue.weights.extend([20_000, 3_500])
    answer = await ask(network, weight=340, within_blocks=8)
    by_name = {basis.validator: basis for basis in answer.validators}
    assert {name: basis.price for name, basis in by_name.items()} == {
        "v0": 0, "v1": 0, "v2": 1, "v3": 0,
    }  # fmt: skip
    assert by_name["v2"].report == queue
    assert (answer.price, answer.blocks) == (1, 8)
    assert answer.tip == compute_tip(1, 340) == 1
    fast = await ask(network, weight=340, within_blocks=5)
    assert fast.price > 800
    assert (fast.tip, fast.blocks) == (compute_tip(fast.price, 340), 4)


async def test_weight_follows_from_size_signatures_and_kinds(build_network: Any) -> None:
    network = await build_network()
    kinds = ["transfer", "transfer", "register_candidate"]
    answer = await ask(network, size_bytes=500, signatures=2, payloads=kinds)
    two = compute_weight(500, 2, [Transfer(b"", b"", 1)] * 2)
    assert answer.weight == two + 50 + KINDS["register_candidate"].weight
    assert answer.within_blocks == WITHIN_BLOCKS


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "NO_WEIGHT"),
        ({"size_bytes": 5, "signatures": 1}, "NO_WEIGHT"),
        ({"size_bytes": 5, "signatures": 1, "payloads": ["evidence"]}, "UNKNOWN_PAYLOAD"),
        ({"weight": 2**63}, "OVERSIZED"),
        ({"size_bytes": 2**32 - 1, "signatures": 1, "payloads": ["transfer"]}, "OVERSIZED"),
        ({"weight": 340, "within_blocks": 257}, "OUT_OF_RANGE"),
    ],
)
async def test_bad_questions_are_refused_with_their_reason(
    build_network: Any, fields: dict[str, Any], reason: str
) -> None:
    network = await build_network(1)
    code, found = await refuse(ask(network, **fields))
    assert (code, found) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


async def test_figures_stay_within_64_bits_whatever_validators_say(build_network: Any) -> None:
    network = await build_network(1)
    node = network.nodes[0]
    node.base_fee, node.weight = 2**63 - 1, network.genesis.params.block_weight_max
    network.chain.execute([])
    node.queue.prices.append(2**63 - 1)
    node.queue.weights.append(2**60)
    answer = await ask(network, weight=8_000_000, within_blocks=256)
    assert answer.fee_limit + answer.tip < 2**64


async def test_validators_that_do_not_answer_are_left_out(build_network: Any) -> None:
    network = await build_network()
    await network.nodes[1].kill()
    answer = await ask(network, weight=340)
    assert {basis.validator for basis in answer.validators} >= {"v0", "v2", "v3"}
    for node in network.nodes:
        await node.kill()
    async with asyncio.timeout(60):
        # Readings are kept for a moment.
        code = None
        while code is not grpc.StatusCode.UNAVAILABLE:
            try:
                await ask(network, weight=340)
            except grpc.aio.AioRpcError as error:
                code = error.code()


async def test_many_questions_at_once_cost_one_round_of_calls(build_network: Any) -> None:
    network = await build_network()
    client = network.open()
    request = pb.EstimateFeeRequest(weight=340)
    calls = [client.transactions.EstimateFee(request) for _ in range(100)]
    answers = await asyncio.gather(*calls)
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert max(node.queues_told for node in network.nodes) < 20


async def test_dry_runs_are_passed_on_with_their_errors(build_network: Any) -> None:
    network = await build_network()
    client, raw = network.open(), network.transfer(0)
    answer = await client.trials.Simulate(pb.SimulateRequest(transaction=raw))
    assert answer.receipt.id == network.id_of(raw)
    assert [(each.before, each.after) for each in answer.balances] == [(9, 1)]
    code, reason = await refuse(client.trials.Simulate(pb.SimulateRequest(transaction=b"\xff")))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED")
    for node in network.nodes[:3]:
        await node.kill()
    assert (await client.trials.Simulate(pb.SimulateRequest(transaction=raw))).changes == 2
