"""Finalize comes after the notarization of that block, and the final head never passes the view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Kind, Proposal, Vote
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Finalizing:
    """Compares a finalize with the certificates that its engine holds."""

    def __init__(self, world: World) -> None:
        pass

    def sent(self, node: Node, message: Vote | Proposal) -> None:
        if not node.obeys or isinstance(message, Proposal) or message.kind is not Kind.FINALIZE:
            return
        assert node.replica is not None, "it is sending"
        if message.view <= node.replica.final_view:
            return
        certificates = node.replica.views[message.view].certificates
        held = certificates.get(Kind.NOTARIZE)
        proved = held is not None and held.digest == message.digest
        expect(proved, "finalize only after notarization", f"{node.index} in {message.view}")

    def handled(self, node: Node, event: on.Event, effects: list[do.Effect]) -> None:
        engine = node.replica
        assert engine is not None, "it has just handled an event"
        where = f"node {node.index}: view {engine.view}, final {engine.final_view}"
        expect(engine.final_view < engine.view, "the final view lies below the current one", where)
        if engine.chain.certificate is not None:
            certificate = engine.chain.certificate
            expect(certificate.digest == engine.chain.head.digest, "the head is proved", where)
