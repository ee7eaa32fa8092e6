"""One canonical byte layout per signed or hashed thing: big-endian, fixed order, nothing optional.

A layout either parses completely or raises MalformedBytes; re-encoding what was parsed gives the
same bytes (`tests/vectors/codec.json` and a property test hold both). The layouts themselves stand
beside their types in blocks.py, batches.py and bft/messages.py; this file has the tools.
"""

from struct import Struct
from typing import Final

from quorate.core.errors import MalformedBytes

U16: Final = Struct(">H")
U32: Final = Struct(">I")
U64: Final = Struct(">Q")


class Reader:
    """Reads one canonical layout from front to back; `end()` refuses trailing bytes."""

    __slots__ = ("_at", "_data", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data, self._at, self._what = data, 0, what

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes; raises MalformedBytes when there are fewer."""
        start = self._at
        self._at = start + size
        if self._at > len(self._data):
            raise MalformedBytes(self._what, f"cut off at byte {len(self._data)}")
        return self._data[start : self._at]

    def u8(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def u16(self) -> int:
        """Return the next two bytes as an integer."""
        return int(U16.unpack(self.take(2))[0])

    def u32(self) -> int:
        """Return the next four bytes as an integer."""
        return int(U32.unpack(self.take(4))[0])

    def u64(self) -> int:
        """Return the next eight bytes as an integer."""
        return int(U64.unpack(self.take(8))[0])

    def blob(self, size_bytes_max: int) -> bytes:
        """Return bytes that follow their own u32 length; raises when longer than the bound."""
        size = self.u32()
        if size > size_bytes_max:
            raise self.fail(f"{size} bytes where at most {size_bytes_max} may be")
        return self.take(size)

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self._data) - self._at)

    def end(self) -> None:
        """Refuse trailing bytes."""
        if self._at != len(self._data):
            raise self.fail(f"{len(self._data) - self._at} bytes too many")

    def fail(self, why: str) -> MalformedBytes:
        """Return the error for a value that this layout does not allow."""
        return MalformedBytes(self._what, why)


def encode_blob(data: bytes) -> bytes:
    """Return bytes behind their u32 length."""
    return U32.pack(len(data)) + data


def pack_list(items: "list[bytes] | tuple[bytes, ...]") -> bytes:
    """Return length-prefixed items one after the other (a batch's content, a frame)."""
    return b"".join([part for item in items for part in (U32.pack(len(item)), item)])


def unpack_list(data: bytes, count: int, what: str) -> list[bytes]:
    """Return exactly `count` length-prefixed items; raises MalformedBytes otherwise."""
    items, at, end, unpack = [], 0, len(data), U32.unpack_from
    for _ in range(count):
        if at + 4 > end:
            raise MalformedBytes(what, f"cut off at byte {end}")
        size = unpack(data, at)[0]
        at += 4 + size
        if at > end:
            raise MalformedBytes(what, f"cut off at byte {end}")
        items.append(data[at - size : at])
    if at != end:
        raise MalformedBytes(what, f"{end - at} bytes too many")
    return items


def split_hashes(packed: bytes, what: str) -> list[bytes]:
    """Return the 32-byte items of a packed list; raises when the length is no multiple of 32."""
    if len(packed) % 32:
        raise MalformedBytes(what, f"{len(packed)} bytes is no multiple of 32")
    return [packed[i : i + 32] for i in range(0, len(packed), 32)]
