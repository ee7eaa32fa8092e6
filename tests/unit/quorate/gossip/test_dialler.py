"""Streams come back after restarts, and a peer that falls silent makes nobody else wait."""

import asyncio
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from quorate.api.gossip.v1.gossip_pb2 import Outgoing
from quorate.core.gossip.outbox import BULK_BYTES_MAX
from quorate.gossip.identity import init_node
from quorate.gossip.records import parse_address
from tests.unit.quorate.gossip.conftest import (
    SEAT_KEYS,
    Cluster,
    Node,
    build_batch,
    build_test_genesis,
    sign_transfer,
)

# A node of its own process, so that it can be stopped like one that hangs.
PROCESS = """
    import asyncio, sys
    from tests.unit.quorate.gossip.conftest import Node, build_test_genesis

    async def main():
        node = Node(build_test_genesis(), 3)
        await node.start(sys.argv[1])
        print("node", node.node_id.hex(), node.home, flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())
"""


@pytest.fixture
async def outsider(nodes: list[Node]) -> AsyncIterator[tuple[Node, subprocess.Popen[str], bytes]]:
    """A node here and a peer of it in another process."""
    node = Node(build_test_genesis(), 0)
    nodes.append(node)
    await node.start()
    root = Path(__file__).parents[4]
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROCESS), node.peer],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = await asyncio.get_running_loop().run_in_executor(None, process.stdout.readline)
    while not line.startswith("node "):
        line = await asyncio.get_running_loop().run_in_executor(None, process.stdout.readline)
    _, node_id, home = line.split()
    yield node, process, bytes.fromhex(node_id)
    process.kill()
    process.wait()
    process.stdout.close()
    shutil.rmtree(home)


async def test_a_peer_that_stops_reading_blocks_nobody_and_is_bounded(
    outsider: tuple[Node, subprocess.Popen[str], bytes], nodes: list[Node]
) -> None:
    node, process, node_id = outsider
    engine = await node.attach()
    await engine.wait(lambda: engine.peers.get(node_id, (False, None))[0])
    other = Node(build_test_genesis(), 1)
    nodes.append(other)
    await other.start(node.peer)
    second = await other.attach()
    await engine.wait(lambda: engine.peers.get(other.node_id, (False, None))[0])
    process.send_signal(signal.SIGSTOP)
    table = node.running.router.table
    raws = [sign_transfer(node.genesis, n) for n in range(900)]
    batch = build_batch(node.genesis, raws, 0).encode()
    for _ in range(100):
        # Whoever reads drops it as a duplicate at once.
        table.broadcast_batch(batch)
        await asyncio.sleep(0)
    for number in range(200):
        await engine.send(Outgoing(broadcast=True, message=b"%d" % number))
    await second.wait(lambda: len(second.incoming) == 200)
    silent = table.peers[node_id]
    assert silent.outbox.queued_bytes <= 2 * BULK_BYTES_MAX
    assert silent.outbox.dropped
    process.send_signal(signal.SIGCONT)


async def test_streams_come_back_after_a_restart_on_either_side(start_cluster: Cluster) -> None:
    group = await start_cluster(2)
    engines = [await node.attach() for node in group]
    await engines[0].wait(lambda: engines[0].peers.get(group[1].node_id) == (True, 1))
    for _ in range(2):
        await group[1].stop_gossip()
        await engines[0].wait(lambda: not engines[0].peers[group[1].node_id][0])
        await group[1].start(siblings=False)
        await engines[0].wait(lambda: engines[0].peers[group[1].node_id] == (True, 1))
    again = await group[1].attach()
    await again.wait(lambda: again.peers.get(group[0].node_id) == (True, 0))
    await again.send(Outgoing(seat_key=SEAT_KEYS[0].public_key, message=b"back"))
    await engines[0].wait(lambda: any(m.message == b"back" for m in engines[0].incoming))


async def test_another_node_at_a_peers_address_is_not_taken_for_it(
    nodes: list[Node], tmp_path: Path
) -> None:
    text = build_test_genesis()
    real, dialler = Node(text, 0), Node(text, 1)
    nodes += [real, dialler]
    await real.start()
    imposter_id = init_node(tmp_path)
    await dialler.start(f"{imposter_id.hex()}@{real.config.peer_listen}", real.peer)
    engine = await dialler.attach()
    await engine.wait(lambda: engine.peers.get(real.node_id) == (True, 0))
    assert not dialler.running.router.table.peers[imposter_id].is_up


async def test_nodes_of_two_chains_never_connect(nodes: list[Node]) -> None:
    ours, theirs = Node(build_test_genesis(), 0), Node(build_test_genesis(chain_id="other"), 1)
    friend = Node(build_test_genesis(), 2)
    nodes += [ours, theirs, friend]
    await theirs.start()
    await ours.start(theirs.peer)
    await friend.start(ours.peer)
    engine = await ours.attach()
    await engine.wait(lambda: engine.peers.get(friend.node_id) == (True, 2))
    assert theirs.node_id not in engine.peers
    assert ours.node_id not in theirs.running.router.table.peers


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


async def test_an_attempt_that_hangs_does_not_hold_up_the_next(nodes: list[Node]) -> None:
    real, dialler = Node(build_test_genesis(), 0), Node(build_test_genesis(), 1)
    nodes += [real, dialler]
    await real.start()
    host, port = parse_address(real.config.peer_listen)
    attempts = list[str]()

    async def open_door(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attempts.append("came")
        if len(attempts) == 1:  # its first packet got lost
            await reader.read()
            attempts.append("the first gave up")
            return
        inner_reader, inner_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(_relay(reader, inner_writer), _relay(inner_reader, writer))

    async with await asyncio.start_server(open_door, host, 0) as door:
        place = f"{host}:{door.sockets[0].getsockname()[1]}"
        await dialler.start(f"{real.node_id.hex()}@{place}")
        engine = await dialler.attach()
        await engine.wait(lambda: engine.peers.get(real.node_id, (False, None))[0])
        assert attempts[:2] == ["came", "came"], "the next one came while the first one hung"
