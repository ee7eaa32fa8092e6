"""Evidence is found: who has received two messages that no honest seat makes accuses their seat.

Restates docs/protocol.md#V1 by itself; it looks at open views only, and at what is
heard in one life of a node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core import crypto
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.evidence import Signed, get_digest, get_kind, get_view
from quorate.core.bft.messages import TAGS, Kind, Proposal, Vote, encode_statement, get_epoch
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World

# The engine keeps votes of so many views ahead; half of it leaves no doubt at the border.
AHEAD_MAX = 8


class Vigilance:
    """Remembers what each node heard and whom it accused, by view and seat."""

    def __init__(self, world: World) -> None:
        self._heard: dict[tuple[int, ...], set[tuple[Kind, bytes]]] = {}
        self._places: dict[int, tuple[int, int]] = {}
        self._accused: set[tuple[int, ...]] = set()

    def handled(self, node: Node, event: on.Event, effects: list[do.Effect]) -> None:
        engine = node.replica
        assert engine is not None, "it has just handled an event"
        place, before = (engine.setup.epoch, engine.view), self._places.get(node.index)
        self._places[node.index] = place
        for effect in effects:
            if isinstance(effect, do.RecordEvidence):
                told = (get_epoch(effect.second), get_view(effect.second), effect.seat)
                self._accused.add((node.index, *told))
        message = event.message if isinstance(event, on.MessageReceived) else None
        if not node.obeys or not isinstance(message, Vote | Proposal):
            return
        # Whoever has just begun an epoch knew of no view of it before.
        if before is None or not get_epoch(message) == before[0] == place[0]:
            return
        view, seat = get_view(message), get_seat(message)
        if not engine.final_view < view <= before[1] + AHEAD_MAX or seat == node.seat:
            return
        if isinstance(message, Proposal) and seat != engine.leader(view):
            return
        heard = self._heard.setdefault((node.index, node.boots, place[0], view, seat), set())
        what = (get_kind(message), get_digest(message))
        if what in heard or not is_authentic(node, message):
            return
        heard.add(what)
        if is_guilty(heard):
            # In this life or before: what a log gives back is not accused anew.
            accused = (node.index, place[0], view, seat) in self._accused
            where = f"seat {seat} in view {view}, node {node.index}"
            expect(accused, "evidence is found", where)


def get_seat(message: Signed) -> int:
    """Return whose message it says it is."""
    return message.seat if isinstance(message, Vote) else message.block.header.proposer


def is_authentic(node: Node, message: Signed) -> bool:
    """Tell whether the seat it names has signed it for this epoch."""
    setup, seat, kind = node.setup, get_seat(message), get_kind(message)
    epoch = get_epoch(message)
    if epoch != setup.epoch or seat >= len(setup.keys):
        return False
    statement = encode_statement(epoch, get_view(message), get_digest(message))
    return crypto.is_signed(
        setup.keys[seat], message.signature, TAGS[kind], setup.domain, statement
    )


def is_guilty(heard: set[tuple[Kind, bytes]]) -> bool:
    """Tell whether one seat's messages of one view are evidence against it."""
    digests = {kind: {d for k, d in heard if k is kind} for kind, _ in heard}
    if any(len(each) > 1 for each in digests.values()):
        return True
    final = digests.get(Kind.FINALIZE)
    if final is None:
        return False
    return Kind.NULLIFY in digests or digests.get(Kind.NOTARIZE, final) != final
