"""Bounded memory: what an engine keeps does not grow with time or with what others send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World

EVERY = 256
AHEAD_MAX = 32
EFFECTS_MAX = 600


class Bounded:
    """Looks at sizes now and then."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._count = 0

    def handled(self, node: Node, event: on.Event, effects: list[do.Effect]) -> None:
        if len(effects) > EFFECTS_MAX:
            expect(False, "bounded effects", f"{len(effects)} for {event}"[:500])
        self._count += 1
        if self._count % EVERY == 0:
            self._measure(node)

    def finished(self, world: World) -> None:
        for node in world.nodes:
            if node.replica is not None:
                self._measure(node)

    def _measure(self, node: Node) -> None:
        engine = node.replica
        assert engine is not None, "it is running"
        open_views = max(engine.view - engine.final_view, 1)
        sizes = {
            "views": (len(engine.views), open_views + AHEAD_MAX),
            "blocks": (len(engine.chain.blocks), open_views + AHEAD_MAX),
            "signed": (len(engine.signing.signed), open_views + AHEAD_MAX),
            "seen": (len(engine.seen_ms), open_views + AHEAD_MAX + 64),
            "results": (len(engine.chain.results), node.storage.height + 2),
        }
        for name, (size, bound) in sizes.items():
            expect(size <= bound, "bounded memory", f"{size} {name}, node {node.index}")
