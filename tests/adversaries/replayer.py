"""A seat that sends old messages of everybody again, to anybody, at any time."""

from collections import deque

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Message
from tests.adversaries.base import Adversary

KEPT_MAX = 400


class Replayer(Adversary):
    """Collects what it hears: votes, proposals, certificates, answers."""

    _kept: deque[Message]

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Add a few old messages now and then."""
        if "_kept" not in self.__dict__:
            self._kept = deque(maxlen=KEPT_MAX)
        if isinstance(event, on.MessageReceived):
            self._kept.append(event.message)
        out = list(effects)
        if self._kept and self.rng.randrange(8) == 0:
            for _ in range(self.rng.randint(1, 6)):
                message = self._kept[self.rng.randrange(len(self._kept))]
                out.append(do.SendToSeat(self.rng.choice(self.others() or [0]), message))
        return out
