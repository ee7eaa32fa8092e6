"""The log gives back all that left, and replaying it gives the state the engine was in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.evidence import get_view
from quorate.core.bft.log import Restored
from quorate.core.bft.messages import Proposal, Vote, get_epoch
from quorate.core.bft.replica import Replica
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Replay:
    """Remembers each seat's sent messages above its storage's head."""

    def __init__(self, world: World) -> None:
        self._sent: dict[int, dict[Vote | Proposal, tuple[int, int]]] = {}

    def signed(self, node: Node, message: Vote | Proposal) -> None:
        place = (get_epoch(message), get_view(message))
        self._sent.setdefault(node.index, {})[message] = place

    def restarted(self, node: Node, restored: Restored) -> None:
        if not node.obeys:
            return
        # What lies below the epoch and the head that storage knows matters no more.
        epochs, head = node.storage.get_epochs(), node.storage.blocks[node.storage.height]
        final = (epochs.start.epoch, head.header.view)
        open_ = {m: place for m, place in self._sent.get(node.index, {}).items() if place > final}
        held = set(restored.own)
        lost = [place for message, place in open_.items() if message not in held]
        expect(not lost, "the log holds what was sent", f"node {node.index}: views {lost}")
        self._sent[node.index] = open_

    def finished(self, world: World) -> None:
        for node in world.nodes:
            if node.obeys and node.is_settled():
                self._compare(node)

    def _compare(self, node: Node) -> None:
        live = node.replica
        assert live is not None, "it is settled"
        again = node.make_engine(node.disk.read_killed()).replica
        if again.setup.epoch != live.setup.epoch:
            return  # its storage has yet to execute the end of the epoch before
        final = max(live.final_view, again.final_view)
        for name, one, two in (
            ("signed", live.signing.signed, again.signing.signed),
            ("own", _list_own(live), _list_own(again)),
            ("certificates", _list_certificates(live), _list_certificates(again)),
        ):
            old = {view: each for view, each in one.items() if view > final and each}
            new = {view: each for view, each in two.items() if view > final and each}
            expect(old == new, f"replay gives the state ({name})", f"node {node.index}: {new}")
        expect(live.view == again.view, "replay gives the state (view)", f"node {node.index}")


def _list_own(engine: Replica) -> dict[int, object]:
    return {number: view.own for number, view in engine.views.items()}


def _list_certificates(engine: Replica) -> dict[int, object]:
    return {number: set(view.certificates) for number, view in engine.views.items()}
