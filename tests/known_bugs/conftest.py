"""The real storage and gossip nodes of the unit tests, for bugs that lie in catching up."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.unit.quorate.gossip.conftest import nodes, start_cluster, strangers
from tests.unit.quorate.storage.conftest import (
    directory,
    forge,
    make_gossip,
    make_node,
    node,
)

__all__ = [
    "ahead",
    "directory",
    "forge",
    "make_gossip",
    "make_node",
    "node",
    "nodes",
    "start_cluster",
    "strangers",
]


@pytest.fixture
async def ahead(make_node: Callable[..., Awaitable[Any]]) -> Any:
    """A real storage at height 40."""
    node = await make_node("ahead")
    await node.commit(node.forge.extend(40), together=True)
    return node
