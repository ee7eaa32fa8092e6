"""Values in Python and the bytes they are on chain (docs/contract-abi.md, section 2)."""

from typing import Any

from quorate.core.errors import MalformedBytes
from quorate.lang.author import Address
from quorate.lang.types import (
    ADDRESS,
    BOOL,
    BYTES,
    STR,
    Fields,
    Int,
    List,
    Record,
    Type,
)

Makers = dict[str, Any]
"""Record name → the class that holds its fields."""


def encode(kind: Type, value: Any) -> bytes:
    """Return the bytes of a value that the type holds."""
    if isinstance(kind, Int):
        return int(value).to_bytes(kind.bits // 8, "little", signed=kind.is_signed)
    if kind == BOOL:
        return b"\1" if value else b"\0"
    if kind == ADDRESS:
        return bytes(value)
    if kind in (BYTES, STR):
        data = value.encode() if isinstance(value, str) else bytes(value)
        return len(data).to_bytes(4, "little") + data
    if isinstance(kind, List):
        return len(value).to_bytes(4, "little") + b"".join(encode(kind.item, x) for x in value)
    assert isinstance(kind, Fields)
    if isinstance(kind, Record):
        value = [getattr(value, name) for name in kind.fields]
    return b"".join(encode(t, x) for t, x in zip(kind.types, value, strict=True))


def make_zero(kind: Type, makers: Makers) -> Any:
    """Return what an absent record reads as."""
    if isinstance(kind, Int):
        return 0
    if kind == BOOL:
        return False
    if kind == ADDRESS:
        return Address()
    if kind in (BYTES, STR):
        return b"" if kind == BYTES else ""
    if isinstance(kind, List):
        return []
    assert isinstance(kind, Fields)
    fields = [make_zero(t, makers) for t in kind.types]
    return makers[kind.name](*fields) if isinstance(kind, Record) else tuple(fields)


class Reader:
    """Takes values off the front of some bytes; raises MalformedBytes."""

    def __init__(self, data: bytes, makers: Makers) -> None:
        self._data, self._makers, self._at = data, makers, 0

    def read(self, kind: Type) -> Any:
        """Take one value."""
        if isinstance(kind, Int):
            return int.from_bytes(self._take(kind.bits // 8), "little", signed=kind.is_signed)
        if kind == BOOL:
            flag = self._take(1)[0]
            if flag > 1:
                raise MalformedBytes("bool", "neither 0 nor 1")
            return flag == 1
        if kind == ADDRESS:
            return Address(self._take(32))
        if kind == BYTES:
            return self._take(self._read_count())
        if kind == STR:
            return self._read_text()
        if isinstance(kind, List):
            return [self.read(kind.item) for _ in range(self._read_count())]
        assert isinstance(kind, Fields)
        fields = [self.read(t) for t in kind.types]
        return self._makers[kind.name](*fields) if isinstance(kind, Record) else tuple(fields)

    def end(self) -> None:
        """Check that nothing is left."""
        if self._at != len(self._data):
            raise MalformedBytes("values", "longer than their types")

    def _read_count(self) -> int:
        count = int.from_bytes(self._take(4), "little")
        if count > len(self._data) - self._at:
            raise MalformedBytes("values", "shorter than their types")
        return count

    def _read_text(self) -> str:
        try:
            return self._take(self._read_count()).decode()
        except UnicodeDecodeError as error:
            raise MalformedBytes("str", "not UTF-8") from error

    def _take(self, size: int) -> bytes:
        data = self._data[self._at : self._at + size]
        if len(data) != size:
            raise MalformedBytes("values", "shorter than their types")
        self._at += size
        return data


def decode(kind: Type, data: bytes, makers: Makers) -> Any:
    """Return the value that bytes hold, all of them; raises MalformedBytes."""
    reader = Reader(data, makers)
    value = reader.read(kind)
    reader.end()
    return value
