"""Where a peer is dialled: at its record's address, at the configured one, or only there."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from quorate.gossip.peers import Peer, PeerTable
from quorate.gossip.records import NodeRecord
from quorate.kit.config import NodeConfig

OWN, OTHER = b"\1" * 32, b"\2" * 32
CONFIGURED, RECORDED = "127.0.0.1:1001", "127.0.0.1:2002"


def make_peer(*, pinned: bool) -> Peer:
    config = NodeConfig(
        home=Path("home"),
        name="one",
        sockets_dir=Path("sockets"),
        peers=[f"{OTHER.hex()}@{CONFIGURED}"],
        peers_pinned=pinned,
    )
    table = PeerTable(OWN, config)
    record: Any = SimpleNamespace(node_id=OTHER, address=RECORDED, sequence=1, signature=b"s")
    assert table.learn(cast("NodeRecord", record))
    return table.peers[OTHER]


@pytest.mark.parametrize("failures", [0, 1, 2, 3])
async def test_pinned_peer_is_dialled_where_the_file_says_whatever_its_record_says(
    failures: int,
) -> None:
    peer = make_peer(pinned=True)
    peer.failures = failures
    assert peer.pick_address() == CONFIGURED


async def test_other_configured_peers_are_tried_at_both_places_in_turn() -> None:
    peer, tried = make_peer(pinned=False), []
    for failures in range(4):
        peer.failures = failures
        tried.append(peer.pick_address())
    assert tried == [RECORDED, CONFIGURED, RECORDED, CONFIGURED]
