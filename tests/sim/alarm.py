"""The one timer of an engine, on the node's own clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import events as on

if TYPE_CHECKING:
    from tests.sim.node import Node


class Alarm:
    """Set to a time of the node's monotonic clock; fires TimerFired.

    One entry lies in the scheduler's heap; when it comes too early it is moved on.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._at_ms: int | None = None
        self._next: tuple[int, int] | None = None

    def set(self, at_ms: int | None) -> None:
        """Fire at a time, instead of the one before; None: not at all."""
        self._at_ms = at_ms
        if at_ms is None:
            return
        node = self._node
        wake = (node.boots, node.clock.find_world_ms(at_ms))
        if self._next is None or self._next[0] != node.boots or wake < self._next:
            self._next = wake
            node.world.scheduler.at(wake[1], self._wake, wake)

    def _wake(self, wake: tuple[int, int]) -> None:
        node = self._node
        if wake != self._next or wake[0] != node.boots or node.is_paused(self._wake, wake):
            return
        self._next = None
        if self._at_ms is None:
            return
        if node.clock.read(node.world.scheduler.now_ms)[0] < self._at_ms:
            self.set(self._at_ms)
            return
        self._at_ms = None
        node.world.check("woken", node)
        node.put(on.TimerFired)
