"""Takes chunks of clients' transactions in: room, signatures, state, lanes; one verdict for each.

Room is reserved before any work. Overload is answered per chunk with a time to wait: when the
verifier has a long queue, when more is accepted than the chain executes in about a second, or when
memory is used up.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from quorate.api.transaction.v1.transaction_pb2 import Rejection
from quorate.core.accusations import NOT_A_REPORTER
from quorate.core.codec import pack_list
from quorate.core.gossip.claims import find_claimed_price
from quorate.core.gossip.entries import Checked, Refusal, State
from quorate.core.gossip.executed import Dropped
from quorate.core.gossip.mempool import SENDER_SHARE, Mempool
from quorate.core.gossip.pace import Pace
from quorate.gossip.chain import ChainFollower
from quorate.gossip.dissemination import Dissemination
from quorate.gossip.verifier import Verdicts, Verifier
from quorate.kit import metrics

VERIFYING_MAX: Final = 4_096
RETRY_MS: Final = 100
SLICE: Final = 256
READS_MAX: Final = 3
# When there is no room for all of a chunk, so many are looked at for what they claim to pay.
CLAIMS_MAX: Final = 1_024
_OUTDATED: Final = Refusal("OUTDATED", "", {})
_FOREIGN_REPORT: Final = Refusal(
    NOT_A_REPORTER, "a validator takes evidence from its own consensus only", {}
)


class Answer(NamedTuple):
    """Verdicts on a chunk: who is refused, all ids, and batches that hold what came again."""

    rejections: list[Rejection]
    ids: bytes
    batches: set[bytes]


class Chunk:
    """A chunk for which room is reserved; `close` gives the room back."""

    def __init__(self, admission: "Admission", raws: Sequence[bytes]) -> None:
        self._admission = admission
        self.raws = raws
        # Of a chunk of which only some are looked at: where those stand in it; None: all.
        self.places: list[int] | None = None
        self.size_bytes = sum(map(len, raws))
        self._checking: asyncio.Task[Verdicts] | None = None

    def start(self, verifier: Verifier) -> None:
        """Have the verifier look at it."""
        content = pack_list(tuple(self.raws))
        self._checking = asyncio.create_task(verifier.verify(content, len(self.raws)))

    async def wait(self) -> Verdicts:
        """Return the verifier's verdicts; raises a QuorateError when it failed."""
        assert self._checking is not None, "start() comes before wait()"
        return await self._checking

    def close(self) -> None:
        """Give the room back, and stop what still runs."""
        if self._checking is not None:
            self._checking.cancel()
        self._admission.release(self)


class Admission:
    """Decides on chunks."""

    def __init__(
        self,
        mempool: Mempool,
        verifier: Verifier,
        chain: ChainFollower,
        pace: Pace,
        spread: Dissemination,
    ) -> None:
        self._mempool, self._verifier, self._chain = mempool, verifier, chain
        self._pace, self._spread = pace, spread
        # Told of own transactions that yielded to others.
        self.on_yielded: Callable[[Iterable[Dropped]], None] = lambda dropped: None

    def reserve(self, raws: Sequence[bytes]) -> Chunk | int:
        """Return a chunk that is being verified, or after how many ms to try again."""
        chunk = Chunk(self, raws)
        if not self._chain.ready.is_set():
            return RETRY_MS
        waiting = self._verifier.queued_count
        if waiting and waiting + len(raws) > VERIFYING_MAX:
            return RETRY_MS
        backlog = self._compute_backlog_bytes()
        wait_ms = self._pace.compute_wait_ms(backlog + self._mempool.reserved_bytes)
        if wait_ms:
            places = self._find_worthy(raws)
            if not places:
                return wait_ms
            chunk = Chunk(self, [raws[place] for place in places])
            chunk.places = places
        if not self._mempool.reserve(chunk.size_bytes):
            return RETRY_MS
        chunk.start(self._verifier)
        return chunk

    def _find_worthy(self, raws: Sequence[bytes]) -> list[int]:
        """Return which claim to pay more than the lowest that waits (docs/protocol.md#M6)."""
        lowest = self._mempool.lanes.queue.find_lowest_price() or 0
        claims = map(find_claimed_price, raws[:CLAIMS_MAX])
        return [place for place, price in enumerate(claims) if price > lowest]

    def _compute_backlog_bytes(self) -> int:
        """Return what is accepted and can be executed: ready, or in own unfinalized batches."""
        return self._mempool.lanes.ready_bytes + self._spread.get_own_bytes()

    def release(self, chunk: Chunk) -> None:
        """Give a chunk's room back."""
        self._mempool.release(chunk.size_bytes)

    async def decide(self, chunk: Chunk, *, own_reports: bool = False) -> Answer:
        """Return the verdicts on a chunk; raises a QuorateError when none can be given now.

        `own_reports`: it comes from the own consensus, so it may bring evidence.
        """
        verdicts = await chunk.wait()
        records = verdicts.unpack()
        refusals = {
            failed.at: Refusal(failed.reason, failed.message, failed.fields)
            for failed in verdicts.failed
        }
        if not own_reports:
            foreign = [index for index, record in enumerate(records) if record[13]]
            refusals |= dict.fromkeys(foreign, _FOREIGN_REPORT)
        left = [index for index in range(len(records)) if index not in refusals]
        known = await self._read_keys([records[index] for index in left])
        again: set[bytes] = set()
        mempool = self._mempool
        mempool.sender_bytes_max = self._pace.compute_sender_bytes_max(
            self._compute_backlog_bytes(), mempool.bytes_max // SENDER_SHARE
        )
        for attempt in range(READS_MAX):
            is_last = attempt == READS_MAX - 1
            await self._read_accounts([records[index].sender for index in left])
            left = await self._admit(chunk, records, left, (known, refusals, again, is_last))
            if not left:
                break
        return self._answer(records, refusals, again)

    def _answer(
        self, records: list[Checked], refusals: dict[int, Refusal], again: set[bytes]
    ) -> Answer:
        accepted = len(records) - len(refusals)
        if accepted:
            metrics.ADMITTED.labels("ACCEPTED").inc(accepted)
        rejections = [_build_rejection(at, refusals[at]) for at in sorted(refusals)]
        return Answer(rejections, b"".join([record[0] for record in records]), again)

    async def _read_keys(self, records: list[Checked]) -> dict[bytes, bytes]:
        keys = list({record.scoped_key: None for record in records if record[10]})
        return await self._chain.read_state([], keys) if keys else {}

    async def _read_accounts(self, senders: Sequence[bytes]) -> None:
        unknown = self._mempool.find_unknown(senders)
        if unknown:
            await self._chain.read_state(unknown, [])

    async def _admit(
        self,
        chunk: Chunk,
        records: list[Checked],
        indexes: list[int],
        sinks: tuple[dict[bytes, bytes], dict[int, Refusal], set[bytes], bool],
    ) -> list[int]:
        """Admit those; returns which need their account read (again)."""
        raws, (known, refusals, again, is_last) = chunk.raws, sinks
        outdated: list[int] = []
        for start in range(0, len(indexes), SLICE):
            with metrics.measure_stage("admit"):
                self._mempool.ready_bytes_max = self._compute_ready_max(chunk)
                for index in indexes[start : start + SLICE]:
                    record = records[index]
                    refusal = self._admit_one(raws[index], record, known, again)
                    if refusal is None:
                        continue
                    if not is_last and self._may_change(refusal, record):
                        outdated.append(index)
                    else:
                        refusals[index] = refusal
            yielded, self._mempool.yielded = self._mempool.yielded, []
            if yielded:
                self.on_yielded(yielded)
            if start + SLICE < len(indexes):
                await asyncio.sleep(0)
        self._mempool.mark_stale({records[index].sender for index in outdated})
        return outdated

    def _compute_ready_max(self, chunk: Chunk) -> int:
        """Return above how many ready bytes one has to yield for each that comes."""
        allowed = self._pace.compute_allowed_bytes()
        if chunk.places is None:
            # It was let in: others may have come since, but not that many.
            return 2 * allowed
        return max(allowed // 2, self._mempool.lanes.ready_bytes)

    def _admit_one(
        self, raw: bytes, record: Checked, known: dict[bytes, bytes], again: set[bytes]
    ) -> Refusal | None:
        mempool = self._mempool
        entry = mempool.entries.get(record[0])
        if entry is not None:
            if entry.state is State.BATCHED and entry.batch:
                again.add(entry.batch)
            return None
        if not mempool.is_known(record.sender):
            return _OUTDATED
        known_hash = known.get(record.scoped_key, b"") if record[10] else b""
        return mempool.admit(raw, record, known_hash)

    def _may_change(self, refusal: Refusal, record: Checked) -> bool:
        if refusal is _OUTDATED:
            return True
        return refusal.reason == "INSUFFICIENT_BALANCE" and self._mempool.is_outdated(record.sender)


def _build_rejection(index: int, refusal: Refusal) -> Rejection:
    metrics.ADMITTED.labels(refusal.reason).inc()
    return Rejection(
        index=index, reason=refusal.reason, message=refusal.message, fields=refusal.fields
    )
