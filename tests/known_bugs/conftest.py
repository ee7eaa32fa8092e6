"""The real storage and gossip nodes of the unit tests, for bugs that lie in catching up."""

from tests.unit.quorate.gossip.conftest import nodes, start_cluster, strangers
from tests.unit.quorate.storage.conftest import (
    directory,
    forge,
    make_gossip,
    make_node,
    node,
)

__all__ = [
    "directory",
    "forge",
    "make_gossip",
    "make_node",
    "node",
    "nodes",
    "start_cluster",
    "strangers",
]
