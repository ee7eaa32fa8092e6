"""A seat that sends old messages of everybody again, to anybody, at any time."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Message
from tests.adversaries.base import Adversary

if TYPE_CHECKING:
    from tests.sim.node import Node

KEPT_MAX = 400


class Replayer(Adversary):
    """Collects what it hears: votes, proposals, certificates, answers."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._kept: deque[Message] = deque(maxlen=KEPT_MAX)

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Add a few old messages now and then."""
        if isinstance(event, on.MessageReceived):
            self._kept.append(event.message)
        out = list(effects)
        if self._kept and self.rng.randrange(8) == 0:
            for _ in range(self.rng.randint(1, 6)):
                # What is still of use to somebody, or anything.
                span = self.rng.choice((16, len(self._kept)))
                message = self._kept[-self.rng.randint(1, min(span, len(self._kept)))]
                out.append(do.SendToSeat(self.rng.choice(self.others() or [0]), message))
        self.forged += len(out) - len(effects)
        return out
