"""Data that a validator must not run with: it refuses to start, says why, and names a next step."""

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from quorate.devnet.layout import Node, Spec
from quorate.devnet.metrics import read_metrics
from quorate.devnet.network import Network
from quorate.devnet.processes import Exit
from quorate.devnet.readiness import wait_engine
from quorate.kit.faults import EXIT_PRECONDITION
from tests.devnet.agreement import assert_all_agree
from tests.devnet.conftest import StartNetwork
from tests.devnet.traffic import PATIENCE_S, Traffic

pytestmark = pytest.mark.devnet


@pytest.fixture
async def used(network: Network) -> tuple[Network, Node]:
    """A network with some history, and one of its validators, stopped cleanly."""
    async with Traffic(network) as traffic:
        await traffic.wait_executed(50)
        await traffic.settle()
    node = network.layout.nodes[3]
    assert await asyncio.to_thread(network.stop, node.name) == []
    return network, node


async def start_refused(network: Network, node: Node) -> Exit:
    """Start a node and return how it refused; fails when it runs."""
    program = network.start(node.name)[0]
    ended = await asyncio.to_thread(network.processes.wait_exit, program, PATIENCE_S)
    assert ended.code == EXIT_PRECONDITION, ended.last_words
    return ended


def find_reason(ended: Exit) -> str:
    found = re.findall(r"\[([A-Z_]+)\]", ended.last_words)
    assert found, ended.last_words
    return str(found[-1])


async def make_other_home(start_network: StartNetwork) -> Path:
    """Return the home of a validator of another chain, with history, stopped."""
    other = await start_network(Spec(validators=1))
    async with Traffic(other) as traffic:
        await traffic.wait_executed(10)
        await traffic.settle()
    await asyncio.to_thread(other.down)
    return other.layout.home(other.layout.nodes[0])


async def test_stopped_validator_starts_again(used: tuple[Network, Node]) -> None:
    network, node = used
    network.start(node.name)
    await wait_engine(node, ("voting",), PATIENCE_S)


async def test_another_genesis_over_existing_data_is_refused(
    used: tuple[Network, Node], start_network: StartNetwork
) -> None:
    network, node = used
    other = await make_other_home(start_network)
    shutil.copy(other / "genesis.json", network.layout.home(node) / "genesis.json")
    assert find_reason(await start_refused(network, node))


async def test_data_directory_of_another_chain_is_refused(
    used: tuple[Network, Node], start_network: StartNetwork
) -> None:
    network, node = used
    storage = network.layout.home(node) / "storage"
    shutil.rmtree(storage)
    shutil.copytree(await make_other_home(start_network) / "storage", storage)
    reason = find_reason(await start_refused(network, node))
    assert reason not in ("REFUSED_TO_START", "UNKNOWN")


async def test_missing_seat_key_on_existing_data_is_refused_and_none_is_made(
    used: tuple[Network, Node],
) -> None:
    network, node = used
    key = network.layout.home(node) / "consensus" / "seat.key"
    key.unlink()
    assert find_reason(await start_refused(network, node)) == "SEAT_KEY_MISSING"
    assert not key.exists()


async def test_changed_seat_key_is_refused(used: tuple[Network, Node]) -> None:
    network, node = used
    key = network.layout.home(node) / "consensus" / "seat.key"
    key.write_text("11" * 32 + "\n")
    assert find_reason(await start_refused(network, node)) == "SEAT_KEY_CHANGED"


async def test_old_copy_of_the_volume_never_makes_a_seat_sign_twice(
    used: tuple[Network, Node],
) -> None:
    """It halts when a peer shows a message above the old log, unless that view is final by now."""
    network, node = used
    home, old = network.layout.home(node), network.layout.directory / "old"
    shutil.copytree(home, old)
    network.start(node.name)
    await wait_engine(node, ("voting",), PATIENCE_S)
    async with Traffic(network, lane=1) as traffic:
        await traffic.wait_executed(50)
        await asyncio.to_thread(network.kill, node.name)
        for part in (("storage",), ("consensus", "log")):
            shutil.rmtree(home.joinpath(*part))
            shutil.copytree(old.joinpath(*part), home.joinpath(*part))
        network.start(node.name)
        await wait_engine(node, ("halted", "voting"), PATIENCE_S)
        await traffic.wait_executed(100)
        outcome = await traffic.settle()
    assert (outcome.lost, outcome.rejected, outcome.failed) == (0, {}, 0)
    for each in network.layout.nodes:
        samples = await asyncio.to_thread(read_metrics, each.metrics_ports[0])
        assert samples
        assert not any(name == "quorate_consensus_equivocations_total" for name, _ in samples)
    await assert_all_agree(network)
