"""Every view between a block's parent and the block is covered by a nullification.

An honest seat holds them all when it notarizes; at the end they exist for each final block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.messages import Certificate, Kind, Proposal, Vote
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Skipped:
    """Remembers which views were nullified anywhere."""

    def __init__(self, world: World) -> None:
        self._nullified: set[tuple[int, int]] = set()

    def certified(self, node: Node, certificate: Certificate) -> None:
        if certificate.kind is Kind.NULLIFY:
            self._nullified.add((certificate.epoch, certificate.view))

    def sent(self, node: Node, message: Vote | Proposal) -> None:
        if not node.obeys or isinstance(message, Proposal) or message.kind is not Kind.NOTARIZE:
            return
        engine = node.replica
        assert engine is not None, "it is sending"
        if message.epoch != engine.setup.epoch:
            return
        block = engine.chain.find(message.digest)
        if block is None or message.view <= engine.final_view:
            return
        first = max(block.header.parent_view, engine.final_view) + 1
        for number in range(first, message.view):
            view = engine.views.get(number)
            held = view is not None and Kind.NULLIFY in view.certificates
            where = f"node {node.index} in {message.view}: {number} is not nullified"
            expect(held, "skipped views are nullified", where)

    def finished(self, world: World) -> None:
        for block in max((node.storage.blocks for node in world.nodes), key=len)[1:]:
            epoch, parent_view = block.header.epoch, block.header.parent_view
            between = range(parent_view + 1, block.header.view)
            lacking = [number for number in between if (epoch, number) not in self._nullified]
            where = f"block {block.header.height}: {lacking}"
            expect(not lacking, "skipped views are nullified", where)
