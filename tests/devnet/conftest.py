"""Networks of real processes for one test each; nothing of them is left afterwards."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack

import pytest

from quorate.devnet.layout import Spec
from quorate.devnet.network import Network, temporary_network
from quorate.devnet.readiness import wait_ready
from tests.devnet.traffic import PATIENCE_S

StartNetwork = Callable[[Spec], Awaitable[Network]]


@pytest.fixture
async def start_network() -> AsyncIterator[StartNetwork]:
    """Give a function that starts a network and returns it when every validator votes."""
    with ExitStack() as stack:

        async def start(spec: Spec) -> Network:
            network = stack.enter_context(temporary_network(spec))
            network.up()
            await wait_ready(network, PATIENCE_S)
            return network

        yield start


@pytest.fixture
async def network(start_network: StartNetwork) -> Network:
    """Four validators and a gateway, all voting."""
    return await start_network(Spec())
