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
        self._seat, self.sets = seat, seat.sets
        # Own batches that less than a quorum holds; the batcher looks again when `changed` is set.
        self.in_flight: set[bytes] = set()
        self.changed = asyncio.Event()

    def note_durable(self, held: Held) -> None:
        """Note a batch that is checked and durable here."""
        if held.name in self.held or self.held.is_finished(held.name):
            return
        self.held.add(held)
        self.held.add_report(self._seat.key, held.name)
        self._hub.put_held(held.signed_header)
        self._table.broadcast_held(held.name)
        if self._is_own(held):
            self._stages.put_batched(held)
            if self.held.count(held) < self.held.quorum:
                self.in_flight.add(held.name)

    def get_own_bytes(self) -> int:
        """Return the unfinalized bytes of own batches."""
        return self.held.get_author_bytes(self._seat.key)

    def get_own_charge(self) -> int:
        """Return what counts against the own bound of unfinalized bytes."""
        return self.held.get_author_charge(self._seat.key)

    def handle_held(self, peer: Peer, names: Sequence[bytes]) -> list[bytes]:
        """Note what a peer holds; returns the names that are not known here."""
        unknown: list[bytes] = []
        for name in names:
            if name not in self.held:
                if self.held.is_finished(name):
                    continue
                unknown.append(name)
            if peer.seat_key:
                self._note_report(peer.seat_key, name)
        return unknown

    def _note_report(self, key: bytes, name: bytes) -> None:
        held = self.held.add_report(key, name)
        self._hub.put_report(key, name)
        if held is None or not self._is_own(held):
            return
        count = self.held.count(held)
        if count in (self.held.enough, self.held.quorum):
            self._stages.put_batched(held)
        if count >= self.held.quorum:
            self._settle(name)

    def handle_finished(self, names: Sequence[bytes]) -> None:
        """Forget batches that are final or expired."""
        for name in names:
            self._settle(name)

    def handle_open(self, signed_headers: Sequence[bytes]) -> None:
        """Take in batches that were durable before this start, but those whose time is over."""
        for signed in signed_headers:
            encoded = signed[:HEADER_BYTES]
            name, header = compute_batch_name(encoded), BatchHeader.decode(encoded)
            seats = self.sets.get(header.epoch)
            if seats is not None and header.author < len(seats.keys):
                self.note_durable(Held(name, header, signed, seats.keys[header.author]))
                self._settle(name)

    def handle_seat(self) -> None:
        """Count the seats of the running set, the own one for all that is durable here."""
        running = self.sets.running
        if running is None:
            return
        self.held.set_seats(running.keys, self.sets.list_keys())
        for name in self.held.batches:
            self.held.add_report(self._seat.key, name)
        for name in [name for name in self.in_flight if self._is_spread(name)]:
            self._settle(name)
        self.changed.set()

    def build_greeting(self) -> bytes:
        """Return the packed names of all that is held, for a peer that came."""
        return self.held.join_names()

    def _is_own(self, held: Held) -> bool:
        return bool(held.author) and held.author == self._seat.key

    def _is_spread(self, name: bytes) -> bool:
        held = self.held.batches.get(name)
        return held is None or self.held.count(held) >= self.held.quorum

    def _settle(self, name: bytes) -> None:
        self.in_flight.discard(name)
        self.changed.set()
