"""A network's directory: whole or not there, the same when read again, startable any time."""

import json
import socket
import tomllib
from pathlib import Path

import pytest

from quorate.core.errors import NotFound, RefusedToStart
from quorate.core.genesis import parse_genesis
from quorate.devnet import layout as layouts
from quorate.devnet.configs import write_configs
from quorate.devnet.layout import Layout, Spec
from quorate.devnet.ports import HOST
from quorate.kit.config import load_gateway_config, load_node_config


@pytest.fixture
def made(tmp_path: Path) -> Layout:
    return layouts.create_network(tmp_path / "net", Spec(validators=4, observers=1))


def test_layout_is_the_same_when_read_again(made: Layout) -> None:
    assert layouts.load_network(made.directory) == made


def test_genesis_has_a_seat_per_validator_and_none_for_observers(made: Layout) -> None:
    genesis = parse_genesis(made.genesis.read_text())
    assert [seat.name for seat in genesis.seats] == [f"validator-{i}" for i in range(4)]
    for node in made.nodes:
        assert (made.home(node) / "genesis.json").read_text() == made.genesis.read_text()


def test_all_ports_are_distinct(made: Layout) -> None:
    ports = [port for node in made.nodes for port in node.ports()]
    ports += [made.gateway_port, made.gateway_metrics_port]
    assert len(set(ports)) == len(ports)


def test_socket_paths_fit(made: Layout) -> None:
    for node in made.nodes:
        assert len(str(made.sockets_dir / node.name / "consensus.sock").encode()) < 100
    assert made.sockets_dir.stat().st_mode & 0o077 == 0


def test_configs_are_what_nodes_and_gateway_read(made: Layout) -> None:
    write_configs(made)
    for node in made.nodes:
        config = load_node_config(made.config(node, "all"))
        assert (config.name, config.observer) == (node.name, node.observer)
        others = 3 if not node.observer else 4
        assert len(config.peers) == others
        assert all(peer.partition("@")[0] != node.node_id for peer in config.peers)
    gateway = load_gateway_config(made.gateway_config)
    assert [each.name for each in gateway.validators] == [node.name for node in made.nodes]
    assert gateway.listen == made.endpoint


def test_split_nodes_have_a_config_and_metrics_port_per_role(tmp_path: Path) -> None:
    made = layouts.create_network(tmp_path / "net", Spec(validators=1, split=True))
    write_configs(made)
    node = made.nodes[0]
    listens = {
        tomllib.loads(made.config(node, role).read_text())["metrics_listen"]
        for role in made.roles()
    }
    assert len(listens) == len(layouts.ROLES) == 4


def test_taken_port_is_replaced_and_the_rest_kept(made: Layout) -> None:
    node = made.nodes[0]
    with socket.create_server((HOST, node.peer_port)):
        ready = layouts.prepare(made)
    assert ready.nodes[0].peer_port != node.peer_port
    assert ready.nodes[0].ports()[1:] == node.ports()[1:]
    assert ready.nodes[1:] == made.nodes[1:]
    assert layouts.load_network(made.directory) == ready


def test_network_from_before_contracts_gets_ports_for_their_role(made: Layout) -> None:
    path = made.directory / "layout.json"
    document = json.loads(path.read_text())
    for node in document["nodes"]:
        del node["metrics_ports"][3:]
    path.write_text(json.dumps(document))
    ready = layouts.prepare(layouts.load_network(made.directory))
    assert all(all(node.metrics_ports) and len(node.metrics_ports) == 4 for node in ready.nodes)
    assert [node.metrics_ports[:3] for node in ready.nodes] == [
        node.metrics_ports[:3] for node in made.nodes
    ]


def test_lost_sockets_directory_is_made_anew(made: Layout) -> None:
    made.sockets_dir.rmdir()
    ready = layouts.prepare(made)
    assert ready.sockets_dir.is_dir()


def test_directory_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "letters.txt").write_text("dear")
    with pytest.raises(RefusedToStart):
        layouts.create_network(tmp_path / "net", Spec(validators=1))
    assert [path.name for path in tmp_path.iterdir()] == ["net"]
    assert (tmp_path / "net" / "letters.txt").read_text() == "dear"


def test_no_network_names_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="quorate devnet up"):
        layouts.load_network(tmp_path)


def test_damaged_layout_names_the_next_step(made: Layout) -> None:
    (made.directory / "layout.json").write_text("{")
    with pytest.raises(RefusedToStart, match="quorate devnet wipe"):
        layouts.load_network(made.directory)


@pytest.mark.parametrize("name", ["validator-2", "2"])
def test_node_is_found_by_name_or_number(made: Layout, name: str) -> None:
    assert made.find_node(name).name == "validator-2"


def test_unknown_node_names_those_there_are(made: Layout) -> None:
    with pytest.raises(NotFound, match="validator-0, validator-1"):
        made.find_node("9")
