"""Seats of a network of real processes change a parameter, and plan an upgrade nobody has."""

import asyncio

import pytest

from quorate.core.governance.payloads import ProposeChange, VoteChange
from quorate.core.governance.records import compute_proposal_id
from quorate.core.locks.payloads import LockTransfer
from quorate.core.params import Params
from quorate.core.transactions import Payload
from quorate.devnet import checks
from quorate.devnet.accounts import load_accounts
from quorate.devnet.layout import Spec
from quorate.devnet.network import Network
from quorate.devnet.readiness import describe, wait_engine
from quorate.sdk.client import Client
from quorate.sdk.keys import Key
from quorate.sdk.payloads import SENDER
from quorate.sdk.sender import Sender
from quorate.sdk.values import Outcome, Receipt
from tests.devnet.conftest import StartNetwork
from tests.devnet.traffic import PATIENCE_S, Traffic

pytestmark = pytest.mark.devnet


class Council:
    """The owners of a network's candidates; the faucet pays for what they sign."""

    def __init__(self, network: Network, client: Client) -> None:
        accounts = load_accounts(network.layout.directory)
        self.owners = [Key(accounts.owner_seed(node.name)) for node in network.layout.nodes]
        self._faucet, self._client = Key(accounts.faucet), client

    async def act(self, payload: Payload) -> Receipt:
        signers = [owner for owner in self.owners if owner.address == payload.signer]
        async with asyncio.timeout(PATIENCE_S), Sender(self._client, self._faucet) as sender:
            return await sender.send([payload], cosigners=signers)

    async def decide(self, parameter: str = "", value: int = 0, **plan: object) -> Receipt:
        """Let the first owner propose, the next two vote; returns the last receipt."""
        signers = [owner.address for owner in self.owners[:3]]
        change = ProposeChange(signers[0], parameter, value, *(plan.values() or ("", 0)))
        receipt = await self.act(change)
        assert receipt.outcome is Outcome.SUCCEEDED, receipt
        proposal = compute_proposal_id(receipt.id, 0)
        for signer in signers[1:]:
            receipt = await self.act(VoteChange(signer, proposal, True))
            assert receipt.outcome is Outcome.SUCCEEDED, receipt
        return receipt


async def test_three_of_four_seats_change_a_parameter(start_network: StartNetwork) -> None:
    params = Params(epoch_ms=2_000, heartbeat_ms=500)
    network = await start_network(Spec(params=params))
    async with Client(network.layout.endpoint) as client:
        council = Council(network, client)
        outsider = await council.act(ProposeChange(SENDER, "lock_blocks_max", 10, "", 0))
        assert outsider.reason == "NOT_SEATED"
        receipt = await council.decide("lock_blocks_max", 10)
        decided = (await client.block(receipt.height)).epoch
        async with asyncio.timeout(PATIENCE_S):
            async for block in client.watch_blocks(receipt.height):
                if block.epoch > decided:
                    break
        found = {each.name: each for each in (await client.params()).parameters}
        changed = found["lock_blocks_max"]
        assert (changed.value, changed.genesis_value) == (10, params.lock_blocks_max)
        assert found["slash_bp"].value == params.slash_bp
        assert not (await client.proposals()).proposals
        height = (await client.status()).height
        lock = LockTransfer(SENDER, bytes(32), 1, b"", bytes(32), 0, height + 5_000)
        assert (await council.act(lock)).reason == "LOCK_TOO_LONG"
        nodes = network.layout.nodes
        height = (await client.status()).height
        assert len(set((await checks.compare_digests(nodes, height)).values())) == 1


async def test_a_chain_stops_before_an_upgrade_that_nobody_has_and_is_read_on(
    start_network: StartNetwork,
) -> None:
    network = await start_network(Spec(params=Params(execution_lag_max=20)))
    async with Client(network.layout.endpoint) as client:
        upgrade = (await client.status()).height + 120
        await Council(network, client).decide(version="v2", height=upgrade)
        planned = await client.params()
        assert (planned.version, planned.next_version) == ("v1", "v2")
        assert planned.next_version_height == upgrade
        async with Traffic(network):
            for node in network.layout.nodes:
                await wait_engine(node, ("halted",), PATIENCE_S)
        await assert_stopped(client, network, upgrade)
        # Nor does starting it again change anything.
        await asyncio.to_thread(network.down)
        network.up()
        for node in network.layout.nodes:
            await wait_engine(node, ("halted",), PATIENCE_S)
        await assert_stopped(client, network, upgrade)


async def assert_stopped(client: Client, network: Network, upgrade: int) -> None:
    """Check that all validators say why they stopped, before a height, and can be read."""
    nodes = network.layout.nodes
    found = [await describe(node) for node in nodes]
    assert ["UPGRADE_REQUIRED" in each.detail for each in found] == [True] * 4
    last = await client.block()
    assert last.height == upgrade - 1
    assert (await client.params()).version == "v2"
    assert [await checks.read_height(node) for node in nodes] == [upgrade - 1] * 4
