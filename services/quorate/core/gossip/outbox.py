"""What waits to be sent to one peer: three priorities, bounded in bytes, coalesced into frames.

Consensus messages come first; when they don't fit, the oldest go, since an engine repeats what
matters. Requests, answers' headers and held names come next and are small. Batches come last; when
they don't fit they are dropped, since whoever misses one sees it reported held and fetches it.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

CONSENSUS_BYTES_MAX: Final = 4 * 1024 * 1024
BATCH_BYTES_MAX: Final = 8 * 1024 * 1024
HELD_BYTES_MAX: Final = 1024 * 1024
ITEMS_MAX: Final = 256
FRAME_BYTES: Final = 256 * 1024


@dataclass(slots=True)
class Draft:
    """The parts of one frame; requests, answers and records are encoded messages."""

    consensus: list[bytes] = field(default_factory=list)
    held: bytes = b""
    requests: list[bytes] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    batches: list[bytes] = field(default_factory=list)
    records: list[bytes] = field(default_factory=list)
    height: int = 0
    seat_proof: bytes = b""


class Outbox:
    """The queue of one peer's stream."""

    def __init__(self) -> None:
        self.queued_bytes = 0
        self.dropped = 0
        self._consensus: deque[bytes] = deque()
        self._consensus_bytes = 0
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._requests: deque[bytes] = deque(maxlen=ITEMS_MAX)
        self._records: deque[bytes] = deque(maxlen=ITEMS_MAX)
        self._bulk: deque[tuple[bool, bytes]] = deque()
        self._bulk_bytes = 0
        self._height = 0
        self._seat_proof = b""

    def __bool__(self) -> bool:
        return bool(
            self._consensus or self._held or self._requests or self._bulk or self._records
            or self._height or self._seat_proof
        )  # fmt: skip

    def put_consensus(self, message: bytes) -> None:
        """Queue a consensus message; the oldest go when there are too many."""
        self._consensus.append(message)
        self._consensus_bytes += len(message)
        while self._consensus_bytes > CONSENSUS_BYTES_MAX:
            self._consensus_bytes -= len(self._consensus.popleft())
            self.dropped += 1
        self._count()

    def put_held(self, names: bytes) -> None:
        """Queue packed names of batches that are durable here."""
        self._held.append(names)
        self._held_bytes += len(names)
        while self._held_bytes > HELD_BYTES_MAX:
            self._held_bytes -= len(self._held.popleft())
            self.dropped += 1
        self._count()

    def put_request(self, request: bytes) -> None:
        """Queue an encoded request."""
        self._requests.append(request)

    def put_record(self, record: bytes) -> None:
        """Queue an encoded record of some node."""
        self._records.append(record)

    def put_height(self, height: int) -> None:
        """Tell the executed height with the next frame."""
        self._height = height

    def put_seat_proof(self, proof: bytes) -> None:
        """Send an encoded seat proof with the next frame."""
        self._seat_proof = proof

    def put_batch(self, batch: bytes) -> bool:
        """Queue a sealed batch; False when there is no room: it was dropped."""
        return self._put_bulk(batch, is_answer=False)

    def put_answer(self, answer: bytes) -> bool:
        """Queue an encoded answer; False when there is no room: it was dropped."""
        return self._put_bulk(answer, is_answer=True)

    def _put_bulk(self, data: bytes, *, is_answer: bool) -> bool:
        # One item always fits, so that a large answer is not refused for ever.
        if self._bulk and self._bulk_bytes + len(data) > BATCH_BYTES_MAX:
            self.dropped += 1
            return False
        self._bulk.append((is_answer, data))
        self._bulk_bytes += len(data)
        self._count()
        return True

    def take(self) -> Draft:
        """Return the next frame's parts, most urgent first, of about FRAME_BYTES in all."""
        draft, room = Draft(), FRAME_BYTES
        while self._consensus and room > 0:
            message = self._consensus.popleft()
            draft.consensus.append(message)
            self._consensus_bytes -= len(message)
            room -= len(message)
        draft.height, self._height = self._height, 0
        draft.seat_proof, self._seat_proof = self._seat_proof, b""
        if room > 0:
            draft.held = b"".join(self._held)
            self._held.clear()
            self._held_bytes = 0
            draft.requests = list(self._requests)
            self._requests.clear()
            draft.records = list(self._records)
            self._records.clear()
            room -= len(draft.held)
        # At least one item of bulk goes along when there is any room at all.
        while self._bulk and room > 0:
            is_answer, data = self._bulk.popleft()
            (draft.answers if is_answer else draft.batches).append(data)
            self._bulk_bytes -= len(data)
            room -= len(data)
        self._count()
        return draft

    def _count(self) -> None:
        self.queued_bytes = self._consensus_bytes + self._held_bytes + self._bulk_bytes
