"""Links between nodes: delay, loss, duplicates, reorder, clogs, and partitions that come and go.

What arrives at a node in one millisecond lies in one box and comes in one go or in two, with the
senders in random order; a plan without `fifo` mixes each sender's messages as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from quorate.core.bft import events as on
from quorate.core.bft.messages import Message, decode_message

if TYPE_CHECKING:
    from tests.sim.world import World

CALM_DELAY_MS_MAX = 30
# What a faulty node gets through per link in a while; more is dropped, as gossip would
# (docs/protocol.md#P3 and #P4). Otherwise one flood after another takes most of a run's time.
FLOOD_MS = 50
FLOOD_MAX = 15


class Letter(NamedTuple):
    """A message on its way, and the node it is from."""

    source: int
    message: Message


class Network:
    """All links; a link is up when both ends run and no partition lies between."""

    def __init__(self, world: World) -> None:
        self._world, self._rng, self._random = world, world.rng, world.rng.random
        plan = world.plan
        self.groups: dict[int, int] = {}
        self.clogged: dict[int, int] = {}
        self.slow: dict[tuple[int, int], int] = {}
        self.loss_percent = plan.loss_percent
        self.duplicate_percent = plan.duplicate_percent
        self.delay_ms = plan.delay_ms
        self._fifo, self._wire = plan.fifo, plan.wire
        self._front: dict[tuple[int, int], int] = {}
        self._up: list[list[bool]] = []
        self._boxes: dict[tuple[int, int], list[Letter]] = {}
        self._floods: dict[tuple[int, int], tuple[int, int]] = {}
        self._limited = frozenset(seat for seat, _ in plan.adversaries)
        self.sent = 0

    # ---- which links are up ----------------------------------------------------------------

    def is_up(self, one: int, two: int) -> bool:
        """Tell whether two nodes can talk now."""
        return self._up[one][two]

    def refresh(self) -> None:
        """After anything changed: tell both ends of each link that has come up."""
        nodes, groups = self._world.nodes, self.groups
        alive = [node.is_running() for node in nodes]
        group = [groups.get(index, 0) for index in range(len(nodes))]
        before, self._up = self._up, [
            [
                one != two and alive[one] and alive[two] and group[one] == group[two]
                for two in range(len(nodes))
            ]
            for one in range(len(nodes))
        ]  # fmt: skip
        for one, row in enumerate(self._up):
            for two in range(one):
                if row[two] and not (before and before[one][two]):
                    self._connect(one, two)

    def heal(self) -> None:
        """End all trouble: no loss, no clogs, no partition, short delays."""
        self.groups, self.clogged, self.slow, self.loss_percent = {}, {}, {}, 0
        low_ms, high_ms = self.delay_ms
        self.delay_ms = (min(low_ms, CALM_DELAY_MS_MAX), min(high_ms, CALM_DELAY_MS_MAX))
        self.refresh()
        if not self._world.plan.reconnects:
            return  # what was lost on streams that stayed up must be noticed by itself
        # Streams that were in trouble break and come back: each side greets the other.
        for one, row in enumerate(self._up):
            for two in range(one):
                if row[two]:
                    self._connect(one, two)

    # ---- messages --------------------------------------------------------------------------

    def compute_delay_ms(self) -> int:
        """Return one link delay."""
        low_ms, high_ms = self.delay_ms
        return low_ms if low_ms == high_ms else self._rng.randint(low_ms, high_ms)

    def is_lost(self) -> bool:
        """Tell whether what is sent now gets lost."""
        return self.loss_percent > 0 and self._random() * 100 < self.loss_percent

    def broadcast(self, source: int, message: Message) -> None:
        """Send a message to everybody."""
        if self._wire:
            message = decode_message(message.encode())
        letter = Letter(source, message)
        if self._is_calm() and source not in self._limited:
            self._broadcast_calmly(letter)
            return
        for target, up in enumerate(self._up[source]):
            if up:
                self._post(letter, target)

    def _is_calm(self) -> bool:
        """Tell whether all that is sent now arrives once, and after the same delay."""
        low_ms, high_ms = self.delay_ms
        trouble = self.loss_percent or self.duplicate_percent or self.clogged or self.slow
        return low_ms == high_ms and not trouble and self._fifo

    def _broadcast_calmly(self, letter: Letter) -> None:
        at_ms, boxes = self._world.scheduler.now_ms + self.delay_ms[0], self._boxes
        for target, up in enumerate(self._up[letter.source]):
            if up:
                self.sent += 1
                link = (letter.source, target)
                front_ms = max(at_ms, self._front.get(link, 0))
                self._front[link] = front_ms
                place = (front_ms, target)
                if place in boxes:
                    boxes[place].append(letter)
                else:
                    boxes[place] = [letter]
                    self._world.scheduler.at(place[0], self._deliver, place)

    def send(self, source: int, target: int, message: Message) -> None:
        """Send a message, which may come late, twice or never."""
        if self._up[source][target]:
            if self._wire:
                message = decode_message(message.encode())
            self._post(Letter(source, message), target)

    def _post(self, letter: Letter, target: int) -> None:
        self.sent += 1
        if self.is_lost() or (letter.source in self._limited and self._floods_over(letter, target)):
            return
        copies = 1
        if self.duplicate_percent and self._random() * 100 < self.duplicate_percent:
            copies = 2
        for _ in range(copies):
            place = (self._compute_arrival_ms(letter.source, target), target)
            box = self._boxes.get(place)
            if box is None:
                self._boxes[place] = [letter]
                self._world.scheduler.at(place[0], self._deliver, place)
            else:
                box.append(letter)

    def _floods_over(self, letter: Letter, target: int) -> bool:
        link, turn = (letter.source, target), self._world.scheduler.now_ms // FLOOD_MS
        last, count = self._floods.get(link, (turn, 0))
        count = count + 1 if last == turn else 1
        self._floods[link] = (turn, count)
        return count > FLOOD_MAX

    def _compute_arrival_ms(self, source: int, target: int) -> int:
        start_ms = self._world.scheduler.now_ms
        if self.clogged:
            start_ms = max(start_ms, self.clogged.get(source, 0), self.clogged.get(target, 0))
        if self.slow:
            start_ms += self.slow.get((source, target), 0)
        at_ms = start_ms + self.compute_delay_ms()
        if self._fifo:
            link = (source, target)
            at_ms = max(at_ms, self._front.get(link, 0))
            self._front[link] = at_ms
        return at_ms

    def _deliver(self, place: tuple[int, int]) -> None:
        letters, target = self._boxes.pop(place), place[1]
        if len(letters) > 1:
            letters = self._shuffle(letters)
            if self._random() < 0.25:
                middle = self._rng.randrange(1, len(letters))
                self._boxes[place] = letters[middle:]
                self._world.scheduler.after(0, self._deliver, place)
                letters = letters[:middle]
        up = self._up[target]
        self._world.nodes[target].receive(
            [(on.MessageReceived, tuple(letter)) for letter in letters if up[letter.source]]
        )

    def _shuffle(self, letters: list[Letter]) -> list[Letter]:
        if not self._fifo:
            self._rng.shuffle(letters)
            return letters
        order = {letter.source: self._random() for letter in letters}
        return sorted(letters, key=lambda letter: order[letter.source])

    def _connect(self, one: int, two: int) -> None:
        for near, far in ((one, two), (two, one)):
            delay_ms = self.compute_delay_ms()
            self._world.scheduler.after(delay_ms, self._greet, near, far)

    def _greet(self, near: int, far: int) -> None:
        if self._up[near][far]:
            self._world.nodes[near].put(on.PeerConnected, far)
            self._world.payload.report_all(far, near)
