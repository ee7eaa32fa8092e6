"""Takes in batches of others: cheap checks first, then signatures in the helper, then durable.

A bad header signature or content hash is the fault of who sent it; anything else that is wrong is
proof against the author, since its seat signed it (docs/protocol.md#B2). What can't be judged yet
(the author is ahead of this node, or in an epoch whose set is not known here) is dropped without
blame: it is fetched when it is reported held. So is what comes too late for its epoch (#B6).
"""

import asyncio
from collections import deque
from typing import Final

from quorate.core.batches import (
    HEADER_BYTES,
    SIGNED_HEADER_BYTES,
    Batch,
    BatchHeader,
    check_batch_header,
    compute_batch_name,
    is_batch_signed,
)
from quorate.core.errors import InvalidBatch, MalformedBytes, QuorateError, Rejected
from quorate.core.genesis import Genesis
from quorate.core.gossip.entries import Checked
from quorate.core.gossip.held import Held, compute_charge
from quorate.core.gossip.mempool import Mempool
from quorate.core.results import Judgement
from quorate.gossip.dissemination import Dissemination
from quorate.gossip.peers import PeerTable
from quorate.gossip.vault import Vault
from quorate.gossip.verifier import Verifier
from quorate.kit import metrics
from quorate.kit.logs import get_logger
from quorate.kit.tasks import Tasks

WORKING_BYTES_MAX: Final = 32 * 1024 * 1024
NODE_WORKING_BYTES_MAX: Final = 8 * 1024 * 1024
PROOFS_MAX: Final = 64
SLICE: Final = 512

log = get_logger("gossip")


class Receiver:
    """Checks batches and makes them durable, each once."""

    def __init__(
        self,
        genesis: Genesis,
        mempool: Mempool,
        verifier: Verifier,
        vault: Vault,
        spread: Dissemination,
    ) -> None:
        self._genesis, self._mempool, self._verifier = genesis, mempool, verifier
        self._vault, self._spread = vault, spread
        self.working: dict[bytes, asyncio.Future[bool]] = {}
        self._working_bytes = 0
        self._node_bytes: dict[bytes, int] = {}
        # What counts against authors for batches that are being checked.
        self._charges: dict[bytes, int] = {}
        # Signed headers of batches that prove a fault of their author, newest last.
        self.proofs: deque[tuple[bytes, str]] = deque(maxlen=PROOFS_MAX)
        self._table: PeerTable | None = None
        self._tasks: Tasks | None = None

    def start(self, table: PeerTable, tasks: Tasks) -> None:
        """Join the peer table, which hears of faults."""
        self._table, self._tasks = table, tasks

    def offer(self, node_id: bytes, encoded: bytes) -> None:
        """Take in a batch that a peer sent unasked; dropped when there is no room for its work."""
        name = compute_batch_name(encoded[:HEADER_BYTES])
        if not self._is_wanted(name):
            return
        size = self._node_bytes.get(node_id, 0) + len(encoded)
        if size > NODE_WORKING_BYTES_MAX or self._working_bytes > WORKING_BYTES_MAX:
            return
        assert self._tasks is not None, "start() comes before frames"
        self._node_bytes[node_id] = size
        self._tasks.start(self._take_offered(node_id, encoded), "batch in")

    async def _take_offered(self, node_id: bytes, encoded: bytes) -> None:
        try:
            await self.take_in(node_id, encoded)
        finally:
            left = self._node_bytes[node_id] - len(encoded)
            if left:
                self._node_bytes[node_id] = left
            else:
                del self._node_bytes[node_id]

    async def take_in(
        self, node_id: bytes, encoded: bytes, *, requested: bool = False, certified: bool = False
    ) -> bool:
        """Return whether the batch is durable here now; faults are counted against the node."""
        name = compute_batch_name(encoded[:HEADER_BYTES])
        running = self.working.get(name)
        if running is not None:
            return await asyncio.shield(running)
        if name in self._spread.held or (not requested and self._spread.held.is_finished(name)):
            return True
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.working[name] = done
        self._working_bytes += len(encoded)
        is_durable = False
        try:
            is_durable = await self._take_in(node_id, encoded, requested, certified)
        finally:
            del self.working[name]
            self._working_bytes -= len(encoded)
            done.set_result(is_durable)
        return is_durable

    async def _take_in(
        self, node_id: bytes, encoded: bytes, requested: bool, certified: bool
    ) -> bool:
        # Nothing comes before this node knows where the chain stands.
        await self._spread.sets.known.wait()
        try:
            batch, author = self._check_sender(encoded, certified)
        except Rejected as error:
            log.info("a batch can't count now", peer=node_id.hex()[:12], why=error.reason)
            return False
        except QuorateError as error:
            log.warning("not a batch", peer=node_id.hex()[:12], why=error.message)
            self._blame(node_id, "MALFORMED_FRAME")
            return False
        if not certified and not self._is_timely(batch.header, author, requested):
            return False
        charge = compute_charge(batch.header)
        self._charges[author] = self._charges.get(author, 0) + charge
        try:
            held = Held(batch.name, batch.header, encoded[:SIGNED_HEADER_BYTES], author)
            return await self._check_and_store(node_id, batch, held, certified)
        finally:
            self._charges[author] -= charge
            if not self._charges[author]:
                del self._charges[author]

    async def _check_and_store(
        self, node_id: bytes, batch: Batch, held: Held, certified: bool
    ) -> bool:
        try:
            check_batch_header(batch.header, self._genesis.params)
            records = [] if certified else await self._check_content(batch)
        except (InvalidBatch, MalformedBytes) as error:
            self._keep_proof(node_id, batch, error)
            return False
        except QuorateError as error:
            log.warning("a batch could not be checked", why=error.message)
            return False
        try:
            await self._vault.put(batch.encode())
        except QuorateError as error:
            log.warning("a batch could not be stored", why=error.message)
            return False
        if held.author:
            self._note(held, records)
        return True

    def _check_sender(self, encoded: bytes, certified: bool) -> tuple[Batch, bytes]:
        """Return the batch and its author's key if that signed the header and this its content.

        Raises Rejected (EPOCH_OVER, EPOCH_UNKNOWN) when it is of an epoch far from the running one;
        under a certificate its name proves it then, and the key returned is empty.
        """
        header_bytes = encoded[:HEADER_BYTES]
        header = BatchHeader.decode(header_bytes)
        seats = self._spread.sets.get(header.epoch)
        if seats is None:
            if certified:
                return Batch.decode(encoded), b""
            is_over = self._spread.sets.judge(header.epoch) is Judgement.INVALID
            raise Rejected(
                f"a batch of epoch {header.epoch} while epoch {self._spread.sets.epoch} runs",
                reason="EPOCH_OVER" if is_over else "EPOCH_UNKNOWN",
            )
        if header.author >= len(seats.keys):
            raise MalformedBytes("batch", "its author has no seat in its epoch")
        signature, author = encoded[HEADER_BYTES:SIGNED_HEADER_BYTES], seats.keys[header.author]
        if not is_batch_signed(header_bytes, signature, author, self._genesis.domain):
            raise MalformedBytes("batch", "its author's signature does not verify")
        return Batch.decode(encoded), author

    def _is_timely(self, header: BatchHeader, author: bytes, requested: bool) -> bool:
        height, validity = self._mempool.height, self._genesis.params.batch_validity_blocks
        # An author may be some blocks ahead of this node; further ahead can't be judged yet.
        if not height < header.expiry_height <= height + 2 * validity:
            return False
        unfinalized = self._spread.held.get_author_charge(author) + compute_charge(header)
        unfinalized += self._charges.get(author, 0)
        return requested or unfinalized <= self._genesis.params.author_unfinalized_bytes_max

    async def _check_content(self, batch: Batch) -> list[Checked]:
        header = batch.header
        verdicts = await self._verifier.verify(batch.content, header.count, urgent=True)
        if verdicts.failed:
            first = verdicts.failed[0]
            raise InvalidBatch(
                f"transaction {first.at}: {first.reason} ({first.message})", cause=first.reason
            )
        with metrics.measure_stage("admit"):
            records = verdicts.unpack()
            weight = sum([record[6] for record in records])
        if weight != header.weight or len(records) != header.count:
            raise InvalidBatch(f"weighs {weight}, not {header.weight}", cause="WRONG_WEIGHT")
        return records

    def _note(self, held: Held, records: list[Checked]) -> None:
        with metrics.measure_stage("admit"):
            held.slots = [record[1] for record in records]
            self._mempool.lanes.add_foreign(held.slots, [record[0] for record in records])
        self._spread.note_durable(held)
        if held.name not in self._spread.held:
            # It was final before it was durable here: its slots are executed.
            self._mempool.lanes.remove_foreign(held.slots)

    def _keep_proof(self, node_id: bytes, batch: Batch, error: QuorateError) -> None:
        signed_header = batch.header.encode() + batch.signature
        self.proofs.append((signed_header, error.message))
        self._spread.held.finish(batch.name)
        metrics.BATCHES_INVALID.inc()
        log.error(
            "a batch proves a fault of its author",
            author=batch.header.author,
            why=error.message,
            proof=signed_header.hex(),
        )
        self._blame(node_id, "INVALID_BATCH")

    def _is_wanted(self, name: bytes) -> bool:
        held = self._spread.held
        return name not in held and name not in self.working and not held.is_finished(name)

    def _blame(self, node_id: bytes, fault: str) -> None:
        if self._table is not None:
            self._table.add_fault(node_id, fault)
