"""A seat whose votes come late: held back for a long time, then sent in one burst.

What it sends is lawful, only never of use: views are over, blocks final, certificates made. Old
votes must cost the others nothing (docs/protocol.md#R6).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Vote
from tests.adversaries.base import Adversary

if TYPE_CHECKING:
    from tests.sim.node import Node

HELD_MS_MAX = 3_000
HELD_MAX = 2_000


class LateVoter(Adversary):
    """Holds its votes back until a time comes, then sends all of them."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._held: deque[do.Effect] = deque(maxlen=HELD_MAX)

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Take votes out; when the time has come put all of them in."""
        out: list[do.Effect] = []
        for effect in effects:
            if isinstance(effect, do.Broadcast) and isinstance(effect.message, Vote):
                self._held.append(effect)
            else:
                out.append(effect)
        if self.is_due(event.now_ms, HELD_MS_MAX // 2):
            self.forged += len(self._held)
            out += self._held
            self._held.clear()
        return out
