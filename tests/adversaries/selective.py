"""A sender that talks to some seats only; who they are changes now and then."""

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from tests.adversaries.base import Adversary

CHANGE_MS = 700


class SelectiveSender(Adversary):
    """Sends each message to the favoured only, and answers nobody else."""

    _until_ms = 0
    _favoured: tuple[int, ...] = ()

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Narrow broadcasts and answers to the favoured seats."""
        if event.now_ms >= self._until_ms:
            others = self.others()
            self._favoured = tuple(others[: self.rng.randint(0, len(others))])
            self._until_ms = event.now_ms + self.rng.randint(1, CHANGE_MS)
        out: list[do.Effect] = []
        for effect in effects:
            match effect:
                case do.Broadcast(message):
                    out += [do.SendToSeat(seat, message) for seat in self._favoured]
                    self.forged += len(self.setup.keys) - 1 - len(self._favoured)
                case do.SendToNode(node, _) if node[-1] not in self._favoured:
                    continue
                case _:
                    out.append(effect)
        return out
