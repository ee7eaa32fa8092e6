"""Finalize comes only after the notarization of that very block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.messages import Certificate, Kind, Proposal, Vote
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Finalizing:
    """Knows which blocks any engine has seen notarized."""

    def __init__(self, world: World) -> None:
        self._notarized: set[tuple[int, int, bytes]] = set()

    def certified(self, node: Node, certificate: Certificate) -> None:
        if certificate.kind is Kind.NOTARIZE:
            self._notarized.add((certificate.epoch, certificate.view, certificate.digest))

    def sent(self, node: Node, message: Vote | Proposal) -> None:
        if not node.obeys or isinstance(message, Proposal) or message.kind is not Kind.FINALIZE:
            return
        if (message.epoch, message.view, message.digest) not in self._notarized:
            where = f"seat {message.seat} in view {message.view}"
            expect(False, "finalize only after notarization", where)
        engine = node.replica
        if engine is None or message.epoch != engine.setup.epoch:
            return
        if message.view <= engine.final_view:
            return
        held = engine.views[message.view].certificates.get(Kind.NOTARIZE)
        proved = held is not None and held.digest == message.digest
        where = (message.seat, message.view)
        expect(proved, "finalize only with the notarization at hand", where)
