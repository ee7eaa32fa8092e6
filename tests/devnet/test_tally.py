"""What headers and the executed feed tell of a stretch of the chain: whose views were missed."""

import asyncio

import pytest

from quorate.core.errors import Unavailable
from quorate.core.genesis import parse_genesis
from quorate.core.params import Params
from quorate.devnet import checks, tally
from quorate.devnet.epoch_clock import EpochStarts, read_remaining
from quorate.devnet.layout import Spec
from quorate.sdk.client import Client
from tests.devnet.conftest import StartNetwork
from tests.devnet.traffic import PATIENCE_S, Traffic

pytestmark = pytest.mark.devnet

EPOCH_BLOCKS = 60


async def test_a_dead_leader_is_named_for_each_view_and_epochs_begin_where_blocks_say(
    start_network: StartNetwork,
) -> None:
    network = await start_network(Spec(params=Params(epoch_blocks=EPOCH_BLOCKS)))
    genesis = parse_genesis(network.layout.genesis.read_text())
    dead, witness = network.layout.nodes[1], network.layout.nodes[0]
    async with Traffic(network) as traffic, Client(network.layout.endpoint) as client:
        await traffic.wait_executed(100)
        await asyncio.to_thread(network.kill, dead.name)
        first = await checks.read_height(witness) + 1
        last = first + 2 * EPOCH_BLOCKS
        await checks.read_block(witness, last, 2 * PATIENCE_S)
        missed = await tally.count_missed(client, genesis, first, last)
        outcomes = await tally.count_outcomes(witness, first, last)
        own = await tally.find_own_block(client, _key(witness), first, PATIENCE_S)
        assert await tally.find_own_block(client, _key(dead), last, 1.0) == 0
        blocks = [await client.block(height) for height in range(first, last + 1)]
        begun = EpochStarts(client, genesis)
        starts = {epoch: await begun.find(epoch, last) for epoch in {b.epoch for b in blocks}}
        remaining = await read_remaining(client)
        # Beside the dead one a slow machine may make others late, though not often.
        of_dead = [each for each in missed if each.public_key == _key(dead)]
        assert len(of_dead) > len(missed) / 2 > 0
        assert {each.epoch for each in of_dead} <= set(starts)
        assert outcomes.transactions == sum(block.transactions for block in blocks)
        assert outcomes.failed == {}
        assert first <= own < last
        for epoch, start in starts.items():
            last_before = [b.height for b in blocks if b.epoch < epoch]
            if last_before:
                assert start.height == last_before[-1]
        assert 0 <= remaining.blocks <= EPOCH_BLOCKS and remaining.epoch >= max(starts)
        network.start(dead.name)
        assert (await traffic.settle()).lost == 0
    await asyncio.to_thread(network.down)
    with pytest.raises(Unavailable):
        await tally.count_outcomes(witness, first, last)


def _key(node: object) -> bytes:
    return bytes.fromhex(node.seat_key)  # type: ignore[attr-defined]
