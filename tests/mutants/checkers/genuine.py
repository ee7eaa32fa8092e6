"""Certificates are genuine: of an epoch that was, and every signature in them holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core import crypto
from quorate.core.bft import effects as do
from quorate.core.bft.messages import TAGS, Certificate, encode_statement
from tests.sim.checkers.violation import expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Genuine:
    """Verifies each certificate once that an honest node passes on or commits by."""

    def __init__(self, world: World) -> None:
        self._seen: set[Certificate] = set()

    def done(self, node: Node, effect: do.Effect) -> None:
        if not node.obeys:
            return
        match effect:
            case do.CommitBlocks():
                self._verify(node, effect.finality.certificate)
            case do.Broadcast(Certificate() as certificate):
                self._verify(node, certificate)
            case do.SendToNode(_, Certificate() as certificate):
                self._verify(node, certificate)

    def _verify(self, node: Node, certificate: Certificate) -> None:
        if certificate in self._seen:
            return
        self._seen.add(certificate)
        where = f"{certificate.kind.name} of view {certificate.view} from node {node.index}"
        expect(certificate.epoch <= node.epoch, "certificates of an epoch that was", where)
        keys = node.world.sets.get_set(certificate.epoch).keys
        domain = node.world.domain
        statement = encode_statement(certificate.epoch, certificate.view, certificate.digest)
        for seat, signature in certificate.signatures:
            tag = TAGS[certificate.kind]
            holds = crypto.is_signed(keys[seat], signature, tag, domain, statement)
            expect(holds, "certificates hold", f"{where}: seat {seat}")
