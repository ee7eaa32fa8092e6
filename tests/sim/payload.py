"""Batches: made by validators, appear at others at different times, reported, fetched on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.core.batches import BatchHeader, compute_batch_name
from quorate.core.bft import events as on

if TYPE_CHECKING:
    from tests.sim.world import World

# Reports wait so long for company, as on the real streams (docs/adr/005-pace.md).
GATHER_MS = 6


class Payload:
    """The dissemination that gossip does for real, reduced to what engines see of it."""

    def __init__(self, world: World) -> None:
        self._world, self._rng = world, world.rng
        self.headers: dict[bytes, BatchHeader] = {}
        self.made_ms: dict[bytes, int] = {}
        self.authors: dict[bytes, int] = {}
        self.invalid: set[bytes] = set()
        self._reports: dict[int, list[bytes]] = {}
        self._boxes: dict[tuple[int, int], list[tuple[int, bytes]]] = {}

    def make(self, author: int, expiry_height: int | None = None) -> bytes:
        """Have an author seal a batch and spread it; some receivers never get it unasked."""
        world = self._world
        node = world.nodes[author]
        if expiry_height is None:
            expiry_height = node.storage.height + self._rng.randint(*world.plan.validity)
        name = self._seal(author, expiry_height)
        self.made_ms[name], self.authors[name] = world.scheduler.now_ms, author
        self.store(author, (name,))
        targets = [target for target in range(len(world.nodes)) if target != author]
        if node.adversary is not None:
            targets = node.adversary.choose_receivers(name, targets)
        for target in targets:
            if not world.network.is_lost():
                late_ms = world.network.compute_delay_ms()
                if world.plan.late_ms_max and self._rng.random() < 0.125:
                    late_ms += self._rng.randint(0, world.plan.late_ms_max)
                self._send(author, target, name, late_ms)
        return name

    def _send(self, source: int, target: int, name: bytes, delay_ms: int) -> None:
        # What comes to a node in one millisecond is made durable in one write.
        place = (self._world.scheduler.now_ms + delay_ms, target)
        box = self._boxes.setdefault(place, [])
        box.append((source, name))
        if len(box) == 1:
            self._world.scheduler.at(place[0], self._arrive, place)

    def _seal(self, author: int, expiry_height: int) -> bytes:
        """Return the name of a new batch; here its content is only a number."""
        epoch, seat = self.get_seat(author)
        header = BatchHeader(
            epoch=epoch,
            author=seat,
            number=len(self.headers),
            count=1,
            size_bytes=100,
            weight=self._rng.randint(1, self._world.plan.batch_weight_max),
            expiry_height=expiry_height,
            content_hash=len(self.headers).to_bytes(32, "big"),
        )
        name = compute_batch_name(header.encode())
        self.headers[name] = header
        adversary = self._world.nodes[author].adversary
        if adversary is not None and adversary.seals_badly:
            self.invalid.add(name)
        return name

    def get_seat(self, author: int) -> tuple[int, int]:
        """Return the epoch an author is in, and its seat there."""
        node = self._world.nodes[author]
        assert node.seat is not None, "only who has a seat makes batches"
        return node.epoch, node.seat

    def is_valid(self, name: bytes) -> bool:
        """Tell whether an honest receiver takes a batch (docs/protocol.md#B5)."""
        return name not in self.invalid

    def store(self, target: int, names: tuple[bytes, ...]) -> None:
        """Make new batches durable at a node; tell its engine and the other nodes."""
        node = self._world.nodes[target]
        if not node.is_running() or not node.storage.is_up:
            return
        held, waiting = list[tuple[bytes, BatchHeader]](), self._reports.setdefault(target, [])
        was_waiting = bool(waiting)
        for name in dict.fromkeys(names):
            if name in node.storage.batches:
                continue
            if target != self.authors[name] and not self.is_valid(name):
                continue
            node.storage.hold(name, self.headers[name])
            held.append((name, self.headers[name]))
            if node.key is not None and name not in node.storage.named:
                waiting.append(name)
        if held:
            node.put(on.BatchesHeld, tuple(held))
        if waiting and not was_waiting:
            self._world.scheduler.after(GATHER_MS, self._report, target)

    def report_all(self, source: int, target: int) -> None:
        """Tell a node that has just connected what is held and not final."""
        storage = self._world.nodes[source].storage
        names = tuple(name for name in storage.batches if name not in storage.named)
        if names and self._world.nodes[source].key is not None:
            self._hear(source, target, names)

    def fetch(self, target: int, names: tuple[bytes, ...], first: tuple[int, ...]) -> None:
        """Ask some nodes, then everyone; what is held in reach comes after a round trip."""
        network = self._world.network
        others = [node.index for node in self._world.nodes if node.index not in first]
        for name in names:
            for source in (*first, *others):
                if network.is_up(source, target) and self._is_given(source, name):
                    delay_ms = network.compute_delay_ms() + network.compute_delay_ms()
                    self._send(source, target, name, delay_ms)
                    break

    def _is_given(self, source: int, name: bytes) -> bool:
        node = self._world.nodes[source]
        given = node.adversary is None or node.adversary.gives(name)
        return given and name in node.storage.batches

    def _arrive(self, place: tuple[int, int]) -> None:
        target, network = place[1], self._world.network
        came = self._boxes.pop(place)
        self.store(target, tuple(name for source, name in came if network.is_up(source, target)))

    def _report(self, source: int) -> None:
        network, names = self._world.network, tuple(self._reports.pop(source))
        for target in range(len(self._world.nodes)):
            if source != target and not network.is_lost():
                delay_ms = network.compute_delay_ms()
                self._world.scheduler.after(delay_ms, self._hear, source, target, names)

    def _hear(self, source: int, target: int, names: tuple[bytes, ...]) -> None:
        if self._world.network.is_up(source, target):
            self._world.nodes[target].hear(source, names)
