"""A seat that sends every certificate it ever saw again and again, oldest first."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Certificate
from tests.adversaries.base import Adversary

if TYPE_CHECKING:
    from tests.sim.node import Node

KEPT_MAX = 1_000
BURST = 8
EVERY_MS = 20


class CertificateReplayer(Adversary):
    """Collects certificates, its own engine's too, and never forgets the first ones."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._kept: list[Certificate] = []
        self._next: deque[Certificate] = deque()

    def rewrite(self, event: on.Event, effects: list[do.Effect]) -> list[do.Effect]:
        """Add a burst of old certificates now and then."""
        message = event.message if isinstance(event, on.MessageReceived) else None
        if isinstance(message, Certificate) and len(self._kept) < KEPT_MAX:
            self._kept.append(message)
        if not self._kept or not self.is_due(event.now_ms, EVERY_MS):
            return effects
        out = list(effects)
        for _ in range(BURST):
            if not self._next:
                self._next.extend(self._kept)
            out.append(do.Broadcast(self._next.popleft()))
        self.forged += BURST
        return out
