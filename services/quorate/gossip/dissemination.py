"""Who holds which batch: tells engine, peers and stage watchers, and wakes the batcher."""

import asyncio
from collections.abc import Sequence

from quorate.core.batches import HEADER_BYTES, BatchHeader, compute_batch_name
from quorate.core.gossip.held import Held, HeldBatches
from quorate.gossip.hub import Hub
from quorate.gossip.own_seat import OwnSeat
from quorate.gossip.peers import Peer, PeerTable
from quorate.gossip.stages import StageFeed


class Dissemination:
    """Notes what became durable where, once, and passes it on."""

    def __init__(
        self, held: HeldBatches, table: PeerTable, hub: Hub, stages: StageFeed, seat: OwnSeat
    ) -> None:
        self.held, self._table, self._hub, self._stages = held, table, hub, stages
        self._seat = seat
        # Own batches that less than a quorum holds; the batcher looks again when `changed` is set.
        self.in_flight: set[bytes] = set()
        self.changed = asyncio.Event()

    def note_durable(self, held: Held) -> None:
        """Note a batch that is checked and durable here."""
        if held.name in self.held or self.held.is_finished(held.name):
            return
        self.held.add(held)
        if self._seat.number is not None:
            held.holders |= 1 << self._seat.number
        self._hub.put_held(held.signed_header)
        self._table.broadcast_held(held.name)
        if held.header.author == self._seat.number:
            self._stages.put_batched(held)
            if held.holders.bit_count() < self.held.quorum:
                self.in_flight.add(held.name)

    def get_own_bytes(self) -> int:
        """Return the unfinalized bytes of own batches."""
        return 0 if self._seat.number is None else self.held.get_author_bytes(self._seat.number)

    def get_own_charge(self) -> int:
        """Return what counts against the own bound of unfinalized bytes."""
        return 0 if self._seat.number is None else self.held.get_author_charge(self._seat.number)

    def handle_held(self, peer: Peer, names: Sequence[bytes]) -> list[bytes]:
        """Note what a peer holds; returns the names that are not known here."""
        unknown: list[bytes] = []
        for name in names:
            if name not in self.held:
                if self.held.is_finished(name):
                    continue
                unknown.append(name)
            if peer.seat is not None:
                self._note_report(peer.seat, name)
        return unknown

    def _note_report(self, seat: int, name: bytes) -> None:
        held = self.held.add_report(seat, name)
        self._hub.put_report(seat, name)
        if held is None or held.header.author != self._seat.number:
            return
        count = held.holders.bit_count()
        if count in (self.held.enough, self.held.quorum):
            self._stages.put_batched(held)
        if count >= self.held.quorum:
            self._settle(name)

    def handle_finished(self, names: Sequence[bytes]) -> None:
        """Forget batches that are final or expired."""
        for name in names:
            self._settle(name)

    def handle_open(self, signed_headers: Sequence[bytes]) -> None:
        """Take in batches that were durable before this start."""
        for signed in signed_headers:
            header = signed[:HEADER_BYTES]
            name = compute_batch_name(header)
            self.note_durable(Held(name, BatchHeader.decode(header), signed))
            self._settle(name)

    def handle_seat(self) -> None:
        """Count the own seat for what became durable before it was known."""
        if self._seat.number is None:
            return
        for held in self.held.batches.values():
            held.holders |= 1 << self._seat.number

    def build_greeting(self) -> bytes:
        """Return the packed names of all that is held, for a peer that came."""
        return self.held.join_names()

    def _settle(self, name: bytes) -> None:
        self.in_flight.discard(name)
        self.changed.set()
