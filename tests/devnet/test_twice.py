"""The same transaction given to two validators at once has one effect."""

import asyncio

import pytest

from quorate.api.gossip.v1 import gossip_pb2, gossip_pb2_grpc
from quorate.devnet.accounts import UNIT, load_accounts
from quorate.devnet.layout import Node
from quorate.devnet.network import Network
from quorate.devnet.ports import HOST
from quorate.kit.rpc import open_channel
from quorate.sdk.client import Client
from quorate.sdk.keys import Key
from quorate.sdk.payloads import build_transfers
from quorate.sdk.sender import sign_with_fee
from quorate.sdk.sending import send_and_wait
from quorate.sdk.transactions import Options
from quorate.sdk.values import Outcome
from tests.devnet.traffic import PATIENCE_S

pytestmark = pytest.mark.devnet


async def _submit(node: Node, raw: bytes) -> gossip_pb2.SubmitResponse:
    async with open_channel(f"{HOST}:{node.gossip_port}") as channel:
        call = gossip_pb2_grpc.IngressServiceStub(channel).Submit()
        await call.write(gossip_pb2.SubmitRequest(chunk=1, transactions=[raw]))
        answer = await call.read()
        call.cancel()
    assert isinstance(answer, gossip_pb2.SubmitResponse)
    return answer


async def test_one_transaction_to_all_validators_at_once_has_one_effect(network: Network) -> None:
    accounts = load_accounts(network.layout.directory)
    demo, to = Key(accounts.demo), Key.generate()
    async with Client(network.layout.endpoint) as client:
        status, before = await client.status(), await client.account(demo.address)
        for sequence in range(10):
            options = Options(
                sequence=sequence, valid_until_height=status.height + 1_000, fee_limit=0
            )
            payloads = build_transfers([(to.address, UNIT)])
            signed = await sign_with_fee(client, status.domain, [demo], payloads, options)
            answers = await asyncio.gather(
                *[_submit(node, signed.raw) for node in network.layout.nodes]
            )
            assert any(not answer.rejections for answer in answers)
            receipt = await send_and_wait(client, signed, timeout_s=PATIENCE_S)
            assert receipt.outcome is Outcome.SUCCEEDED
        assert (await client.account(to.address)).balance == 10 * UNIT
        after = await client.account(demo.address)
    assert after.lanes[0] == 10
    assert before.balance - after.balance > 10 * UNIT  # and the fees, once each
