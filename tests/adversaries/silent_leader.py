"""A leader that never proposes but votes well, so that nobody calls it silent."""

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Proposal
from tests.adversaries.base import Adversary


class SilentLeader(Adversary):
    """Keeps its proposals to itself."""

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Drop own proposals."""
        kept = [
            effect
            for effect in effects
            if not (isinstance(effect, do.Broadcast) and isinstance(effect.message, Proposal))
        ]
        self.forged += len(effects) - len(kept)
        return kept
