"""A seat that floods the others with messages of views far ahead, all signed with its own key.

Votes, proposals of views that it will lead, and certificates without a quorum; from just beyond
the horizon to the last view there can be. Memory must stay bounded (docs/protocol.md#R6).
"""

from dataclasses import replace

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Certificate, Kind, Message, Proposal
from quorate.core.values import UINT64_MAX, compute_quorum
from tests.adversaries.base import Adversary

VOTES = (Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE)
BURST = 12
EVERY_MS = 20


class FutureFlooder(Adversary):
    """Sends a burst every few milliseconds."""

    _seen: Proposal | None = None

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Add messages of views that nobody is in."""
        if isinstance(event, on.MessageReceived) and isinstance(event.message, Proposal):
            self._seen = event.message
        if not self.is_due(event.now_ms, EVERY_MS):
            return effects
        self.forged += BURST
        return [*effects, *(do.Broadcast(self._make()) for _ in range(BURST))]

    def _make(self) -> Message:
        engine = self.node.replica
        assert engine is not None, "it has just handled an event"
        view = engine.view + self.rng.choice((1, 8, 16, 17, 40, 10**6, 10**12))
        if self.rng.randrange(16) == 0:
            view = UINT64_MAX
        made = self.rng.choice(("vote", "vote", "proposal", "certificate"))
        if made == "proposal" and self._seen is not None:
            return self._propose(self._seen, view)
        kind = self.rng.choice(VOTES)
        digest = bytes(32) if kind is Kind.NULLIFY else self.rng.randbytes(32)
        vote = self.sign_vote(kind, view, digest)
        if made == "certificate":
            seats = len(self.setup.keys)
            signers = range(compute_quorum(seats))
            signatures = tuple((seat, vote.signature) for seat in signers)
            return Certificate(kind, vote.epoch, view, digest, seats, signatures)
        return vote

    def _propose(self, seen: Proposal, view: int) -> Proposal:
        # From just above a view on, one in n views is its own to lead.
        engine = self.node.replica
        assert engine is not None, "it has just handled an event"
        seats = len(self.setup.keys)
        own = [v for v in range(view, view + seats) if engine.leader(v) == self.setup.seat]
        led = min(own[0], UINT64_MAX)
        header = replace(seen.block.header, time_ms=seen.block.header.time_ms + 1)
        changed = replace(seen, block=replace(seen.block, header=header))
        return self.forge(changed, view=led, proposer=self.setup.seat)
