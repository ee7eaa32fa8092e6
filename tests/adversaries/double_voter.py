"""A seat that votes for everything it sees: all blocks, all kinds, in every view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Kind, Proposal, Vote
from tests.adversaries.base import Adversary

if TYPE_CHECKING:
    from tests.sim.node import Node

TIMES_MAX = 8


class DoubleVoter(Adversary):
    """Helps every quorum that could form, to different seats at different times."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._times: dict[bytes, int] = {}

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
        # Two of these would answer each other for ever.
        times = self._times.get(digest, 0)
        if times >= TIMES_MAX:
            return effects
        self._times[digest] = times + 1
        out = list(effects)
        for seat in self.others():
            if self.rng.randrange(2):
                out.append(do.SendToSeat(seat, self.sign_vote(Kind.NOTARIZE, view, digest)))
            if self.rng.randrange(2):
                out.append(do.SendToSeat(seat, self.sign_vote(Kind.FINALIZE, view, digest)))
            if self.rng.randrange(4) == 0:
                out.append(do.SendToSeat(seat, self.sign_vote(Kind.NULLIFY, view)))
        self.forged += len(out) - len(effects)
        return out
