"""A seat that votes for everything it sees: all blocks, all kinds, in every view."""

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Kind, Proposal, Vote
from tests.adversaries.base import Adversary


class DoubleVoter(Adversary):
    """Helps every quorum that could form, to different seats at different times."""

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Add votes for whatever a message names."""
        message = event.message if isinstance(event, on.MessageReceived) else None
        digest: bytes
        if isinstance(message, Proposal):
            view, digest = message.block.header.view, message.block.digest
        elif isinstance(message, Vote) and message.kind is not Kind.NULLIFY:
            view, digest = message.view, message.digest
        else:
            return effects
        out = list(effects)
        for seat in self.others():
            if self.rng.randrange(2):
                out.append(do.SendToSeat(seat, self.sign_vote(Kind.NOTARIZE, view, digest)))
            if self.rng.randrange(2):
                out.append(do.SendToSeat(seat, self.sign_vote(Kind.FINALIZE, view, digest)))
            if self.rng.randrange(4) == 0:
                out.append(do.SendToSeat(seat, self.sign_vote(Kind.NULLIFY, view)))
        return out
