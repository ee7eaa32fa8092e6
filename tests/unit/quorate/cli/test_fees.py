"""`quorate tx estimate|explain` and dry runs, against a real gateway."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from quorate.api.transaction.v1 import transaction_pb2 as pb
from quorate.cli.main import app
from quorate.core.values import format_address
from quorate.kit import faults
from tests.unit.quorate.gateway.conftest import build_network

__all__ = ["build_network"]


async def run(network: Any, *arguments: str, code: int = 0) -> str:
    """Return what a command prints."""
    done = await asyncio.to_thread(
        CliRunner().invoke, app, [*arguments, "-e", network.target], env={"COLUMNS": "160"}
    )
    assert done.exit_code == code, done.output
    return done.stdout


async def test_an_estimate_shows_what_to_pay_and_what_it_comes_of(build_network: Any) -> None:
    network = await build_network()
    network.nodes[0].queue.prices.append(40)
    network.nodes[0].queue.weights.append(90_000)
    network.nodes[0].queue.ready_weight = 90_000
    found = json.loads(await run(network, "tx", "estimate", "--within", "6", "--json"))
    assert found["fee_limit"] == found["weight"] * found["base_fee_max"]
    assert (found["within_blocks"], found["blocks"], found["tip"]) == (6, 4, 19)
    assert [each["validator"] for each in found["queues"]] == ["v0", "v1", "v2", "v3"]
    assert found["queues"][0]["ladder"] == [[40, 90_000]]
    text = await run(network, "tx", "estimate", "--weight", "1000", "--within", "2")
    assert "no tip has it executed within 2 blocks" in text
    assert "90,000" in text and "v3" in text
    two = json.loads(await run(network, "tx", "estimate", "--transfers", "2", "--json"))
    assert two["weight"] > found["weight"] + 50


async def test_a_dry_run_needs_no_key_and_sends_nothing(build_network: Any) -> None:
    network = await build_network()
    payer, to = format_address(network.sender), format_address(bytes(32))
    send = ("tx", "send", to, "5", "--from", payer, "--dry-run")
    found = json.loads(await run(network, *send, "--json"))
    assert found["receipt"]["outcome"] == "SUCCEEDED"
    assert found["balances"] == [{"address": network.sender.hex(), "before": 9, "after": 1}]
    text = await run(network, *send, "--tip", "0.5", "--within", "3")
    assert "succeeded" in text and payer in text
    assert not any(node.received for node in network.nodes)


async def test_what_blocks_a_transaction_is_shown_with_what_helps(build_network: Any) -> None:
    network = await build_network()
    raw = network.transfer(3)
    blocker = pb.Blocker(
        reason="SEQUENCE_GAP", message="sequence 2 is missing", advice="send sequence 2",
        remedy=pb.REMEDY_SEND_SEQUENCE, sequence=2,
    )  # fmt: skip
    network.nodes[1].positions[network.id_of(raw)] = pb.Position(
        stage=pb.STAGE_RECEIVED, sequence=3, next_sequence=1, ahead_weight=5_000, tip=7,
        blockers=[blocker],
    )  # fmt: skip
    id_ = network.id_of(raw).hex()
    text = await run(network, "tx", "explain", id_)
    for part in ("v1, received", "SEQUENCE_GAP", "send sequence 2", "5,000 weight"):
        assert part in text
    found = json.loads(await run(network, "tx", "explain", id_, "--json"))
    assert (found["id"], found["stage"], found["receipt"]) == (id_, "RECEIVED", None)
    assert found["positions"][0]["blockers"][0]["remedy"] == "SEND_SEQUENCE"


async def test_an_unknown_one_is_not_found_and_an_executed_one_shows_its_receipt(
    build_network: Any,
) -> None:
    network = await build_network()
    raw = network.transfer(0)
    text = await run(network, "tx", "explain", network.id_of(raw).hex(), code=faults.EXIT_NOT_FOUND)
    assert "UNKNOWN" in text
    network.chain.execute([raw])
    text = await run(network, "tx", "explain", network.id_of(raw).hex())
    assert "executed" in text and "height 1" in text
    assert "blocked by" not in text


@pytest.mark.parametrize("id_", ["", "zz", "00" * 31])
async def test_what_is_no_id_is_bad_input(build_network: Any, id_: str) -> None:
    network = await build_network(1)
    done = CliRunner().invoke(app, ["tx", "explain", id_, "-e", network.target])
    assert getattr(done.exception, "reason", "") == "MALFORMED_ID"
