"""Known bugs of cometbft: peers that lie about their height, and indexes out of range."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from quorate.api.gossip.v1 import gossip_pb2
from quorate.api.peers.v1 import peers_pb2
from quorate.core.bft import events as on
from quorate.core.bft.messages import (
    Certificate,
    Kind,
    SeatAnswer,
    SeatQuery,
    Vote,
    decode_message,
)
from quorate.core.bft.quorum import check_certificate
from quorate.core.errors import InvalidCertificate, MalformedBytes
from quorate.gossip.peers import PeerTable
from quorate.kit import metrics
from quorate.kit.config import NodeConfig
from quorate.storage import catchup
from tests.known_bugs.net import Bench
from tests.unit.quorate.core.bft.bench import make_batch, name_of
from tests.unit.quorate.gossip.conftest import Cluster
from tests.unit.quorate.gossip.conftest import Node as GossipNode

N, Z, F = Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE
FAR = 2**63
DEADLINE_S = 15.0
SHORT_S = 4.0

MakeNode = Callable[..., Awaitable[Any]]


# ---- CVE-2025-24371, which is ASA-2025-001 -------------------------------------------------------


async def wait_caught_up(node: Any) -> None:
    """Return when a real storage no longer believes itself behind."""
    async with asyncio.timeout(DEADLINE_S):
        while node.service.catch_up.active:
            await node.chain.changed.wait()


def test_asa_2025_001_a_peers_height_is_what_it_said_last(tmp_path: Any) -> None:
    """ASA-2025-001: a peer told a latest height and then a lower one; the higher one stayed the
    target of all, and the node was catching up for ever.

    Here the last word of a peer counts. Rule: `PeerTable.set_height` takes lower words too.
    """
    table = PeerTable(b"own", NodeConfig(home=tmp_path, name="n", sockets_dir=tmp_path))
    for name, height in ((b"honest", 40), (b"liar", FAR)):
        table.configure(name, "127.0.0.1:1")
        table.set_up(table.peers[name])
        table.set_height(table.peers[name], height)
    assert table.compute_best_height() == FAR
    table.set_height(table.peers[b"liar"], 7)
    assert table.compute_best_height() == 40


async def test_asa_2025_001_a_target_that_is_taken_back_ends_catching_up(
    node: Any, ahead: Any, make_gossip: MakeNode
) -> None:
    """ASA-2025-001, at the service that catches up: the target was only ever raised.

    Here the best height is followed downwards: then the node is ready again, and it goes on with
    true heights. Rule: `CatchUp.watch` takes each height as it comes.
    """
    gossip = await make_gossip(node, ahead)
    gossip.announce(FAR)
    await node.wait_height(40)
    assert node.service.catch_up.active
    gossip.announce(40)
    await wait_caught_up(node)
    await ahead.commit(ahead.forge.extend(3, ahead.chain.head))
    gossip.announce(43)
    await node.wait_height(43)
    assert not gossip.reports, "an empty answer is no wrong run"


async def test_cve_2025_24371_a_height_that_nobody_has_neither_stalls_nor_heats(
    node: Any, ahead: Any, make_gossip: MakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CVE-2025-24371 (and 5801, where one report of the greatest height sufficed): the node asked
    for ever for blocks that do not exist, and took none that do.

    Here it takes what there is while the claim stands, and asks seldom: the wait doubles with each
    answer that brings nothing. Rule: `CatchUp._fetch_until_near` (docs/protocol.md#K2).
    """
    waits_s: list[float] = []
    enough = asyncio.Event()

    async def note(delay_s: float) -> None:
        waits_s.append(delay_s)
        if len(waits_s) >= 12:
            enough.set()
            await asyncio.Event().wait()

    gossip = await make_gossip(node, ahead)
    real_sleep = asyncio.sleep
    monkeypatch.setattr(catchup.asyncio, "sleep", lambda s: note(s) if s else real_sleep(0))
    gossip.announce(FAR)
    await node.wait_height(40)
    await asyncio.wait_for(enough.wait(), DEADLINE_S)
    assert waits_s[:12] == [0.1, 0.2, 0.4, 0.8, 1.6, *[catchup.RETRY_S_MAX] * 7]
    monkeypatch.undo()


async def test_cve_2025_24371_who_gives_nothing_of_what_it_claims_is_not_believed(
    start_cluster: Cluster,
) -> None:
    """CVE-2025-24371: the peer that fails to give the claimed blocks must stop being the target.

    Here gossip asks it, gets nothing, and its claim no longer counts: storage hears the true best
    height. Rule: `Fetcher.fetch_blocks` doubts who answers with nothing.
    """
    group = await start_cluster(3)
    asking, honest, liar = group
    await wait_peers(asking, 2)
    async with asyncio.timeout(SHORT_S):
        honest.siblings.execute([])
        honest.siblings.blocks.append(b"block")
        best = watch_best_height(asking)
        while await anext(best) != 1:
            pass
        table = asking.running.router.table
        table.set_height(table.peers[liar.node_id], FAR)
        while await anext(best) != FAR:
            pass
        for _ in range(3):
            answer = await fetch_blocks(asking, 2)
            assert not answer.blocks
        while await anext(best) != 1:
            pass
        assert (await fetch_blocks(asking, 1)).node_id == honest.node_id


async def wait_peers(node: GossipNode, count: int) -> None:
    """Return when a real gossip can send to so many peers."""
    engine = await node.attach()
    await engine.wait(lambda: sum(up for up, _ in engine.peers.values()) >= count)


def get_gossip(node: GossipNode) -> Any:
    """Return the stub that a node's own storage uses."""
    return node._engines[0].stub


async def watch_best_height(node: GossipNode) -> Any:
    """Yield the best heights as storage hears them."""
    async for response in get_gossip(node).WatchBestHeight(gossip_pb2.WatchBestHeightRequest()):
        yield response.height


async def fetch_blocks(node: GossipNode, from_height: int) -> Any:
    """Ask as storage does."""
    request = gossip_pb2.FetchBlocksRequest(from_height=from_height, size_bytes_max=1 << 20)
    return await get_gossip(node).FetchBlocks(request)


# ---- ASA-2024-011 --------------------------------------------------------------------------------

SEATS = (4, 5, 511, 512, 2**16 - 1)


@pytest.mark.parametrize("seat", SEATS)
def test_asa_2024_011_an_index_out_of_range_is_refused_and_breaks_nothing(seat: int) -> None:
    """ASA-2024-011: a vote whose validator index was out of range made the receiver panic.

    Here every seat number that a message can hold is dropped where it names no seat, before a key
    is looked up. Rule: the seat checks in `Receiver` and `check_certificate` (docs/protocol.md#R1).
    """
    bench = Bench()
    proposal = bench.build(1, proposer=1)
    votes = [replace(bench.sign(1, kind, 1, bytes(32)), seat=seat) for kind in (N, Z, F)]
    outside = tuple((each, bytes(64)) for each in (seat, 0, 1))
    certificate = Certificate(Z, 0, 1, bytes(32), 4, outside)
    larger = Certificate(Z, 0, 1, bytes(32), seat + 1, outside)
    header = replace(proposal.block.header, proposer=seat)
    forged = replace(proposal, block=replace(proposal.block, header=header))
    before = len(bench.done)
    for message in (*votes, certificate, larger, forged, SeatQuery(0, seat)):
        bench.hear(1, message)
    bench.hear(1, SeatAnswer(0, seat, votes[0].encode()))
    bench.hear(1, SeatAnswer(0, 0, votes[0].encode()))
    bench.put(on.BatchesReported, seat, (name_of(make_batch(1)),))
    assert bench.replica.view == 1 and bench.replica.get_state()[0] == "voting"
    assert not any(bench.replica.get_view(1).votes.values())
    assert not [effect for effect in bench.done[before:] if "Evidence" in type(effect).__name__]
    keys = [key.public_key for key in bench.keys]
    for each in (certificate, larger):
        with pytest.raises(InvalidCertificate):
            check_certificate(each, keys, bytes(32), 0)


@pytest.mark.parametrize(("seats", "voters"), [(513, 0), (2**16 - 1, 0), (4, 8), (9, 16)])
def test_asa_2024_011_a_set_beyond_the_limit_or_a_seat_beyond_the_set_is_malformed(
    seats: int, voters: int
) -> None:
    """ASA-2024-011, on the wire: here no certificate can name a seat that its set has not.

    Rule: the bounds of set and bitmap in `_decode_certificate` (docs/protocol.md#S5).
    """
    head = bytes((Kind.CERTIFICATE, Z)) + bytes(8) + bytes(7) + b"\1" + bytes(32)
    bitmap = ((1 << voters) - 1).to_bytes((seats + 7) // 8, "little")
    encoded = head + seats.to_bytes(2, "big") + bitmap + bytes(64) * min(voters, seats)
    with pytest.raises(MalformedBytes):
        decode_message(encoded)
    smaller = head + (8).to_bytes(2, "big") + b"\xff" + bytes(64) * 8
    assert isinstance(decode_message(smaller), Certificate), "all else about it is right"


async def test_asa_2024_011_a_node_lives_on_after_indexes_out_of_range(
    start_cluster: Cluster, strangers: Callable[..., Any]
) -> None:
    """ASA-2024-011, at a real node: batch author and vote name no seat, a seat proof no key.

    Here each is refused and the node goes on serving. Rule: `Receiver._check_sender`, and
    `crypto.is_signed` takes any bytes for a key (docs/protocol.md#P3).
    """
    (node,) = await start_cluster(1)
    engine = await node.attach()
    vote = Vote(N, 0, 1, bytes(32), 2**16 - 1, bytes(64)).encode()
    batch = replace(make_batch(1), author=2**16 - 1).encode() + bytes(128)
    proof = peers_pb2.SeatProof(public_key=bytes(31), epoch=2**63, signature=bytes(64))
    counters = [metrics.PEER_FAULTS.labels(f) for f in ("MALFORMED_FRAME", "BAD_SEAT_PROOF")]
    before = [counter._value.get() for counter in counters]
    for parts in ({"batches": [batch]}, {"seat_proof": proof}, {"consensus": [vote]}):
        stranger = strangers(node.genesis)
        await stranger.attach(node)
        await stranger.send(**parts)
    await engine.wait(lambda: bool(engine.incoming))
    assert [each.message for each in engine.incoming] == [vote]
    assert [counter._value.get() for counter in counters] == [count + 1 for count in before]
    assert all(not peer.seat_key for peer in node.running.router.table.peers.values())
