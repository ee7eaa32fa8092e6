"""Nodes come to a network's directory and leave it; names and directories are never used again."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from quorate.core.values import format_address
from quorate.devnet import growth
from quorate.devnet import layout as layouts
from quorate.devnet.accounts import address_of, load_accounts
from quorate.devnet.configs import write_configs
from quorate.devnet.layout import Handover, Layout, Spec
from quorate.kit.config import load_gateway_config, load_node_config


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Layout]:
    layout = layouts.create_network(tmp_path / "net", Spec(validators=4, observers=1))
    yield layout
    shutil.rmtree(layout.sockets_dir)


def test_a_validator_gets_a_name_keys_ports_and_a_candidate_of_its_own(made: Layout) -> None:
    grown, node = growth.add_validator(made)
    assert grown.nodes == (*made.nodes, node)
    assert layouts.load_network(made.directory) == grown
    assert node.name == "validator-4" and len(bytes.fromhex(node.seat_key)) == 32
    owner = load_accounts(made.directory).owner_seed("validator-4")
    assert node.candidate == format_address(address_of(owner))
    ports = [port for each in grown.nodes for port in each.ports()]
    assert len(set(ports)) == len(ports)
    assert (made.home(node) / "genesis.json").read_text() == made.genesis.read_text()
    assert not list(made.directory.glob(".new-*"))


def test_configs_name_the_new_node_and_its_candidate(made: Layout) -> None:
    grown, node = growth.add_validator(made)
    write_configs(grown)
    config = load_node_config(grown.config(node, "all"))
    assert config.candidate == node.candidate and len(config.peers) == 4
    names = [each.name for each in load_gateway_config(grown.gateway_config).validators]
    assert names == [each.name for each in grown.nodes]


def test_a_spare_stands_for_the_candidate_it_is_made_for(made: Layout) -> None:
    grown, handover = growth.begin_handover(made, "validator-2", "1", 7)
    spare = grown.find_node("validator-4")
    assert spare.candidate == made.nodes[2].candidate == handover.candidate
    assert handover == Handover(
        candidate=spare.candidate, seat="1", source="validator-2", target="validator-4", height=7
    )
    # In one step: whoever is interrupted has both or neither.
    assert layouts.load_network(made.directory) == grown and grown.handover == handover


def test_a_retired_node_leaves_its_directory_and_its_name(made: Layout) -> None:
    grown, node = growth.add_validator(made)
    shrunk = growth.retire(grown, node.name)
    assert shrunk.nodes == made.nodes and shrunk.retired == (node.name,)
    assert (made.home(node) / "consensus" / "seat.key").exists()
    assert layouts.load_network(made.directory) == shrunk
    assert growth.add_validator(shrunk)[1].name == "validator-5"


def test_a_home_left_behind_by_an_interruption_is_passed_over(made: Layout) -> None:
    (made.directory / "validator-4").mkdir()
    assert growth.add_validator(made)[1].name == "validator-5"


def test_observers_only_grow(made: Layout) -> None:
    grown = growth.add_observers(made, 2)
    assert [node.name for node in grown.nodes[-2:]] == ["observer-0", "observer-1"]
    assert growth.add_observers(grown, 1) == grown
    assert (made.directory / "observer-1" / "genesis.json").exists()
    assert not (made.directory / "observer-1" / "consensus").exists()
