"""Notarize and propose only what is proved: the branch is known, skipped views are nullified.

Looks at what the engine holds when it signs, not at how it came to its verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.evidence import Signed, get_digest, get_view
from quorate.core.bft.log import Restored
from quorate.core.bft.messages import Kind, Proposal, Vote, get_epoch
from quorate.core.bft.replica import Replica
from quorate.core.blocks import Block, Header
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Proved:
    """Remembers which messages are old; what was logged is sent again without its proof."""

    def __init__(self, world: World) -> None:
        self._old: set[tuple[int, bytes]] = set()

    def restarted(self, node: Node, restored: Restored) -> None:
        self._old |= {(node.index, message.encode()) for message in restored.own}

    def handled(self, node: Node, event: on.Event, effects: list[do.Effect]) -> None:
        if not node.obeys:
            return
        for effect in effects:
            match effect:
                case do.Broadcast(Vote(kind=Kind.NOTARIZE) as vote) if vote.seat == node.seat:
                    self._take(node, vote)
                case do.Broadcast(Proposal() as proposal):
                    self._take(node, proposal)

    def _take(self, node: Node, message: Signed) -> None:
        mark = (node.index, message.encode())
        if mark in self._old:
            return
        self._old.add(mark)
        engine = node.replica
        assert engine is not None, "it has just handled an event"
        if get_epoch(message) == engine.setup.epoch and get_view(message) > engine.final_view:
            where = f"view {get_view(message)}, node {node.index}"
            block = engine.chain.find(get_digest(message))
            expect(block is not None, "notarize only a block that is known", where)
            assert block is not None, "expected above"
            _check_block(engine, block, where)


def _check_block(engine: Replica, block: Block, where: str) -> None:
    header = block.header
    leads = header.proposer == engine.leader(header.view)
    expect(leads, "notarize only the leader's block", where)
    _check_parent(engine, header, where)
    _check_branch(engine, block, where)
    for number in range(max(header.parent_view, engine.final_view) + 1, header.view):
        view = engine.views.get(number)
        nullified = view is not None and Kind.NULLIFY in view.certificates
        expect(nullified, "skipped views are covered by nullifications", f"{where}: {number}")


def _check_parent(engine: Replica, header: Header, where: str) -> None:
    if header.parent_view <= engine.final_view:
        return
    view = engine.views.get(header.parent_view)
    certificates = view.certificates.values() if view is not None else ()
    notarized = any(each.digest == header.parent for each in certificates)
    expect(notarized, "notarize only on a notarized parent", where)


def _check_branch(engine: Replica, block: Block, where: str) -> None:
    while block.header.parent_view > engine.final_view:
        above = engine.chain.find(block.header.parent)
        expect(above is not None, "notarize only what connects to the final head", where)
        assert above is not None, "expected above"
        block = above
    if block.header.parent_view == engine.final_view:
        connects = block.header.parent == engine.chain.head.digest
        expect(connects, "notarize only what connects to the final head", where)
