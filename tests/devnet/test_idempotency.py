"""A payment with an idempotency key takes effect once, whoever is killed while it is sent.

A slice of `make idempotency`, and the control that the judge finds an effect too many.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest

from quorate.core.genesis import parse_genesis
from quorate.devnet.network import Network
from quorate.sdk.client import Client
from quorate.sdk.sender import Lanes, Sender
from quorate.sdk.values import Outcome
from tests.conftest import SEED
from tests.devnet.traffic import PATIENCE_S
from tests.idempotency.effects import Verdict, judge, read_facts
from tests.idempotency.plan import Plan, Send
from tests.idempotency.runner import make_plan, run_sends

pytestmark = pytest.mark.devnet

SENDS = 1_000
KILLS = 6
LIMIT_S = 900.0
FEW = 6


async def test_a_thousand_payments_through_kills_take_effect_once_each() -> None:
    print(f"replay: python tests/idempotency/run.py --sends {SENDS} --kills {KILLS} --seed {SEED}")
    report = await run_sends(SEED, SENDS, KILLS, lambda report: None, LIMIT_S)
    print(report)
    assert (report.verdict.effects, report.connections) == (SENDS, 50)
    assert report.verdict.duplicates >= SENDS
    assert len(report.kills) >= 3


async def pay(plan: Plan, sends: Sequence[Send], keys: Sequence[bytes]) -> None:
    """Pay each of these once under each of these keys (b"own": the planned one)."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(plan.endpoints[0]))
        for send in sends:
            key = plan.get_key(send.account)
            async with Sender(client, key, lanes=Lanes([send.number])) as sender:
                for each in keys:
                    receipt = await sender.transfer(
                        [(send.to, send.amount)],
                        idempotency_key=send.key if each == b"own" else each,
                    )
                    assert receipt.outcome is Outcome.SUCCEEDED


async def stop_and_judge(network: Network, plan: Plan) -> Verdict:
    """Stop a network and judge what it did, by whoever has executed most."""
    assert await asyncio.to_thread(network.down) == []
    genesis = parse_genesis(network.layout.genesis.read_text())
    facts = [read_facts(network.layout.home(node), genesis) for node in network.layout.nodes]
    return judge(plan, max(facts, key=lambda each: each.height), dict(genesis.balances))


@pytest.mark.parametrize("careless", [b"", b"another key"], ids=["without a key", "with a new key"])
async def test_a_planted_second_effect_is_found(network: Network, careless: bytes) -> None:
    plan = make_plan(network, (network.layout.endpoint,), SEED, FEW)
    sends = plan.list_sends()
    async with asyncio.timeout(PATIENCE_S):
        # As it should be done: each twice under its own key.
        await pay(plan, sends, [b"own", b"own"])
        # As a client does that keeps no key of what it had sent.
        await pay(plan, sends[2:3], [careless])
    verdict = await stop_and_judge(network, plan)
    again, amount = sends[2].number, sends[2].amount
    assert f"payment {again}: its recipient has {2 * amount} instead of {amount}" in str(verdict)
    assert "with a key nobody planned" in str(verdict)
    assert len(verdict.problems) == 2
