"""Seals batches of own transactions: at once when none is under way, else full or after a while.

Under way is what is not final yet: so the pace follows what the network can bear. Only a validator
with a seat in the running epoch seals, and while its unfinalized bytes stay under what the others
accept (docs/protocol.md#B1). What is sealed has its place for good, so no more is sealed than the
next blocks can take: the rest waits where what pays more goes first (docs/protocol.md#M5).
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from quorate.core.batches import Batch, BatchHeader, compute_batch_name, compute_content_hash
from quorate.core.codec import pack_list
from quorate.core.errors import QuorateError, Rejected
from quorate.core.gossip.entries import Entry
from quorate.core.gossip.held import Held
from quorate.core.gossip.mempool import Mempool
from quorate.core.gossip.pace import Pace
from quorate.core.params import Params
from quorate.gossip.dissemination import Dissemination
from quorate.gossip.own_seat import OwnSeat
from quorate.gossip.peers import PeerTable
from quorate.gossip.vault import Vault
from quorate.kit import metrics
from quorate.kit.logs import get_logger
from quorate.kit.tasks import Tasks

# Longest wait for a batch while an own one is not final yet. A batch costs every validator a dozen
# gRPC messages, whatever is in it (docs/adr/005-pace.md).
SEAL_S: Final = 0.06
RETRY_S: Final = 0.1
# Batches that are signed but not durable here yet.
STORING_MAX: Final = 8
# Weight of all unfinalized batches, in blocks, above which a seat seals its own share only.
BLOCKS_AHEAD: Final = 4
# Of what is accepted, being about as much as is executed in a second, this share may be sealed.
SEALED_SHARE: Final = 2

log = get_logger("gossip")


class Batcher:
    """Owns the numbers of own batches."""

    def __init__(
        self, mempool: Mempool, spread: Dissemination, seat: OwnSeat, vault: Vault, table: PeerTable
    ) -> None:
        self._mempool, self._spread, self._seat = mempool, spread, seat
        self.held = spread.held
        self._vault, self._table = vault, table
        self._params = Params()
        self._storing = asyncio.Semaphore(STORING_MAX)
        # A later start goes on above every number used before: no state to lose.
        self._number = time.time_ns() // 1_000
        self._sealed_s = 0.0
        # More waits than was taken last: what a block holds of own batches is all it can take.
        self.is_behind = False
        # Since when there have been own batches that are not final.
        self.busy_since_s = 0.0
        # How many own bytes are worth having under way, as measured.
        self.pace = Pace()
        # Told of transactions that no batch holds after all.
        self.on_given_back: Callable[[], None] = lambda: None

    def wake(self) -> None:
        """Look again: there are new transactions."""
        self._spread.changed.set()

    async def run(self, params: Params, tasks: Tasks) -> None:
        """Seal until cancelled."""
        self._params = params
        while True:
            await self._seat.known.wait()
            await self._wait_due()
            await self._storing.acquire()
            batch, held = None, None
            entries = self._take()
            try:
                if entries:
                    batch, held = await self._seal(entries)
            except QuorateError as error:
                log.info("no batch can be sealed", why=error.reason, detail=error.message)
                await asyncio.sleep(RETRY_S)
            finally:
                if batch is None or held is None:
                    self._mempool.give_back(entries)
                    self._storing.release()
                    self.on_given_back()
            if batch is not None and held is not None:
                self._spread.in_flight.add(batch.name)
                tasks.start(self._store(batch, held), f"batch {batch.header.number}")

    async def _wait_due(self) -> None:
        """Return when a batch is to be sealed now."""
        loop, changed = asyncio.get_running_loop(), self._spread.changed
        while True:
            changed.clear()
            if not self._mempool.lanes.ready_bytes or not self._has_room():
                self.is_behind = self._mempool.lanes.ready_bytes > 0
                await changed.wait()
                continue
            left_s = self._sealed_s + SEAL_S - loop.time()
            is_full = self._mempool.lanes.ready_bytes >= self._params.batch_size_bytes_max
            if self._is_idle() or is_full or left_s <= 0:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await changed.wait()

    def _is_idle(self) -> bool:
        return not self._spread.get_own_bytes() and not self._spread.in_flight

    def _has_room(self) -> bool:
        # The others may be some blocks behind, and count more as unfinalized than is.
        params, own = self._params, self._spread.get_own_charge()
        most = params.author_unfinalized_bytes_max * 3 // 4
        if self._seat.number is None or own + params.batch_size_bytes_max > most:
            return False
        if own > self.pace.compute_allowed_bytes() // SEALED_SHARE:
            return False
        if self.compute_unfinalized_weight() < BLOCKS_AHEAD * params.block_weight_max:
            return True
        return self._compute_own_weight() < self.compute_share()

    def compute_unfinalized_weight(self) -> int:
        """Return the weight of all batches known here that no block has executed yet."""
        return sum([held.header.weight for held in self.held.batches.values()])

    def compute_share(self) -> int:
        """Return the weight that is this seat's of a block when all seats have as much to bring."""
        running = self._seat.sets.running
        seats = 1 if running is None else len(running.seats)
        return max(self._params.block_weight_max // seats, 1)

    def _compute_own_weight(self) -> int:
        batches = self.held.batches.values()
        return sum([held.header.weight for held in batches if held.author == self._seat.key])

    def _take(self) -> list[Entry]:
        params = self._params
        with metrics.measure_stage("admit"):
            entries = self._mempool.take(
                params.batch_size_bytes_max, params.batch_transactions_max, params.block_weight_max
            )
        self.is_behind = self._mempool.lanes.ready_bytes > 0
        return entries

    async def _seal(self, entries: list[Entry]) -> tuple[Batch, Held]:
        seat, epoch = self._seat.number, self._seat.sets.epoch
        if seat is None:
            raise Rejected("this validator has no seat in this epoch", reason="NO_SEAT")
        self._sealed_s = asyncio.get_running_loop().time()
        if self._is_idle():
            self.busy_since_s = self._sealed_s
        self._number += 1
        content = pack_list([entry.raw for entry in entries])
        header = BatchHeader(
            epoch=epoch,
            author=seat,
            number=self._number,
            count=len(entries),
            size_bytes=len(content),
            weight=sum([entry.weight for entry in entries]),
            expiry_height=self._mempool.height + self._params.batch_validity_blocks,
            content_hash=compute_content_hash(content),
        )
        encoded = header.encode()
        signature = await self._seat.sign_batch(encoded)
        name = compute_batch_name(encoded)
        for entry in entries:
            entry.batch = name
        ids = b"".join([entry.id for entry in entries])
        signed = encoded + signature
        held = Held(name, header, signed, self._seat.key, entries=entries, ids=ids)
        return Batch(header, signature, content, name), held

    async def _store(self, batch: Batch, held: Held) -> None:
        encoded = batch.encode()
        # It travels while it is synced here: what counts is what each holder reports.
        self._table.broadcast_batch(encoded)
        try:
            await self._vault.put(encoded)
        except QuorateError as error:
            log.warning("an own batch could not be stored", why=error.reason)
            self._spread.in_flight.discard(batch.name)
            self._mempool.give_back(held.entries)
            self.wake()
            return
        finally:
            self._storing.release()
        metrics.BATCHES_SEALED.inc()
        self._spread.note_durable(held)
        if self.held.count(held) >= self.held.quorum:
            self._spread.handle_finished([held.name])
