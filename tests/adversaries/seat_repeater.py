"""A seat that makes certificates by itself: its one signature repeated until there is a quorum.

Under its own seat (which only an object can hold: the wire has one bit per seat), under every seat,
for a smaller set, and once with fewer signatures than a quorum (docs/protocol.md#R1).
"""

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Certificate, Kind, Proposal, Vote
from quorate.core.values import compute_quorum
from tests.adversaries.base import Adversary

EVERY_MS = 30
WAYS = ("repeated", "everyone", "smaller set", "too few")


class SeatRepeater(Adversary):
    """Certifies alone what it has just heard of, and nullifies alone."""

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Add false certificates for the view at hand."""
        message = event.message if isinstance(event, on.MessageReceived) else None
        if not isinstance(message, Vote | Proposal) or not self.is_due(event.now_ms, EVERY_MS):
            return effects
        if isinstance(message, Proposal):
            view, digest = message.block.header.view, message.block.digest
        else:
            view, digest = message.view, message.digest
        kinds = (Kind.NULLIFY,) if digest == bytes(32) else (Kind.NOTARIZE, Kind.FINALIZE)
        kind = self.rng.choice((*kinds, Kind.NULLIFY))
        vote = self.sign_vote(kind, view, bytes(32) if kind is Kind.NULLIFY else digest)
        self.forged += 1
        ways = WAYS[1:] if self.node.world.plan.wire else WAYS
        return [*effects, do.Broadcast(self._certify(vote, self.rng.choice(ways)))]

    def _certify(self, vote: Vote, way: str) -> Certificate:
        seats = len(self.setup.keys)
        quorum = compute_quorum(seats)
        signers = {
            "repeated": [vote.seat] * quorum,
            "everyone": list(range(seats)),
            "smaller set": [0],
            "too few": [vote.seat],
        }[way]
        size = 1 if way == "smaller set" else seats
        signatures = tuple((signer, vote.signature) for signer in signers)
        return Certificate(vote.kind, vote.epoch, vote.view, vote.digest, size, signatures)
