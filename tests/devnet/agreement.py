"""What holds on any network at rest: one digest, and money that adds up."""

import asyncio
from collections.abc import Iterable

from quorate.devnet import checks
from quorate.devnet.network import Network


async def assert_all_agree(network: Network, more: Iterable[bytes] = ()) -> None:
    """Compare digests and add up what is held; `more` own candidates that came later."""
    nodes = network.layout.nodes
    height = max(await asyncio.gather(*[checks.read_height(node) for node in nodes]))
    digests = await checks.compare_digests(nodes, height)
    assert len(set(digests.values())) == 1, digests
    total, supply = await checks.sum_balances(network.layout, more)
    assert total == supply
