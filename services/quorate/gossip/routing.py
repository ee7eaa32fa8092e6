"""Joins the parts: what frames mean to whom, and what a change means to the others."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from quorate.api.peers.v1 import peers_pb2 as pb
from quorate.core.gossip.mempool import Mempool
from quorate.core.gossip.pace import Pace
from quorate.core.seats import SeatSet
from quorate.gossip.answers import Answerer
from quorate.gossip.batcher import Batcher
from quorate.gossip.chain import Outcome
from quorate.gossip.dissemination import Dissemination
from quorate.gossip.fees import FeeDesk
from quorate.gossip.fetcher import Fetcher
from quorate.gossip.hub import Hub
from quorate.gossip.ingress import NO_SEAT
from quorate.gossip.own_seat import OwnSeat
from quorate.gossip.peers import Peer, PeerTable
from quorate.gossip.receiver import Receiver
from quorate.gossip.servicer import GossipServicer
from quorate.gossip.stages import StageFeed
from quorate.kit import metrics
from quorate.kit.logs import get_logger
from quorate.kit.tasks import Tasks

GREETING_RECORDS: Final = 32
# How often peers are told the own height: it only serves who is far behind.
HEIGHT_S: Final = 0.2
SLICE: Final = 256

log = get_logger("gossip")


@dataclass(slots=True)
class Router:
    """Takes the parts of peers' frames (frames.Receivers), and changes of peers, seat and chain."""

    table: PeerTable
    hub: Hub
    spread: Dissemination
    receiver: Receiver
    fetcher: Fetcher
    answerer: Answerer
    batcher: Batcher
    stages: StageFeed
    seat: OwnSeat
    mempool: Mempool
    pace: Pace
    desk: FeeDesk
    servicer: GossipServicer
    tasks: Tasks
    _handing_on: bool = False
    _telling: asyncio.TimerHandle | None = None

    # ---- parts of frames -------------------------------------------------------------------

    def handle_consensus(self, peer: Peer, message: bytes) -> None:
        """Pass a message to the engine."""
        self.hub.put_message(peer, message)

    def handle_held(self, peer: Peer, names: Sequence[bytes]) -> None:
        """Count holders; fetch what does not come by itself."""
        self.fetcher.want(self.spread.handle_held(peer, names))

    def handle_batch(self, peer: Peer, encoded: bytes) -> None:
        """Check a batch and make it durable."""
        self.receiver.offer(peer.node_id, encoded)

    def handle_request(self, peer: Peer, request: pb.Request) -> None:
        """Answer a request."""
        self.answerer.handle_request(peer, request)

    def handle_answer(self, peer: Peer, answer: pb.Answer) -> None:
        """Hand an answer to who asked."""
        self.fetcher.handle_answer(peer, answer)

    # ---- changes ---------------------------------------------------------------------------

    def handle_change(self, peer: Peer, is_up: bool) -> None:
        """Greet a peer that came, and tell the engine."""
        if is_up:
            self._greet(peer)
        self.hub.put_change(peer, is_up)
        self.servicer.note_height()

    def handle_seat(self) -> None:
        """Tell everyone the seat key that this validator turned out to have."""
        self.spread.handle_seat()
        if self.seat.fragment:
            self.table.broadcast_note(self.seat.fragment)
        self.batcher.wake()
        self.hand_on()

    def handle_epoch(self, before: SeatSet | None) -> None:
        """Count the seats of the epoch that runs now, and tell the engine what they hold."""
        running = self.seat.sets.running
        assert running is not None, "an epoch was started"
        self.spread.handle_seat()
        if before is None or before.keys != running.keys:
            self.hub.repeat_reports()
        if before is None or before.epoch != running.epoch:
            log.info("epoch", epoch=running.epoch, seat=self.seat.number, seats=len(running.seats))
        self.batcher.wake()
        self.hand_on()

    def hand_on(self) -> None:
        """Drop what no batch holds while this validator has no seat: others must batch it."""
        lanes = self.mempool.lanes
        if self._handing_on or not self.seat.is_told or self.seat.number is not None:
            return
        if lanes.ready_bytes or lanes.parked_bytes:
            self._handing_on = True
            self.tasks.start(self._drop_waiting(), "hand on")

    async def _drop_waiting(self) -> None:
        ids = list(self.mempool.entries)
        for start in range(0, len(ids), SLICE):
            with metrics.measure_stage("admit"):
                dropped = self.mempool.drop_waiting(ids[start : start + SLICE], NO_SEAT)
                self.stages.put_dropped(dropped)
            await asyncio.sleep(0)
        self._handing_on = False

    def handle_block(self, outcome: Outcome) -> None:
        """Spread what an executed block changed."""
        self.spread.handle_finished(outcome.finished)
        self.stages.put_dropped(outcome.dropped)
        own = [h.header for h in outcome.executed if h.author and h.author == self.seat.key]
        now_ms = int(asyncio.get_running_loop().time() * 1_000)
        self.pace.note_executed(sum(header.size_bytes for header in own), now_ms)
        self.desk.note_block(outcome)
        if self._telling is None:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_later(HEIGHT_S, self._tell_height)
        self.batcher.wake()
        self.hand_on()

    def _tell_height(self) -> None:
        self._telling = None
        height = pb.Frame(height=self.mempool.height).SerializeToString()
        self.table.broadcast_note(height)

    def _greet(self, peer: Peer) -> None:
        outbox = peer.outbox
        if self.seat.fragment:
            outbox.put_note(self.seat.fragment)
        outbox.put_note(pb.Frame(height=self.mempool.height).SerializeToString())
        for record in list(self.table.records.records.values())[-GREETING_RECORDS:]:
            outbox.put_note(record.fragment)
        held = self.spread.build_greeting()
        if held:
            outbox.put_held(held)
        peer.wake.set()
