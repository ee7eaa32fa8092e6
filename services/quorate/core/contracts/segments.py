"""Reads the segments that fill tables and memory before anything runs."""

from typing import Final

from quorate.core.contracts.constants import read_constant
from quorate.core.contracts.limits import (
    DATA_SEGMENTS_MAX,
    ELEMENT_SEGMENTS_MAX,
    TABLE_SIZE_MAX,
)
from quorate.core.contracts.shape import Shape
from quorate.core.contracts.value_types import read_value_type
from quorate.core.contracts.wasm import Reader

_PAGE_BYTES: Final = 65_536
_PASSIVE: Final = 1
_EXPLICIT: Final = 2
_EXPRESSIONS: Final = 4


def read_elements(reader: Reader, shape: Shape) -> None:
    """Read the element section: what stands in tables."""
    for _ in range(reader.read_count("element segments", ELEMENT_SEGMENTS_MAX)):
        start = reader.position
        flags = reader.read_u32()
        if flags > 7:
            reader.fail("an element segment of an unknown kind", start)
        if not shape.is_java and flags not in (0, _EXPLICIT):
            reader.fail("only functions, laid into a table, are in profile plain", start)
        offset = table = -1
        if not flags & _PASSIVE:
            table = reader.read_index("table", len(shape.tables)) if flags & _EXPLICIT else 0
            offset = read_constant(reader, shape)
        if flags & (_PASSIVE | _EXPLICIT):
            _read_kind(reader, shape, flags)
        count = _read_entries(reader, shape, flags)
        _check_fits(reader, shape, (table, offset, count), start)
        shape.elements += 1


def _read_kind(reader: Reader, shape: Shape, flags: int) -> None:
    if flags & _EXPRESSIONS:
        read_value_type(reader, is_java=shape.is_java)
    elif reader.read_byte() != 0:
        reader.fail("an element segment of an unknown kind", reader.position - 1)


def _read_entries(reader: Reader, shape: Shape, flags: int) -> int:
    count = reader.read_count("elements", TABLE_SIZE_MAX)
    for _ in range(count):
        if flags & _EXPRESSIONS:
            read_constant(reader, shape)
        else:
            reader.read_index("function", len(shape.functions))
    return count


def _check_fits(reader: Reader, shape: Shape, where: tuple[int, int, int], start: int) -> None:
    table, offset, count = where
    if table < 0:
        return
    if table >= len(shape.tables):
        reader.fail("an element segment without a table", start)
    if offset >= 0 and offset + count > shape.tables[table]:
        reader.fail("an element segment does not fit into its table", start)


def read_data(reader: Reader, shape: Shape) -> None:
    """Read the data section: what stands in memory."""
    count = reader.read_count("data segments", DATA_SEGMENTS_MAX)
    if shape.data_announced not in (-1, count):
        reader.fail(f"{shape.data_announced} data segments are announced, {count} are there")
    for _ in range(count):
        start = reader.position
        flags = reader.read_u32()
        if flags > _EXPLICIT or (flags == _PASSIVE and not shape.is_java):
            reader.fail("only data laid into memory is in profile plain", start)
        if flags == _EXPLICIT:
            reader.read_index("memory", len(shape.memories))
        offset = -1 if flags == _PASSIVE else read_constant(reader, shape)
        size = reader.read_u32()
        reader.read_bytes(size)
        if not shape.memories:
            reader.fail("a data segment without a memory", start)
        if offset >= 0 and offset + size > shape.memories[0] * _PAGE_BYTES:
            reader.fail("a data segment does not fit into the memory", start)
