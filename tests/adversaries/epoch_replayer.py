"""A seat that brings votes and certificates of another epoch: verbatim, and under this one's name.

Seats keep their keys from one epoch to the next, so whoever was there has honest signatures over
any view number. Only the epoch that each of them covers tells them apart (docs/protocol.md#S2).
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import TAGS, Certificate, Kind, Vote, encode_statement
from quorate.core.bft.quorum import build_certificate
from quorate.core.values import ZERO_HASH
from tests.adversaries.base import Adversary

if TYPE_CHECKING:
    from tests.sim.node import Node

VOTES = (Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE)
# An epoch that never comes here, so that signatures for it give nothing away.
OTHER_EPOCH = 2**32
EVERY_MS = 30
KEPT_MAX = 400
BURST = 4


class EpochReplayer(Adversary):
    """Knows what every seat signed in another epoch, and what came here in those before."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._kept: deque[Vote | Certificate] = deque(maxlen=KEPT_MAX)

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Add a few votes and a certificate of another epoch now and then."""
        message = event.message if isinstance(event, on.MessageReceived) else None
        if isinstance(message, Vote | Certificate):
            self._kept.append(message)
        if not self.is_due(event.now_ms, EVERY_MS):
            return effects
        messages = self._list_old() or self._invent()
        if self.rng.randrange(2):
            messages = [replace(each, epoch=self.setup.epoch) for each in messages]
        self.forged += len(messages)
        return [*effects, *(do.Broadcast(each) for each in messages)]

    def _list_old(self) -> list[Vote | Certificate]:
        old = [each for each in self._kept if each.epoch < self.setup.epoch]
        return self.rng.sample(old, min(BURST, len(old))) if self.rng.randrange(2) else []

    def _invent(self) -> list[Vote | Certificate]:
        """Return what all seats of this epoch may have signed in another one in a near view."""
        engine, kind = self.node.replica, self.rng.choice(VOTES)
        assert engine is not None, "it has just handled an event"
        view = max(engine.view + self.rng.randint(-2, 4), 1)
        digest = ZERO_HASH if kind is Kind.NULLIFY else self.rng.randbytes(32)
        statement = encode_statement(OTHER_EPOCH, view, digest)
        world, votes = self.node.world, list[Vote]()
        for seat, node in enumerate(world.sets.get_members(self.setup.epoch)):
            signature = world.nodes[node].key.sign(TAGS[kind], self.setup.domain, statement)
            votes.append(Vote(kind, OTHER_EPOCH, view, digest, seat, signature))
        made = build_certificate(votes, len(votes))
        assert made is not None, "every seat signed"
        return [made, *votes]
