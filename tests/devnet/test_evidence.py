"""A seat that signs twice is found, reported, and marked at all validators; a lawful one never is.

The liar is a twin: it has the key of a validator that was killed, and streams of its own to those
that run, so that it can tell each of them something else.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from quorate.api.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from quorate.consensus.audit import AuditedLog
from quorate.consensus.seat_key import open_seat_key
from quorate.core.bft.evidence import Signed
from quorate.core.bft.messages import Kind
from quorate.core.genesis import parse_genesis
from quorate.devnet.audit import merge_audit_logs
from quorate.devnet.layout import Node, Spec
from quorate.devnet.network import Network
from quorate.devnet.ports import HOST
from quorate.devnet.readiness import describe, wait_engine
from quorate.kit.rpc import open_channel
from quorate.sdk.client import Client
from quorate.sdk.values import Seat
from tests.devnet.conftest import StartNetwork
from tests.devnet.traffic import PATIENCE_S, Traffic
from tests.unit.quorate.core.liars import Liar
from tests.unit.quorate.gossip.conftest import Stranger

pytestmark = pytest.mark.devnet

LIAR = 3
# Votes of the next views count too, so that a heartbeat just now does not make these too old.
AHEAD = 2
DIGESTS = [bytes([n]) * 32 for n in (1, 2)]


class Twin:
    """Speaks as a seat over streams of its own."""

    def __init__(self, network: Network, directory: Path) -> None:
        node = network.layout.nodes[LIAR]
        self._genesis = parse_genesis(network.layout.genesis.read_text())
        key = open_seat_key(network.layout.home(node))
        self.liar = Liar(key, LIAR, self._genesis.domain)
        self._directory = directory
        self._streams: dict[str, Stranger] = {}

    async def send(self, node: Node, messages: Sequence[Signed]) -> None:
        """Send signed messages to one validator."""
        if node.name not in self._streams:
            stranger = Stranger(self._genesis, self._directory / node.name)
            address = SimpleNamespace(
                config=SimpleNamespace(peer_listen=f"{HOST}:{node.peer_port}")
            )
            answer = await stranger.attach(cast("Any", address))
            assert answer.accepted
            self._streams[node.name] = stranger
        await self._streams[node.name].send(consensus=[each.encode() for each in messages])

    async def aclose(self) -> None:
        """End all streams."""
        for stranger in self._streams.values():
            await stranger.close()


@pytest.fixture
async def twin(network: Network, tmp_path: Path) -> AsyncIterator[Twin]:
    """The twin of a validator that was killed."""
    await asyncio.to_thread(network.kill, network.layout.nodes[LIAR].name)
    async with contextlib.aclosing(Twin(network, tmp_path)) as twin:
        yield twin


async def read_seats(node: Node) -> list[ledger_pb2.Seat]:
    """Return the seats as one validator's own state has them."""
    async with open_channel(f"{HOST}:{node.storage_port}") as channel:
        stub = ledger_pb2_grpc.LedgerServiceStub(channel)
        answer = await stub.ListSeats(ledger_pb2.ListSeatsRequest(), wait_for_ready=True)
    return list(answer.seats)


def read_messages(home: Path) -> set[Signed]:
    """Return every signed message in a running validator's vote log."""
    log = AuditedLog(home / "consensus" / "log", home.name)
    try:
        return {seen.message for stream in log.list_streams() for seen in stream}
    finally:
        log.close()


async def wait_marked(network: Network) -> Seat:
    """Return the first seat that is marked on chain; looks after each block."""
    async with Client(network.layout.endpoint) as client, asyncio.timeout(PATIENCE_S):
        blocks = client.watch_blocks()
        while True:
            for seat in (await client.seats()).seats:
                if seat.evidence:
                    return seat
            with contextlib.suppress(StopAsyncIteration):
                await anext(blocks)


async def test_double_vote_that_one_validator_saw_is_marked_at_all_and_lawful_votes_are_not(
    network: Network, twin: Twin
) -> None:
    witness, *others = network.layout.nodes[:LIAR]
    view = (await describe(witness)).view + AHEAD
    lawful = twin.liar.vote(Kind.NOTARIZE, view, DIGESTS[0]), twin.liar.vote(Kind.NULLIFY, view)
    for node in (witness, *others):
        await twin.send(node, lawful)
    async with Traffic(network) as traffic:
        await traffic.wait_executed(50)
        assert (await traffic.settle()).lost == 0
    for node in (witness, *others):
        assert not any(seat.HasField("mark") for seat in await read_seats(node))
        assert set(lawful) <= await asyncio.to_thread(read_messages, network.layout.home(node))
    before = await asyncio.to_thread(merge_audit_logs, [network.layout.directory])
    assert before.conflicts == 0

    view = (await describe(witness)).view + AHEAD
    double = [twin.liar.vote(Kind.NOTARIZE, view, digest) for digest in DIGESTS]
    await twin.send(witness, double)
    for node in others:
        await twin.send(node, double[:1])
    marked = await wait_marked(network)
    assert (marked.seat, marked.view) == (LIAR, view)

    # Who was away learns it from the blocks like everyone else.
    network.start(network.layout.nodes[LIAR].name)
    async with Client(network.layout.endpoint) as client:
        await asyncio.wait_for(catch_up(network, marked.height), PATIENCE_S)
        assert [each.seat for each in (await client.seats()).seats if each.evidence] == [LIAR]
    expected = ledger_pb2.Mark(view=view, height=marked.height, evidence=marked.evidence)
    for node in network.layout.nodes:
        marks = {seat.seat: seat.mark for seat in await read_seats(node) if seat.HasField("mark")}
        assert marks == {LIAR: expected}
    after = await asyncio.to_thread(merge_audit_logs, [network.layout.directory])
    assert after.conflicts == 1
    found = after.findings[0]
    assert (found.view, found.seat, found.verified) == (view, LIAR, True)
    assert {found.first.digest, found.second.digest} == set(DIGESTS)


async def catch_up(network: Network, height: int) -> None:
    """Return when every validator has executed a height."""
    for node in network.layout.nodes:
        async with open_channel(f"{HOST}:{node.storage_port}") as channel:
            stub = ledger_pb2_grpc.LedgerServiceStub(channel)
            request = ledger_pb2.WatchBlocksRequest(from_height=height)
            async for _ in stub.WatchBlocks(request, wait_for_ready=True):
                break


async def test_evidence_recorded_before_a_kill_goes_on_chain_after_the_restart(
    start_network: StartNetwork, tmp_path: Path
) -> None:
    network = await start_network(Spec(split=True))
    witness = network.layout.nodes[0]
    await asyncio.to_thread(network.kill, network.layout.nodes[LIAR].name)
    view = (await describe(witness)).view + AHEAD
    # Without its storage it can report nothing: all that is left of the lie is in its vote log.
    network.pause(witness.name, "storage")
    async with contextlib.aclosing(Twin(network, tmp_path)) as twin:
        await twin.send(witness, [twin.liar.vote(Kind.FINALIZE, view, d) for d in DIGESTS])
        home = network.layout.home(witness)
        async with asyncio.timeout(PATIENCE_S):
            while not (await asyncio.to_thread(merge_audit_logs, [home])).conflicts:
                pass
    await asyncio.to_thread(network.kill, witness.name)
    network.start(witness.name)
    await wait_engine(witness, ("voting",), PATIENCE_S)
    marked = await wait_marked(network)
    assert (marked.seat, marked.view) == (LIAR, view)
