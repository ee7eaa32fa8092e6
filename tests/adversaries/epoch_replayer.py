"""A seat that brings votes and certificates of another epoch: verbatim, and under this one's name.

Seats keep their keys from one epoch to the next, so whoever was there has honest signatures over
any view number. Only the epoch that each of them covers tells them apart (docs/protocol.md#S2).
"""

from dataclasses import replace

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import TAGS, Certificate, Kind, Vote, encode_statement
from quorate.core.bft.quorum import build_certificate
from quorate.core.values import ZERO_HASH
from tests.adversaries.base import Adversary

VOTES = (Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE)
EVERY_MS = 30


class EpochReplayer(Adversary):
    """Knows what every seat signed in another epoch, in the very views that come now."""

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Add a few votes and a certificate of another epoch now and then."""
        if not self.is_due(event.now_ms, EVERY_MS):
            return effects
        engine = self.node.replica
        assert engine is not None, "it has just handled an event"
        view = max(engine.view + self.rng.randint(-2, 4), 1)
        kind = self.rng.choice(VOTES)
        votes = self._recall(kind, view)
        made = build_certificate(votes, len(self.setup.keys))
        assert made is not None, "every seat signed"
        messages: list[Vote | Certificate] = [made, *votes]
        if self.rng.randrange(2):
            messages = [replace(message, epoch=self.setup.epoch) for message in messages]
        self.forged += len(messages)
        return [*effects, *(do.Broadcast(message) for message in messages)]

    def _recall(self, kind: Kind, view: int) -> list[Vote]:
        # Another epoch's engines, whose seats had the same keys, voted there like this.
        epoch = self.setup.epoch + self.rng.choice((1, 2, 2**32))
        digest = ZERO_HASH if kind is Kind.NULLIFY else self.rng.randbytes(32)
        statement = encode_statement(epoch, view, digest)
        votes = []
        for node in self.node.world.nodes:
            if node.seat is not None:
                signature = node.key.sign(TAGS[kind], self.setup.domain, statement)
                votes.append(Vote(kind, epoch, view, digest, node.seat, signature))
        return votes
