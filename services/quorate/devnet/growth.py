"""Adds nodes to a network that runs, and takes out those that have left; all others run on.

A new node dials those that the layout names, and these learn of it by its own signed record; the
gateway re-reads its file. A retired node's directory stays, for its audit log.
"""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from quorate.core.values import format_address
from quorate.devnet.accounts import address_of, load_accounts
from quorate.devnet.layout import PORTS_PER_NODE, Handover, Layout, Node, make_node, save
from quorate.devnet.ports import find_free_ports

_VALIDATOR = "validator-"


def add_validator(layout: Layout) -> tuple[Layout, Node]:
    """Return the layout with one more validator, which stands for a candidate of its own name."""
    name = find_free_name(layout)
    owner = load_accounts(layout.directory).owner_seed(name)
    return _add(layout, name, format_address(address_of(owner)))


def begin_handover(layout: Layout, source: str, seat: str, height: int) -> tuple[Layout, Handover]:
    """Return the layout with a spare that is to take a node's seat, and that noted, in one step."""
    candidate, target = layout.find_node(source).candidate, find_free_name(layout)
    handover = Handover(candidate=candidate, seat=seat, source=source, target=target, height=height)
    grown, _ = _add(replace(layout, handover=handover), target, candidate)
    return grown, handover


def add_observers(layout: Layout, observers: int) -> Layout:
    """Return the layout with at least so many observers."""
    have = sum(node.observer for node in layout.nodes)
    for index in range(have, observers):
        layout, _ = _add(layout, f"observer-{index}", "")
    return layout


def retire(layout: Layout, name: str) -> Layout:
    """Return the layout without a node that does not run any more; its directory stays."""
    left = tuple(node for node in layout.nodes if node.name != name)
    shrunk = replace(layout, nodes=left, retired=(*layout.retired, name))
    save(shrunk)
    return shrunk


def find_free_name(layout: Layout) -> str:
    """Return the name of the next validator: above all numbers that were ever used here."""
    names = [*layout.retired, *[node.name for node in layout.nodes]]
    numbers = [int(name.removeprefix(_VALIDATOR)) for name in names if name.startswith(_VALIDATOR)]
    number = max(numbers, default=-1) + 1
    # Whoever was interrupted before the layout was saved left a home behind.
    while (layout.directory / f"{_VALIDATOR}{number}").exists():
        number += 1
    return f"{_VALIDATOR}{number}"


def _add(layout: Layout, name: str, candidate: str) -> tuple[Layout, Node]:
    used = [port for node in layout.nodes for port in node.ports()]
    ports = find_free_ports(PORTS_PER_NODE, used)
    building = Path(tempfile.mkdtemp(prefix=".new-", dir=layout.directory))
    try:
        node = make_node(building, name, ports, candidate)
        shutil.copy(layout.genesis, building / name / "genesis.json")
        (building / name).rename(layout.directory / name)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    grown = replace(layout, nodes=(*layout.nodes, node))
    save(grown)
    return grown, node
