"""One node: an engine, its log and storage, and what the driver does around them.

A turn takes all waiting events, writes their records, syncs after a moment if one asks for it, and
only then sends; a crash can come between any two of these (docs/protocol.md#L1).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.messages import Message, Proposal, Vote
from quorate.core.bft.replica import Replica, Setup
from tests.adversaries import ADVERSARIES
from tests.sim.disk import Disk
from tests.sim.plan import Crash
from tests.sim.storage import Storage

if TYPE_CHECKING:
    from tests.sim.world import World

TURN_EVENTS_MAX = 64
START_MS = 5


class Node:
    """A validator or observer; `boots` counts its lives, so that nothing outlives a crash."""

    def __init__(self, world: World, index: int, setup: Setup) -> None:
        self._world, self._setup, self.index = world, setup, index
        self.seat = setup.seat
        self.node_id = b"node" + bytes((index,))
        self.disk = Disk(world.rng)
        self.storage = Storage(world, self)
        self.boots = 0
        self.replica: Replica | None = None
        self.state = ("", "")
        name = dict(world.plan.adversaries).get(index)
        self.adversary = ADVERSARIES[name](self) if name else None
        self.is_honest = index not in world.plan.faulty
        # A false executor or a dead machine signs nothing unlawful either.
        self.obeys = self.adversary is None
        self.armed: Crash | None = None
        self._inbox: deque[tuple[Callable[..., on.Event], tuple[Any, ...]]] = deque()
        self._heard: dict[int, dict[bytes, None]] = {}
        self._busy = False
        self._timer = 0

    @property
    def key(self) -> Any:
        """The seat's key, for an adversary to misuse."""
        return self._setup.key

    @property
    def setup(self) -> Setup:
        """What the engine is made from."""
        return self._setup

    @property
    def world(self) -> World:
        """The world the node lives in."""
        return self._world

    def is_running(self) -> bool:
        """Tell whether the node is up."""
        return self.replica is not None

    # ---- life ------------------------------------------------------------------------------

    def start(self) -> None:
        """Make an engine from what the log and storage hold."""
        self.boots += 1
        restored = self.disk.read()
        self._world.check("restarted", self, restored)
        self.replica = Replica(self._setup, self.storage.open(restored))
        self._inbox.clear()
        self._busy, self.armed = False, None
        self.put(on.Started)
        self.put(on.BatchesHeld, self.storage.list_held())
        for seat, names in self._heard.items():
            self.put(on.BatchesReported, seat, tuple(names))
        self.storage.wake()
        self._world.network.refresh()

    def crash(self, kind: str, down_ms: int) -> None:
        """Stop now; only "engine" leaves storage and gossip running."""
        if self.replica is None:
            return
        self._world.crashes += 1
        self.boots += 1
        self.replica, self.armed = None, None
        if self.adversary is not None:
            self.disk = self.adversary.choose_disk(self.disk)
        if kind == "power":
            self.disk.cut_power()
        else:
            self.disk.kill()
        if kind != "engine":
            self._heard.clear()
            self.storage.crash()
        self.storage.interrupt()
        self._world.network.refresh()
        if self.index not in self._world.plan.dead:
            self._world.scheduler.after(down_ms, self._come_back, self.boots)

    def _come_back(self, boot: int) -> None:
        if boot == self.boots and self.replica is None:
            self.start()

    # ---- events ----------------------------------------------------------------------------

    def put(self, kind: Callable[..., on.Event], *fields: Any) -> None:
        """Queue an event; the clocks are read when its turn comes."""
        if self.replica is None:
            return
        self._inbox.append((kind, fields))
        if not self._busy:
            self._busy = True
            self._world.scheduler.after(0, self._take_turn, self.boots)

    def hear(self, source: int, names: tuple[bytes, ...]) -> None:
        """Take a report of held batches; gossip remembers it for an engine that restarts."""
        if self.replica is not None:
            known = self._heard.setdefault(source, {})
            known.update(dict.fromkeys(n for n in names if n not in self.storage.named))
            self.put(on.BatchesReported, source, names)

    def _take_turn(self, boot: int) -> None:
        if boot != self.boots or self.replica is None:
            return
        effects: list[do.Effect] = []
        for _ in range(min(len(self._inbox), TURN_EVENTS_MAX)):
            kind, fields = self._inbox.popleft()
            effects += self._handle(kind, fields)
        records = [r for e in effects if isinstance(e, do.Persist) for r in e.records]
        synced = any(isinstance(e, do.Persist) and e.synced for e in effects)
        self.disk.write(records)
        if synced and self._is_hit("before sync"):
            return
        turn_ms = self._world.rng.randint(0, self._world.plan.turn_ms_max)
        if turn_ms and synced:
            self._world.scheduler.after(turn_ms, self._finish_turn, boot, effects, synced)
        else:
            self._finish_turn(boot, effects, synced)

    def _handle(self, kind: Callable[..., on.Event], fields: tuple[Any, ...]) -> list[do.Effect]:
        assert self.replica is not None, "a node that is down takes no turn"
        now_ms = self._world.scheduler.now_ms
        skew = self._world.plan.skew_ms
        clock_ms = self._world.genesis_ms + now_ms + (skew[self.index] if skew else 0)
        event = kind(now_ms, clock_ms, *fields)
        self._world.events += 1
        effects = self.replica.handle(event)
        self._world.trace(self, event, effects)
        self._world.check("handled", self, event, effects)
        if self.adversary is not None:
            return self.adversary.rewrite(event, effects)
        return effects

    def _finish_turn(self, boot: int, effects: list[do.Effect], synced: bool) -> None:
        if boot != self.boots:
            return
        if synced:
            self.disk.sync()
            if self._is_hit("after sync"):
                return
        stop_at = self._choose_stop(len(effects))
        for count, effect in enumerate(effects):
            if count == stop_at and self._is_hit("amid sends"):
                return
            self._do(effect)
        self._busy = bool(self._inbox)
        if self._inbox:
            self._world.scheduler.after(0, self._take_turn, boot)

    # ---- effects ---------------------------------------------------------------------------

    def _do(self, effect: do.Effect) -> None:
        world = self._world
        world.check("done", self, effect)
        match effect:
            case do.Broadcast(message):
                for target in range(len(world.nodes)):
                    self._send(target, message)
            case do.SendToSeat(seat, message):
                self._send(seat, message)
            case do.SendToNode(node, message):
                self._send(node[-1], message)
            case do.SetTimer(at_ms):
                self._timer += 1
                if at_ms is not None:
                    world.scheduler.at(at_ms, self._fire, self.boots, self._timer)
            case do.CommitBlocks():
                self.storage.commit(effect)
            case do.FetchBatches(names, seats):
                world.payload.fetch(self.index, names, seats)
            case do.PruneLog(view):
                if view % world.plan.prune_every == 0:
                    self.disk.prune(view)
            case do.RecordEvidence():
                world.check("accused", self, effect)
            case do.ReportState(state, detail):
                self.state = (state, detail)

    def _send(self, target: int, message: Message) -> None:
        if target == self.index:
            return
        if isinstance(message, Vote | Proposal):
            self._world.check("sent", self, message)
        self._world.network.send(self.index, target, message)

    def _fire(self, boot: int, timer: int) -> None:
        if boot == self.boots and timer == self._timer:
            self._world.check("woken", self)
            self.put(on.TimerFired)

    # ---- crash points ----------------------------------------------------------------------

    def _choose_stop(self, count: int) -> int:
        if self.armed is None or self.armed.point != "amid sends" or not count:
            return -1
        return self._world.rng.randrange(count)

    def _is_hit(self, point: str) -> bool:
        crash = self.armed
        if crash is None or crash.point != point:
            return False
        self.crash(crash.kind, crash.down_ms)
        return True
