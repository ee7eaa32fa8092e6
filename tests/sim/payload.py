"""Batches: made by validators, appear at others at different times, reported, fetched on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.batches import BatchHeader, compute_batch_name
from quorate.core.bft import events as on

if TYPE_CHECKING:
    from tests.sim.world import World


class Payload:
    """The dissemination that gossip does for real, reduced to what engines see of it."""

    def __init__(self, world: World) -> None:
        self._world, self._rng = world, world.rng
        self.headers: dict[bytes, BatchHeader] = {}
        self.made_ms: dict[bytes, int] = {}

    def make(self, author: int, expiry_height: int | None = None) -> bytes:
        """Have an author seal a batch and spread it; some receivers never get it unasked."""
        world = self._world
        node = world.nodes[author]
        if expiry_height is None:
            expiry_height = node.storage.height + self._rng.randint(*world.plan.validity)
        header = BatchHeader(
            epoch=0,
            author=author,
            number=len(self.headers),
            count=1,
            size_bytes=100,
            weight=self._rng.randint(1, world.plan.batch_weight_max),
            expiry_height=expiry_height,
            content_hash=len(self.headers).to_bytes(32, "big"),
        )
        name = compute_batch_name(header.encode())
        self.headers[name], self.made_ms[name] = header, world.scheduler.now_ms
        self.store(author, name)
        for target in range(len(world.nodes)):
            lost = self._rng.randrange(100) < world.network.loss_percent
            if target != author and not lost:
                late_ms = world.network.compute_delay_ms()
                if self._rng.randrange(8) == 0:
                    late_ms += self._rng.randint(0, world.plan.late_ms_max)
                world.scheduler.after(late_ms, self._arrive, author, target, name)
        return name

    def store(self, target: int, name: bytes) -> None:
        """Make a batch durable at a node; tell its engine and the other nodes."""
        node = self._world.nodes[target]
        if name in node.storage.batches or not node.is_running():
            return
        node.storage.batches[name] = self.headers[name]
        node.put(on.BatchesHeld, ((name, self.headers[name]),))
        if node.seat is not None and name not in node.storage.named:
            for other in range(len(self._world.nodes)):
                self._report(target, other, (name,))

    def report_all(self, source: int, target: int) -> None:
        """Tell a node that has just connected what is held and not final."""
        storage = self._world.nodes[source].storage
        names = tuple(name for name in storage.batches if name not in storage.named)
        if names and self._world.nodes[source].seat is not None:
            self._hear(source, target, names)

    def fetch(self, target: int, names: tuple[bytes, ...], seats: tuple[int, ...]) -> None:
        """Ask the seats, then everyone; what is held anywhere in reach comes after a round trip."""
        network = self._world.network
        others = [node.index for node in self._world.nodes if node.index not in seats]
        for name in names:
            for source in (*seats, *others):
                held = name in self._world.nodes[source].storage.batches
                if held and network.is_up(source, target):
                    delay_ms = network.compute_delay_ms() + network.compute_delay_ms()
                    self._world.scheduler.after(delay_ms, self._arrive, source, target, name)
                    break

    def _arrive(self, source: int, target: int, name: bytes) -> None:
        if self._world.network.is_up(source, target):
            self.store(target, name)

    def _report(self, source: int, target: int, names: tuple[bytes, ...]) -> None:
        network = self._world.network
        if source != target and self._rng.randrange(100) >= network.loss_percent:
            delay_ms = network.compute_delay_ms()
            self._world.scheduler.after(delay_ms, self._hear, source, target, names)

    def _hear(self, source: int, target: int, names: tuple[bytes, ...]) -> None:
        if self._world.network.is_up(source, target):
            self._world.nodes[target].hear(source, names)
