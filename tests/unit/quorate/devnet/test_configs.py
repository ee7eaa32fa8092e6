"""What nodes of a local network are told about where to dial each other."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quorate.devnet import layout as layouts
from quorate.devnet.configs import write_configs
from quorate.devnet.layout import Layout, Node, Spec
from quorate.kit.config import load_node_config


@pytest.fixture
def make_layout(tmp_path: Path) -> Iterator[Callable[[int], Layout]]:
    """Give a function that makes a network's directory; its sockets directory goes afterwards."""
    made: list[Layout] = []

    def make(validators: int) -> Layout:
        made.append(layouts.create_network(tmp_path / "net", Spec(validators=validators)))
        return made[-1]

    yield make
    for each in made:
        shutil.rmtree(each.sockets_dir)


def read_dialled(layout: Layout, node: Node) -> dict[str, int]:
    """Return the port that a node dials for each other node."""
    names = {each.node_id: each.name for each in layout.nodes}
    entries = load_node_config(layout.config(node, "all")).peers
    return {names[e.partition("@")[0]]: int(e.rpartition(":")[2]) for e in entries}


def test_routes_replace_the_ports_of_others_and_pin_them(
    make_layout: Callable[[int], Layout],
) -> None:
    made = make_layout(3)
    first, second, third = made.nodes
    write_configs(made, {(first.name, second.name): 12_345})
    assert read_dialled(made, first) == {second.name: 12_345, third.name: third.peer_port}
    assert read_dialled(made, second) == {first.name: first.peer_port, third.name: third.peer_port}
    assert load_node_config(made.config(first, "all")).peers_pinned


def test_without_routes_everybody_is_dialled_directly_and_nothing_is_pinned(
    make_layout: Callable[[int], Layout],
) -> None:
    made = make_layout(2)
    write_configs(made)
    assert read_dialled(made, made.nodes[0]) == {made.nodes[1].name: made.nodes[1].peer_port}
    assert not load_node_config(made.config(made.nodes[0], "all")).peers_pinned
