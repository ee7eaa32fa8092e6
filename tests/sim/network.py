"""Links between nodes: delay, loss, duplicates, reorder, clogs, and partitions that come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.bft import events as on
from quorate.core.bft.messages import Message, decode_message

if TYPE_CHECKING:
    from tests.sim.world import World


class Network:
    """All links; a link is up when both ends run and no partition lies between."""

    def __init__(self, world: World) -> None:
        self._world, self._rng = world, world.rng
        self.groups: dict[int, int] = {}
        self.clogged: dict[int, int] = {}
        self.loss_percent = world.plan.loss_percent
        self.delay_ms = world.plan.delay_ms
        self._front: dict[tuple[int, int], int] = {}
        self._up: set[tuple[int, int]] = set()
        self.sent = 0

    def is_up(self, one: int, two: int) -> bool:
        """Tell whether two nodes can talk now."""
        nodes = self._world.nodes
        same = self.groups.get(one, 0) == self.groups.get(two, 0)
        return one != two and same and nodes[one].is_running() and nodes[two].is_running()

    def refresh(self) -> None:
        """After anything changed: tell both ends of each link that has come up."""
        count = len(self._world.nodes)
        pairs = [(a, b) for a in range(count) for b in range(a) if self.is_up(a, b)]
        for one, two in pairs:
            if (one, two) not in self._up:
                self._connect(one, two)
        self._up = set(pairs)

    def heal(self) -> None:
        """End all trouble: no loss, no clogs, no partition, short delays."""
        self.groups, self.clogged, self.loss_percent = {}, {}, 0
        self.delay_ms = (1, min(self.delay_ms[1], 30))
        self.refresh()
        if not self._world.plan.reconnects:
            return  # what was lost on streams that stayed up must be noticed by itself
        # Streams that were in trouble break and come back: each side greets the other.
        count = len(self._world.nodes)
        for one in range(count):
            for two in range(one):
                if self.is_up(one, two):
                    self._connect(one, two)

    def compute_delay_ms(self) -> int:
        """Return one link delay."""
        return self._rng.randint(*self.delay_ms)

    def send(self, source: int, target: int, message: Message) -> None:
        """Send a message, which may come late, twice or never."""
        self.sent += 1
        if not self.is_up(source, target) or self._rng.randrange(100) < self.loss_percent:
            return
        copies = 2 if self._rng.randrange(100) < self._world.plan.duplicate_percent else 1
        if self._world.plan.wire:
            message = decode_message(message.encode())
        for _ in range(copies):
            at_ms = self._compute_arrival_ms(source, target)
            self._world.scheduler.at(at_ms, self._deliver, source, target, message)

    def _compute_arrival_ms(self, source: int, target: int) -> int:
        now_ms = self._world.scheduler.now_ms
        start_ms = max(now_ms, self.clogged.get(source, 0), self.clogged.get(target, 0))
        at_ms = start_ms + self.compute_delay_ms()
        if self._world.plan.fifo:
            at_ms = max(at_ms, self._front.get((source, target), 0))
            self._front[source, target] = at_ms
        return at_ms

    def _deliver(self, source: int, target: int, message: Message) -> None:
        if not self.is_up(source, target):
            return
        node = self._world.nodes[source]
        self._world.nodes[target].put(on.MessageReceived, node.node_id, node.seat, message)

    def _connect(self, one: int, two: int) -> None:
        for near, far in ((one, two), (two, one)):
            delay_ms = self.compute_delay_ms()
            self._world.scheduler.after(delay_ms, self._greet, near, far)

    def _greet(self, near: int, far: int) -> None:
        if self.is_up(near, far):
            node = self._world.nodes[far]
            self._world.nodes[near].put(on.PeerConnected, node.node_id, node.seat)
            self._world.payload.report_all(far, near)
