"""Configuration files of a local network: one node.toml per node process, one gateway.toml."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from quorate.devnet.layout import Layout, Node
from quorate.devnet.ports import HOST

Routes = Mapping[tuple[str, str], int]
"""The port that a node dials instead of another's, by their names."""

# JSON's numbers, strings, booleans and lists of them are TOML's too.
_Value = str | int | bool | list[str]


def write_configs(layout: Layout, routes: Routes | None = None) -> None:
    """Write every node's and the gateway's configuration from the layout."""
    routes = routes or {}
    for node in layout.nodes:
        sockets = layout.sockets_dir / node.name
        sockets.mkdir(mode=0o700, exist_ok=True)
        # Observers dial validators; validators wait for observers to call.
        peers = [
            f"{other.node_id}@{HOST}:{routes.get((node.name, other.name), other.peer_port)}"
            for other in layout.nodes
            if other is not node and not other.observer
        ]
        for role in layout.roles():
            values = _node_values(layout, node, role)
            _write(
                layout.config(node, role), values | {"peers": peers, "peers_pinned": bool(routes)}
            )
    _write_gateway(layout)


def _node_values(layout: Layout, node: Node, role: str) -> dict[str, _Value]:
    return {
        "home": str(layout.home(node)),
        "name": node.name,
        "observer": node.observer,
        "candidate": node.candidate,
        "peer_listen": f"{HOST}:{node.peer_port}",
        "gossip_api_listen": f"{HOST}:{node.gossip_port}",
        "storage_api_listen": f"{HOST}:{node.storage_port}",
        "metrics_listen": f"{HOST}:{layout.metrics_port(node, role)}",
        "sockets_dir": str(layout.sockets_dir / node.name),
    }


def _write_gateway(layout: Layout) -> None:
    values: dict[str, _Value] = {
        "listen": layout.endpoint,
        "genesis": str(layout.genesis),
        "metrics_listen": f"{HOST}:{layout.gateway_metrics_port}",
    }
    tables = [
        f"\n[[validators]]\nname = {json.dumps(node.name)}\n"
        f'gossip = "{HOST}:{node.gossip_port}"\nstorage = "{HOST}:{node.storage_port}"\n'
        for node in layout.nodes
    ]
    _write(layout.gateway_config, values, tables)


def _write(path: Path, values: Mapping[str, _Value], tables: Sequence[str] = ()) -> None:
    """Write a file whole or not at all: a gateway may be reading it."""
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    part = path.with_suffix(".part")
    part.write_text("\n".join(lines) + "\n" + "".join(tables))
    part.replace(path)
