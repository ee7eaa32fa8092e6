"""A certificate has the signatures of a quorum of distinct seats in the set of its epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft.messages import Certificate, Kind
from quorate.core.bft.quorum import check_certificate
from quorate.core.errors import InvalidCertificate
from quorate.core.values import compute_quorum
from tests.sim.checkers.violation import Violation, expect

if TYPE_CHECKING:
    from tests.sim.node import Node
    from tests.sim.world import World


class Quorums:
    """Counts seats at once; verifies the signatures of one certificate of each kind at the end."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._first: dict[tuple[int, int, Kind], Certificate] = {}

    def certified(self, node: Node, certificate: Certificate) -> None:
        size = len(self._world.sets.get_members(certificate.epoch))
        seats = {seat for seat, _ in certificate.signatures}
        if len(seats) < compute_quorum(size) or len(seats) != len(certificate.signatures):
            expect(False, "a quorum of distinct seats", certificate)
        expect(max(seats) < size, "seats of the epoch's set", certificate)
        self._first.setdefault((certificate.epoch, certificate.view, certificate.kind), certificate)

    def finished(self, world: World) -> None:
        for certificate in self._first.values():
            keys = world.sets.get_set(certificate.epoch).keys
            try:
                check_certificate(certificate, keys, world.domain, certificate.epoch)
            except InvalidCertificate as error:
                raise Violation("a certificate verifies", f"{error}: {certificate}") from error
