"""What waits to be sent to one peer: priorities, bounded in bytes, coalesced into frames.

Everything but held names comes as a *fragment*: an encoded frame with one thing in it. Encodings of
one message type may be joined, so a broadcast is encoded once, whatever the number of peers.

Consensus messages come first; when they don't fit, the oldest go, since an engine repeats what
matters. Held names, requests and notes are next and small. Batches and answers come last; when they
don't fit they are dropped, since whoever misses a batch sees it reported held and fetches it.
"""

from collections import deque
from typing import Final, NamedTuple

CONSENSUS_BYTES_MAX: Final = 4 * 1024 * 1024
BULK_BYTES_MAX: Final = 8 * 1024 * 1024
HELD_BYTES_MAX: Final = 1024 * 1024
NOTES_MAX: Final = 256
FRAME_BYTES: Final = 256 * 1024


class Draft(NamedTuple):
    """One frame: joined fragments, and packed names of held batches."""

    fragments: bytes
    held: bytes


class Outbox:
    """The queue of one peer's stream."""

    def __init__(self) -> None:
        self.dropped = 0
        self._consensus: deque[bytes] = deque()
        self._consensus_bytes = 0
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._notes: deque[bytes] = deque(maxlen=NOTES_MAX)
        self._bulk: deque[bytes] = deque()
        self._bulk_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._consensus or self._held or self._notes or self._bulk)

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait."""
        return self._consensus_bytes + self._held_bytes + self._bulk_bytes

    def put_consensus(self, fragment: bytes) -> None:
        """Queue a consensus message; the oldest go when there are too many."""
        self._consensus.append(fragment)
        self._consensus_bytes += len(fragment)
        while self._consensus_bytes > CONSENSUS_BYTES_MAX:
            self._consensus_bytes -= len(self._consensus.popleft())
            self.dropped += 1

    def put_held(self, names: bytes) -> None:
        """Queue packed names of batches that are durable here."""
        self._held.append(names)
        self._held_bytes += len(names)
        while self._held_bytes > HELD_BYTES_MAX:
            self._held_bytes -= len(self._held.popleft())
            self.dropped += 1

    def put_note(self, fragment: bytes) -> None:
        """Queue a request, height, seat proof or record; the oldest go when there are too many."""
        self._notes.append(fragment)

    def put_bulk(self, fragment: bytes) -> bool:
        """Queue a batch or an answer; False when there is no room: it was dropped."""
        # One item always fits, so that a large answer is not refused for ever.
        if self._bulk and self._bulk_bytes + len(fragment) > BULK_BYTES_MAX:
            self.dropped += 1
            return False
        self._bulk.append(fragment)
        self._bulk_bytes += len(fragment)
        return True

    def clear(self) -> None:
        """Forget everything: the stream it waited for is gone."""
        self.__init__()  # type: ignore[misc]

    def take(self) -> Draft:
        """Return the next frame's parts, most urgent first, of about FRAME_BYTES in all."""
        parts: list[bytes] = []
        room, held = FRAME_BYTES, b""
        while self._consensus and room > 0:
            parts.append(self._consensus.popleft())
            self._consensus_bytes -= len(parts[-1])
            room -= len(parts[-1])
        if room > 0 and self._held:
            held = b"".join(self._held)
            self._held.clear()
            self._held_bytes = 0
            room -= len(held)
        while self._notes and room > 0:
            parts.append(self._notes.popleft())
            room -= len(parts[-1])
        while self._bulk and room > 0:
            parts.append(self._bulk.popleft())
            self._bulk_bytes -= len(parts[-1])
            room -= len(parts[-1])
        return Draft(b"".join(parts), held)
