"""A typed Python token on a network of real processes, by the SDK: sent, viewed, read, followed."""

import asyncio
from pathlib import Path

import pytest

from quorate.core.errors import InvalidInput, NotFound
from quorate.devnet.accounts import load_accounts
from quorate.devnet.network import Network
from quorate.devnet.readiness import wait_engine
from quorate.lang.build import build
from quorate.sdk.client import Client
from quorate.sdk.contract_sending import ContractFailed
from quorate.sdk.contracts import Contract, deploy
from quorate.sdk.keys import Key
from quorate.sdk.sender import Sender
from tests.devnet.traffic import PATIENCE_S

pytestmark = pytest.mark.devnet

SOURCE = Path(__file__).parents[2] / "examples" / "contracts" / "token.py"


def load_key(network: Network, index: int) -> Key:
    return Key(load_accounts(network.layout.directory).load_seed(index))


async def test_a_contract_is_called_like_an_object(network: Network) -> None:
    built = build(SOURCE.read_text(), str(SOURCE))
    alice, bob = load_key(network, 0), load_key(network, 1)
    async with (
        asyncio.timeout(2 * PATIENCE_S),
        Client(network.layout.endpoint) as client,
        Sender(client, alice) as sender,
    ):
        token = await deploy(client, sender, built, "Gold", "GLD", 2, 1_000)
        found = await Contract.at(client, token.address)
        assert found.interface == token.interface
        assert await found.view.balance_of(alice.address) == 1_000

        called = await token.call("transfer", bob.address, 5)
        assert called.detail.fuel > 0
        assert await found.read("balances", bob.address) == 5
        assert await found.read("balances", bytes(32)) == 0
        before = called.receipt.height - 1
        assert await found.read("balances", bob.address, height=before) == 0
        changes = await client.contracts.changes(token.address, before)
        assert len(changes.changes) == 2

        with pytest.raises(ContractFailed) as caught:
            await token.transfer(bob.address, 10_000)
        assert caught.value.reason == "REVERTED"
        assert caught.value.receipt is None
        assert caught.value.failure.line > 0
        with pytest.raises(ContractFailed) as caught:
            await token.call("transfer", bob.address, 10_000, fuel_limit=50_000_000)
        assert caught.value.receipt is not None
        assert caught.value.failure.line > 0

        told = [each async for each in found.list_events("Transferred")]
        assert [each.fields["amount"] for each in told if each.fields] == [1_000, 5]
        async for each in found.watch("Transferred", after=told[0].record.place):
            assert each.fields is not None
            assert each.fields["amount"] == 5
            break


async def test_what_is_wrong_is_said_before_anything_is_sent(network: Network) -> None:
    built = build(SOURCE.read_text(), str(SOURCE))
    alice = load_key(network, 0)
    async with (
        asyncio.timeout(2 * PATIENCE_S),
        Client(network.layout.endpoint) as client,
        Sender(client, alice) as sender,
    ):
        with pytest.raises(ContractFailed, match="a token needs a name"):
            await deploy(client, sender, built, "", "", 0, 0)
        token = await deploy(client, sender, built, "Gold", "GLD", 2, 1_000)
        spent = (await client.account(alice.address)).lanes
        for wrong in ((b"short", 5), (alice.address, -1), (alice.address, "5"), (alice.address,)):
            with pytest.raises(InvalidInput):
                await token.transfer(*wrong)
        with pytest.raises(AttributeError, match="there are: "):
            await token.steal(alice.address)
        with pytest.raises(ContractFailed) as caught:
            await token.view.transfer(alice.address, 0)
        assert caught.value.reason == "READ_ONLY"
        with pytest.raises(NotFound):
            await Contract.at(client, alice.address)
        with pytest.raises(InvalidInput, match="sender"):
            await (await Contract.at(client, token.address)).transfer(alice.address, 1)
        assert (await client.account(alice.address)).lanes == spent


async def test_events_and_views_go_on_while_validators_and_runners_are_killed(
    network: Network,
) -> None:
    built = build(SOURCE.read_text(), str(SOURCE))
    alice, bob = load_key(network, 0), load_key(network, 1)
    async with (
        asyncio.timeout(3 * PATIENCE_S),
        Client(network.layout.endpoint) as client,
        Sender(client, alice) as sender,
    ):
        token = await deploy(client, sender, built, "Gold", "GLD", 2, 1_000)
        told: asyncio.Queue[int] = asyncio.Queue()

        async def follow() -> None:
            first = [each async for each in token.list_events()][-1]
            async for each in token.watch("Transferred", after=first.record.place):
                assert each.fields is not None
                told.put_nowait(each.fields["amount"])

        following = asyncio.ensure_future(follow())
        for amount, node in enumerate((*network.layout.nodes[:3], None), 1):
            await token.transfer(bob.address, amount)
            assert await told.get() == amount
            expected = sum(range(amount + 1))
            while (found := await token.view.balance_of(bob.address)) != expected:
                assert found < expected, "a validator may be behind, none knows more"
            if node is not None:
                await asyncio.to_thread(network.kill, node.name)
                network.start(node.name)
                await wait_engine(node, ("voting",), PATIENCE_S)
        following.cancel()
        assert told.empty()
