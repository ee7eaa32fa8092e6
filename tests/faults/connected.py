"""When enough validators could reach each other again, as their own logs tell.

The relay knows when links heal and the runner when processes start; but what counts is from when a
quorum is connected both ways: before that nobody could have agreed on anything.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import combinations
from typing import NamedTuple

from quorate.devnet.layout import Layout

_CHANGES = {"peer connected": True, "peer lost": False}


class Change(NamedTuple):
    """A stream that `node` dialled to `peer` came up or went, at Unix time."""

    at_s: float
    node: str
    peer: str
    is_up: bool


def find_connected_s(
    layout: Layout, since_s: float, restarted: set[str], quorum: int
) -> float | None:
    """Return when a quorum was connected both ways for the first time after `since_s`.

    `restarted` are those that had no streams at `since_s`. None: not yet, though votes may have
    come through over streams of one direction.
    """
    up: set[tuple[str, str]] = set()
    names = [node.name for node in layout.nodes]
    begun = False
    for change in sorted(_read_changes(layout)):
        if change.at_s >= since_s and not begun:
            begun = True
            up = {pair for pair in up if not restarted & set(pair)}
        pair = (change.node, change.peer)
        up = up | {pair} if change.is_up else up - {pair}
        if begun and _has_clique(up, names, quorum):
            return change.at_s
    return None


def _has_clique(up: set[tuple[str, str]], names: list[str], size: int) -> bool:
    return any(
        all((i, j) in up and (j, i) in up for i, j in combinations(group, 2))
        for group in combinations(names, size)
    )


def _read_changes(layout: Layout) -> Iterator[Change]:
    names = {node.node_id[:12]: node.name for node in layout.nodes}
    for node in layout.nodes:
        for line in (layout.directory / "logs" / f"{node.name}.log").read_text().splitlines():
            if not line.startswith("{"):
                continue
            entry = json.loads(line)
            is_up = _CHANGES.get(entry.get("event"))
            if is_up is not None:
                at_s = datetime.fromisoformat(entry["timestamp"]).timestamp()
                yield Change(at_s, node.name, names[entry["peer"]], is_up)
