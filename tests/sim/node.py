"""One node: an engine, its log and storage, and what the driver does around them.

A turn takes all waiting events, writes their records, syncs after a moment if one asks for it, and
only then sends; a crash can come between any two of these (docs/protocol.md#L1). A pause stops all
of a node for a while; then everything that has come meanwhile is handled at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.engine import Engine, EngineSetup
from quorate.core.bft.log import Record, Restored
from quorate.core.bft.messages import Message, Proposal, Vote
from quorate.core.bft.replica import Replica, Setup
from quorate.core.epochs import EpochStart
from quorate.core.seats import SeatSet
from tests.adversaries import ADVERSARIES
from tests.sim.alarm import Alarm
from tests.sim.clocks import Clock
from tests.sim.disk import Disk

if TYPE_CHECKING:
    from tests.sim.trouble import Crash
    from tests.sim.world import World

TURN_EVENTS_MAX = 64

Waiting = tuple[Callable[..., on.Event], tuple[Any, ...]]
# An effect, and the set whose seats it names: a later event of the turn may end the epoch.
Turn = list[tuple[do.Effect, SeatSet]]
# Events that come from another node begin with its index; the engine is told its node id and seat.
FROM_NODES = frozenset((on.MessageReceived, on.PeerConnected, on.BatchesReported))
Label = tuple[bytes, int | None]


class Node:
    """A validator or observer; `boots` counts its lives, so that nothing outlives a crash."""

    def __init__(self, world: World, index: int, setup: EngineSetup) -> None:
        plan = world.plan
        self._world, self._setup, self.index = world, setup, index
        self.node_id = b"node" + bytes((index,))
        # An observer has none; the public one names the node in the sets of epochs.
        self.key: Any = setup.key
        self.public_key = b"" if setup.key is None else setup.key.public_key
        self._labelled: EpochStart | None = None
        self._labels: list[Label] = []
        self._seats = world.sets.get_set(0)
        self.clock = Clock(
            world.genesis_ms,
            plan.skew_ms[index] if plan.skew_ms else 0,
            plan.rate_ppm[index] if plan.rate_ppm else 0,
        )
        self.disk = Disk(world.rng)
        self.storage = world.make_storage(self)
        self.boots = 0
        self.engine: Engine | None = None
        self.head = world.root
        self.state = ("", "")
        name = dict(plan.adversaries).get(index)
        self.adversary = ADVERSARIES[name](self) if name else None
        self.is_honest = index not in plan.faulty
        # A false executor or a dead machine signs nothing unlawful either.
        self.obeys = self.adversary is None
        self.armed: Crash | None = None
        self.paused_ms = self.slow_disk_ms = 0
        self._inbox: deque[Waiting] = deque()
        self._heard: dict[int, dict[bytes, None]] = {}
        self._unsynced: deque[do.CommitBlocks] = deque()
        self._busy = False
        self._alarm = Alarm(self)

    @property
    def replica(self) -> Replica | None:
        """The running epoch's engine."""
        return None if self.engine is None else self.engine.replica

    @property
    def setup(self) -> Setup:
        """What the running epoch's engine is made from."""
        assert self.engine is not None, "a node that is down is in no epoch"
        return self.engine.replica.setup

    @property
    def seat(self) -> int | None:
        """The seat in the running epoch."""
        return None if self.engine is None else self.engine.replica.setup.seat

    @property
    def epoch(self) -> int:
        """The running epoch, as its storage knows it when there is no engine."""
        return self.storage.epoch_start.epoch if self.engine is None else self.engine.start.epoch

    @property
    def world(self) -> World:
        """The world the node lives in."""
        return self._world

    def is_running(self) -> bool:
        """Tell whether the engine is up."""
        return self.engine is not None

    def is_settled(self) -> bool:
        """Tell whether it is up and between two turns."""
        return self.engine is not None and not self._busy

    def make_engine(self, restored: Restored) -> Engine:
        """Return a new engine from a log and what storage holds."""
        return Engine(self._setup, *self.storage.open(restored))

    # ---- life ------------------------------------------------------------------------------

    def start(self) -> None:
        """Make an engine from what the log and storage hold; it waits for a storage that is down.

        The same call brings back who was stopped by any crash.
        """
        if not self.storage.is_up:
            self.storage.start()
        self.boots += 1
        restored = self.disk.read()
        self._world.check("restarted", self, restored)
        for certificate in restored.certificates:
            self._world.check("certified", self, certificate)
        self.engine = self.make_engine(restored)
        self.head = self.engine.replica.chain.head
        self._inbox.clear()
        self._unsynced.clear()
        self._busy, self.armed = False, None
        self._alarm.set(None)
        self._world.note(self, "starts")
        self.put(on.Started)
        self.put(on.BatchesHeld, self.storage.list_held())
        for source, names in self._heard.items():
            self.put(on.BatchesReported, source, tuple(names))
        self.storage.wake()
        self._world.network.refresh()

    def crash(self, kind: str, down_ms: int) -> None:
        """Stop now: all by a power cut or a kill, or only the engine, or only storage."""
        if self.engine is None:
            return
        self._world.crashes += 1
        self._world.note(self, f"crashes: {kind}, back in {down_ms} ms")
        if kind == "storage":
            self._crash_storage(down_ms)
            return
        self.boots += 1
        self.engine, self.armed = None, None
        if self.adversary is not None:
            self.disk = self.adversary.choose_disk(self.disk)
        if kind == "power":
            self.disk.cut_power()
        else:
            self.disk.kill()
        if kind != "engine":
            self._heard.clear()
            self.storage.crash(power=kind == "power")
        self._world.network.refresh()
        if self.index not in self._world.plan.dead:
            self._world.scheduler.after(down_ms, self._come_back, self.boots)

    def pause(self, until_ms: int, *, suspended: bool) -> None:
        """Let nothing happen here until then; `suspended`: its monotonic clock stands still too."""
        now_ms = self._world.scheduler.now_ms
        if suspended:
            self.clock.suspend(max(until_ms - max(now_ms, self.paused_ms), 0))
        self.paused_ms = max(self.paused_ms, until_ms)
        self.storage.stalled_ms = max(self.storage.stalled_ms, until_ms)

    def _crash_storage(self, down_ms: int) -> None:
        if self.storage.is_up:
            self.armed = None
            self.storage.crash(power=False)
            self._world.scheduler.after(down_ms, self.restart_storage)

    def _come_back(self, boot: int) -> None:
        if boot == self.boots and self.engine is None:
            self.start()

    def restart_storage(self) -> None:
        """Bring storage back to an engine that went on; the link between sends again.

        It tells where the head is, and gets all blocks that it never called synced.
        """
        if self.storage.is_up:
            return
        self.storage.start()
        self._world.note(self, "storage is back")
        if self.engine is not None:
            self.storage.attach(self._unsynced)

    # ---- events ----------------------------------------------------------------------------

    def put(self, kind: Callable[..., on.Event], *fields: Any) -> None:
        """Queue an event; the clocks are read when its turn comes."""
        if self.engine is None:
            return
        self._inbox.append((kind, fields))
        if not self._busy:
            self._busy = True
            self._world.scheduler.after(0, self._take_turn, self.boots)

    def receive(self, events: list[Waiting]) -> None:
        """Take what came over the network, in a turn of its own if none is under way."""
        if self.engine is None:
            return
        self._inbox += events
        if not self._busy and self._inbox:
            self._busy = True
            self._take_turn(self.boots)

    def hear(self, source: int, names: tuple[bytes, ...]) -> None:
        """Take a report of held batches; gossip remembers it for an engine that restarts."""
        if self.engine is not None:
            known = self._heard.setdefault(source, {})
            known.update(dict.fromkeys(n for n in names if n not in self.storage.named))
            self.put(on.BatchesReported, source, names)

    def note_synced(self, height: int) -> None:
        """Drop what the link to storage kept to be sent again."""
        while self._unsynced and self._unsynced[0].blocks[-1].header.height <= height:
            self._unsynced.popleft()

    def is_paused(self, action: Callable[..., None], *args: Any) -> bool:
        """Tell whether the node stands still; the action is then put off until it goes on."""
        if self._world.scheduler.now_ms >= self.paused_ms:
            return False
        self._world.scheduler.at(self.paused_ms, action, *args)
        return True

    def _take_turn(self, boot: int) -> None:
        if boot != self.boots:
            return
        if self.paused_ms and self.is_paused(self._take_turn, boot):
            return
        inbox, world, engine = self._inbox, self._world, self.engine
        assert engine is not None, "a node that is down takes no turn"
        turn, clocks = Turn(), self.clock.read(world.scheduler.now_ms)
        labels = self._get_labels(engine)
        count = min(len(inbox), TURN_EVENTS_MAX)
        world.events += count
        for _ in range(count):
            kind, fields = inbox.popleft()
            if kind in FROM_NODES:
                node_id, seat = labels[fields[0]]
                named = (seat,) if kind is on.BatchesReported else (node_id, seat)
                event = kind(*clocks, *named, *fields[1:])
            else:
                event = kind(*clocks, *fields)
            done = engine.handle(event)
            world.watch(self, event, done)
            labels = self._get_labels(engine)
            if self.adversary is not None and self.seat is not None:
                done = self.adversary.rewrite(event, done)
            seats = self._seats
            for effect in done:
                turn.append((effect, seats))
        synced = self._write(turn)
        if synced and self.armed is not None and self._is_hit("before sync"):
            return
        turn_ms = self._draw_sync_ms() if synced else 0
        if turn_ms:
            world.scheduler.after(turn_ms, self._finish_turn, boot, turn, synced)
        else:
            self._finish_turn(boot, turn, synced)

    def _get_labels(self, engine: Engine) -> list[Label]:
        """Return every node's id and the seat that it has in the epoch that runs here."""
        if engine.start is not self._labelled:
            self._labelled, self._seats = engine.start, engine.seats
            find, nodes = self._seats.find, self._world.nodes
            self._labels = [(node.node_id, find(node.public_key)) for node in nodes]
        return self._labels

    def _write(self, turn: Turn) -> bool:
        """Write the turn's records as one; tell whether they must be synced."""
        records, synced = list[Record](), False
        for effect, _ in turn:
            if type(effect) is do.Persist:
                records += effect.records
                synced = synced or effect.synced
            elif type(effect) is do.RecordEvidence:
                first, second = effect.first.encode(), effect.second.encode()
                records.append((b"e" + second[:32], first + second))
                synced = True
        self.disk.write(records)
        return synced

    def _draw_sync_ms(self) -> int:
        most_ms = self._world.plan.turn_ms_max
        if self._world.scheduler.now_ms < self.slow_disk_ms:
            most_ms = self._world.plan.slow_sync_ms
        return self._world.rng.randint(0, most_ms) if most_ms else 0

    def _finish_turn(self, boot: int, turn: Turn, synced: bool) -> None:
        if boot != self.boots:
            return
        if self.paused_ms and self.is_paused(self._finish_turn, boot, turn, synced):
            return
        if synced:
            self.disk.sync()
        for effect, _ in turn:
            if type(effect) is do.Broadcast or type(effect) is do.CommitBlocks:
                self._world.witness(self, effect)
        if self.armed is None:
            for effect, seats in turn:
                self._do(effect, seats)
        elif not self._finish_armed(turn, synced=synced):
            return
        self._busy = bool(self._inbox)
        if self._busy:
            self._world.scheduler.after(0, self._take_turn, boot)

    def _finish_armed(self, turn: Turn, *, synced: bool) -> bool:
        """Do the effects with a crash waiting for its point; tell whether it was not hit."""
        if synced and self._is_hit("after sync"):
            return False
        boot, stop_at = self.boots, self._world.rng.randrange(len(turn) + 1)
        for count, (effect, seats) in enumerate(turn):
            if count == stop_at and self._is_hit("amid sends"):
                return False
            self._do(effect, seats)
        return boot == self.boots

    # ---- effects ---------------------------------------------------------------------------

    def _do(self, effect: do.Effect, seats: SeatSet) -> None:
        world, kind = self._world, type(effect)
        for each in world.done_hooks:
            each(self, effect)
        if kind is do.Broadcast:
            self._announce(effect.message)
            world.network.broadcast(self.index, effect.message)
        elif kind is do.SetTimer:
            self._alarm.set(effect.at_ms)
        elif kind is do.SendToNode:
            self._send(effect.node[-1], effect.message)
        elif kind is do.SendToSeat:
            # What an adversary remembers of an earlier epoch may name no seat of this one.
            if effect.seat < len(seats.keys) or self.obeys:
                self._send(world.find_node(seats.keys[effect.seat]), effect.message)
        elif kind is do.CommitBlocks:
            self._unsynced.append(effect)
            self.storage.commit(effect)
        elif kind is do.ReleaseBlock:
            self.storage.release(effect.ticket)
        elif kind is do.FetchBatches:
            holders = tuple(world.find_node(seats.keys[seat]) for seat in effect.seats)
            world.payload.fetch(self.index, effect.names, holders)
        elif kind is do.PruneLog:
            if effect.view % world.plan.prune_every == 0:
                self.disk.prune(effect.epoch, effect.view)
        elif kind is do.StartEpoch:
            world.note(self, f"is in epoch {effect.epoch}, seat {effect.seat}")
        elif kind is do.RecordEvidence:
            world.check("accused", self, effect)
        elif kind is do.ReportState:
            world.check("reported", self, effect)
            self.state = (effect.state, effect.detail)

    def _send(self, target: int, message: Message) -> None:
        if target != self.index:
            self._announce(message)
            self._world.network.send(self.index, target, message)

    def _announce(self, message: Message) -> None:
        if isinstance(message, Vote | Proposal):
            self._world.check("sent", self, message)
            if self.obeys and self._world.find_signer(message) == self.index:
                self._world.check("signed", self, message)

    # ---- crash points ----------------------------------------------------------------------

    def _is_hit(self, point: str) -> bool:
        crash = self.armed
        if crash is None or crash.point != point:
            return False
        self.crash(crash.kind, crash.down_ms)
        # Without its storage an engine goes on.
        return crash.kind != "storage"
