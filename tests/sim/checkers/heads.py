"""The last final block is notarized, is proved, and lies below the view an engine is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft.messages import Certificate, Kind
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Heads:
    """Remembers which blocks were notarized, and the highest view of them."""

    def __init__(self, world: World) -> None:
        self._notarized: set[bytes] = set()
        self._highest = (0, 0)

    def certified(self, node: Node, certificate: Certificate) -> None:
        if certificate.kind is Kind.NOTARIZE:
            self._notarized.add(certificate.digest)
            self._highest = max(self._highest, (certificate.epoch, certificate.view))

    def committed(self, node: Node, commit: do.CommitBlocks) -> None:
        certificate = commit.finality.certificate
        proved = commit.finality.digest == commit.blocks[-1].digest
        proved = proved and certificate.digest in self._notarized
        last = commit.blocks[-1].header
        where = (last.epoch, last.view)
        expect(proved, "what is final was notarized", where)
        expect(where <= self._highest, "last final ≤ highest notarized", where)

    def moved(self, node: Node) -> None:
        engine = node.replica
        assert engine is not None, "its head has just moved"
        where = (node.index, engine.view, engine.final_view)
        expect(engine.final_view < engine.view, "the final view lies below the current one", where)
        head, finality = engine.chain.head, engine.chain.finality
        final = head.header.last_block if head.is_tail else head.digest
        proved = finality is not None and finality.digest == final
        expect(proved, "the head is proved", where)
