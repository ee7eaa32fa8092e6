"""Does the engine's effects: persists first, then sends; one event at a time, many per sync.

All events that wait are handled in one turn; their records become one synced write, and only then
does anything of the turn leave (docs/protocol.md#L1). When the log can't be written, the turn is
kept and tried again: nothing of it is sent, nothing later is handled.
"""

import asyncio
import time
from collections.abc import Callable

from quorate.consensus.gossip_link import GossipLink
from quorate.consensus.storage_link import StorageLink
from quorate.consensus.vote_log import VoteLog
from quorate.core.accusations import build_record
from quorate.core.bft import effects as do
from quorate.core.bft import events as on
from quorate.core.bft.engine import Engine
from quorate.core.bft.log import Record
from quorate.core.seats import SeatSet
from quorate.kit import failpoints, metrics
from quorate.kit.logs import get_logger

EVENTS_MAX = 4_096
TURN_EVENTS_MAX = 64
DISK_RETRY_S = 0.5

MakeEvent = Callable[[int, int], on.Event]
log = get_logger("consensus")


class Driver:
    """Owns the engine's turn: events in, effects done in order."""

    def __init__(self, engine: Engine, vote_log: VoteLog | None) -> None:
        self.engine = engine
        self.fault = ""
        # Told of evidence once it is in the log.
        self.on_evidence: Callable[[do.RecordEvidence], None] = lambda effect: None
        self._log = vote_log
        self._reach = failpoints.open_failpoints()
        self._events: asyncio.Queue[MakeEvent] = asyncio.Queue(EVENTS_MAX)
        self._timer: asyncio.TimerHandle | None = None
        self._gossip: GossipLink | None = None
        self._storage: StorageLink | None = None

    def connect(self, gossip: GossipLink, storage: StorageLink) -> None:
        """Join the links that effects go out by."""
        self._gossip, self._storage = gossip, storage

    async def put(self, make: MakeEvent) -> None:
        """Queue an event; waits while the queue is full (a peer's stream then waits too)."""
        await self._events.put(make)

    async def run(self) -> None:
        """Handle events until cancelled."""
        while True:
            makes = [await self._events.get()]
            while not self._events.empty() and len(makes) < TURN_EVENTS_MAX:
                makes.append(self._events.get_nowait())
            with metrics.measure_stage("consensus"):
                turn = [done for make in makes for done in self._handle(make)]
            await self._persist([effect for effect, _ in turn])
            for effect, seats in turn:
                self._do(effect, seats)
            metrics.VIEW.set(self.engine.replica.view)
            await asyncio.sleep(0)

    def _handle(self, make: MakeEvent) -> list[tuple[do.Effect, SeatSet]]:
        """Return effects with the set whose seats they name; a later event may change it."""
        loop = asyncio.get_running_loop()
        now_ms, clock_ms = int(loop.time() * 1000), int(time.time() * 1000)
        effects = self.engine.handle(make(now_ms, clock_ms))
        return [(effect, self.engine.seats) for effect in effects]

    async def _persist(self, effects: list[do.Effect]) -> None:
        records: list[Record] = []
        synced = False
        for effect in effects:
            if isinstance(effect, do.Persist):
                records += effect.records
                synced = synced or effect.synced
            elif isinstance(effect, do.RecordEvidence):
                records.append(build_record(effect.first, effect.second))
                synced = True
        if self._log is None or not records:
            return
        if synced:
            self._reach(failpoints.BEFORE_PERSIST)
        while True:
            try:
                with metrics.measure_stage("sync"):
                    self._log.persist(records, synced=synced)
            except OSError as error:
                await self._wait_for_disk(error)
            else:
                if self.fault:
                    log.info("the vote log can be written again")
                self.fault = ""
                if synced:
                    self._reach(failpoints.AFTER_PERSIST)
                return

    async def _wait_for_disk(self, error: OSError) -> None:
        if not self.fault:
            log.error("cannot write the vote log: not voting until it works", error=str(error))
        self.fault = f"VOTE_LOG_UNWRITABLE: {error}"
        metrics.HALTED.set(1)
        await asyncio.sleep(DISK_RETRY_S)
        assert self._log is not None, "only a log that exists fails to be written"
        try:
            self._log.reopen()
        except OSError as again:
            log.debug("the vote log still cannot be opened", error=str(again))

    def _do(self, effect: do.Effect, seats: SeatSet) -> None:
        gossip, storage = self._gossip, self._storage
        assert gossip is not None and storage is not None, "connect() comes before run()"
        match effect:
            case do.Broadcast() | do.SendToSeat() | do.SendToNode():
                gossip.send(effect, seats)
            case do.SetTimer():
                self._set_timer(effect.at_ms)
            case do.CommitBlocks():
                metrics.FINAL_HEIGHT.set(effect.blocks[-1].header.height)
                storage.commit(effect)
            case do.ReleaseBlock():
                storage.release(effect)
            case do.FetchBatches():
                gossip.fetch(effect, seats)
            case do.AnnounceProposal():
                storage.announce(effect)
            case do.PruneLog():
                self._prune(effect)
            case do.StartEpoch():
                metrics.EPOCH.set(effect.epoch)
                gossip.start_epoch(effect)
                log.info("epoch", epoch=effect.epoch, seat=effect.seat)
            case do.RecordEvidence():
                self._record_evidence(effect)
            case do.ReportState():
                metrics.HALTED.set(effect.state == "halted")
                log.info("engine state", state=effect.state, detail=effect.detail)

    def _prune(self, effect: do.PruneLog) -> None:
        if self._log is None:
            return
        try:
            self._log.prune(effect.epoch, effect.view)
        except OSError as error:
            # Nothing depends on it: what stays is forgotten the next time.
            log.warning("the vote log cannot be pruned now", error=str(error))

    def _set_timer(self, at_ms: int | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if at_ms is not None:
            loop = asyncio.get_running_loop()
            # One millisecond more: the engine compares whole milliseconds.
            self._timer = loop.call_at((at_ms + 1) / 1000, self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self._events.full():
            # The events in the queue make the engine look at its timers anyway.
            return
        self._events.put_nowait(on.TimerFired)

    def _record_evidence(self, effect: do.RecordEvidence) -> None:
        first, second = effect.first.encode(), effect.second.encode()
        metrics.EQUIVOCATIONS.labels(type(effect.second).__name__.lower()).inc()
        log.warning(
            "a seat signed two messages that conflict",
            seat=effect.seat,
            first=first.hex(),
            second=second.hex(),
        )
        self.on_evidence(effect)
