"""What the service and its children say to each other: a length, a kind, and bytes.

The service relays what storage says (ASK) and what the child answers (ANSWER, RESULT) as it is; all
other frames stay between the two.
"""

import socket
from struct import Struct
from typing import Final, NamedTuple

HEAD: Final = Struct(">IB")
BYTES_MAX: Final = 64 * 1024 * 1024
UNREAD_MAX: Final = 4
"""A child speaks once each time that it is asked, and once of its own accord when it is ready."""

# From the service.
ASK: Final = 1
"""An encoded Ask of a stream."""
RESET: Final = 2
"""The stream is over, whatever was under way."""
ARTEFACT: Final = 3
"""A compiled module."""
MISSING: Final = 4
"""Nobody has compiled that yet: send the module."""
REFUSED: Final = 5
"""The engine does not compile that; why."""
JOB: Final = 6
"""A module to compile: flags and profile, then its bytes."""
# From a child.
READY: Final = 16
"""It is enclosed and takes work."""
LACKS: Final = 17
"""It could not enclose itself; why."""
ANSWER: Final = 18
"""An encoded Answer that asks something back."""
RESULT: Final = 19
"""Counts (COUNTS), then an encoded Answer: work is done."""
WANTED: Final = 20
"""A compiled module is wanted: CODE."""
MODULE: Final = 21
"""The module that was missing: CODE, then its bytes."""

CODE: Final = Struct(">B32s")
"""Profile, hash of the module."""
COUNTS: Final = Struct(">IQQ")
"""Of the work just done: calls of contracts, fuel used, CPU time in µs."""


class Flood(Exception):
    """The other side says more than it may: it is not ours any more."""


class Frame(NamedTuple):
    """One message."""

    kind: int
    body: bytes


def encode(kind: int, body: bytes = b"") -> bytes:
    """Return a frame as it travels."""
    return HEAD.pack(len(body), kind) + body


class Link:
    """A child's end: one thread, which waits for what it asked for."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._stream = end.makefile("rb", buffering=65_536)

    def send(self, kind: int, body: bytes = b"") -> None:
        """Send a frame; raises OSError when the service is gone."""
        self._end.sendall(encode(kind, body))

    def receive(self) -> Frame | None:
        """Return the next frame; None when the service is gone."""
        head = self._stream.read(HEAD.size)
        if len(head) < HEAD.size:
            return None
        size, kind = HEAD.unpack(head)
        body = self._stream.read(size)
        return Frame(kind, body) if len(body) == size else None


class Splitter:
    """Cuts frames out of the bytes of a stream."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that are whole now; raises Flood."""
        buffer, frames = self._buffer, list[Frame]()
        buffer += data
        at = 0
        while len(buffer) - at >= HEAD.size:
            size, kind = HEAD.unpack_from(buffer, at)
            end = at + HEAD.size + size
            if size > BYTES_MAX:
                raise Flood(f"a frame of {size} bytes")
            if len(buffer) < end:
                break
            frames.append(Frame(kind, bytes(buffer[at + HEAD.size : end])))
            at = end
        del buffer[:at]
        return frames
