"""Reads the parts that a WebAssembly binary is made of; every complaint names its byte."""

from typing import Final, NoReturn

from quorate.core.contracts.limits import NAME_SIZE_BYTES_MAX
from quorate.core.errors import InvalidModule

_BITS: Final = 0x7F


class Reader:
    """Reads `code` from `position` to `end`; raises InvalidModule for what is no such thing."""

    __slots__ = ("code", "end", "position")

    def __init__(self, code: bytes, position: int = 0, end: int | None = None) -> None:
        self.code, self.position = code, position
        self.end = len(code) if end is None else end

    def fail(self, why: str, offset: int | None = None) -> NoReturn:
        """Refuse the module, by default for what stands at the present position."""
        raise InvalidModule(why, self.position if offset is None else offset)

    def read_byte(self) -> int:
        """Return the next byte."""
        if self.position >= self.end:
            self.fail("cut off: a byte is missing")
        self.position += 1
        return self.code[self.position - 1]

    def read_bytes(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        start = self.position
        if size > self.end - start:
            self.fail(f"cut off: {size} bytes are announced, {self.end - start} are there")
        self.position = start + size
        return self.code[start : self.position]

    def read_u32(self) -> int:
        """Return an unsigned LEB128 of at most 32 bits."""
        start = self.position
        value = shift = 0
        while True:
            byte = self.read_byte()
            value |= (byte & _BITS) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 28:
                self.fail("a number of more than 5 bytes", start)
        if value > 0xFFFF_FFFF:
            self.fail("a number of more than 32 bits", start)
        return value

    def read_signed(self, bits: int) -> int:
        """Return a signed LEB128 of at most `bits` bits (32, 33 or 64)."""
        start = self.position
        value = shift = 0
        while True:
            byte = self.read_byte()
            value |= (byte & _BITS) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift >= bits:
                self.fail(f"a number of more than {(bits + 6) // 7} bytes", start)
        if byte & 0x40:
            value -= 1 << shift
        if not -(1 << bits - 1) <= value < 1 << bits - 1:
            self.fail(f"a number of more than {bits} bits", start)
        return value

    def read_count(self, what: str, most: int) -> int:
        """Return how many of something follow; each takes a byte or more, so it must fit."""
        start = self.position
        count = self.read_u32()
        if count > most:
            self.fail(f"{count} {what}, at most {most} are allowed", start)
        if count > self.end - self.position:
            self.fail(f"cut off: {count} {what} are announced", start)
        return count

    def read_index(self, what: str, count: int) -> int:
        """Return an index into a space of `count` things."""
        start = self.position
        index = self.read_u32()
        if index >= count:
            self.fail(f"{what} {index} is not there", start)
        return index

    def read_name(self) -> str:
        """Return a name: its length, then UTF-8."""
        start = self.position
        size = self.read_u32()
        if size > NAME_SIZE_BYTES_MAX:
            self.fail(f"a name of {size} bytes, at most {NAME_SIZE_BYTES_MAX}", start)
        try:
            return self.read_bytes(size).decode("utf-8")
        except UnicodeDecodeError:
            self.fail("a name that is not UTF-8", start)


def encode_u32(value: int) -> bytes:
    """Return `value` as the shortest unsigned LEB128."""
    out = bytearray()
    while value > _BITS:
        out.append(value & _BITS | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_s32(value: int) -> bytes:
    """Return `value` (not negative) as the shortest signed LEB128, as `i32.const` takes it."""
    out = bytearray()
    while value > 0x3F:
        out.append(value & _BITS | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
