"""Reads the sections of a module, each once and in order, into a Shape."""

from collections.abc import Callable
from typing import Final

from quorate.core.contracts import limits
from quorate.core.contracts.constants import read_constant
from quorate.core.contracts.host_functions import HOST_FUNCTIONS, HOST_MODULE
from quorate.core.contracts.segments import read_data, read_elements
from quorate.core.contracts.shape import Export, Global, Section, Shape
from quorate.core.contracts.value_types import read_function_type, read_types, read_value_type
from quorate.core.contracts.wasm import Reader

HEADER: Final = b"\0asm\1\0\0\0"
CUSTOM: Final = 0
TYPES: Final = 1
FUNCTIONS: Final = 3
START: Final = 8
GLOBALS: Final = 6
CODE: Final = 10
TAGS: Final = 13
# Ids in the order in which the sections must stand; 12 announces the count of data segments.
ORDER: Final = (TYPES, 2, FUNCTIONS, 4, 5, TAGS, GLOBALS, 7, START, 9, 12, CODE, 11)
_KINDS: Final = ("function", "table", "memory", "global", "tag")
_FUNCREF: Final = 0x70


def read_shape(code: bytes, *, is_java: bool) -> Shape:
    """Read all sections but the bodies of functions; raises InvalidModule."""
    reader = Reader(code)
    if code[:8] != HEADER:
        reader.fail("no WebAssembly module of version 1: it begins with 00 61 73 6d 01 00 00 00")
    reader.position = 8
    shape = Shape(is_java)
    rank = customs = 0
    while reader.position < len(code):
        section = _read_header(reader)
        if section.id == CUSTOM:
            customs += 1
            if customs > limits.CUSTOM_SECTIONS_MAX:
                reader.fail(f"more than {limits.CUSTOM_SECTIONS_MAX} custom sections")
            Reader(code, section.content, section.end).read_name()
        else:
            rank = _check_order(reader, section, rank)
            _read_content(code, section, shape)
        shape.sections.append(section)
        reader.position = section.end
    _check_counts(reader, shape)
    return shape


def _read_header(reader: Reader) -> Section:
    start = reader.position
    number = reader.read_byte()
    size = reader.read_u32()
    content = reader.position
    if size > reader.end - content:
        reader.fail(f"section {number} is cut off: it announces {size} bytes", start)
    return Section(number, start, content, content + size)


def _check_order(reader: Reader, section: Section, rank: int) -> int:
    if section.id not in ORDER:
        reader.fail(f"there is no section {section.id}", section.start)
    if section.id == START:
        reader.fail("a start function is not allowed", section.start)
    found = ORDER.index(section.id) + 1
    if found <= rank:
        reader.fail(f"section {section.id} is twice or out of order", section.start)
    return found


def _read_content(code: bytes, section: Section, shape: Shape) -> None:
    reader = Reader(code, section.content, section.end)
    _READERS[section.id](reader, shape)
    if reader.position != section.end:
        reader.fail(f"section {section.id} has bytes left over")


def _check_counts(reader: Reader, shape: Shape) -> None:
    declared = len(shape.functions) - len(shape.imports)
    if declared != len(shape.bodies):
        reader.fail(f"{declared} functions are declared, {len(shape.bodies)} have bodies")
    if shape.data_announced > 0 and not any(each.id == 11 for each in shape.sections):
        reader.fail("data segments are announced, none is there")


def _read_imports(reader: Reader, shape: Shape) -> None:
    for _ in range(reader.read_count("imports", limits.IMPORTS_MAX)):
        start = reader.position
        module, name, kind = reader.read_name(), reader.read_name(), reader.read_byte()
        if kind != 0 or module != HOST_MODULE or name not in HOST_FUNCTIONS:
            reader.fail(f"import {module}.{name} is not offered", start)
        index = read_function_type(reader, shape)
        if shape.types[index][1:] != HOST_FUNCTIONS[name]:
            reader.fail(f"import {module}.{name} has another type", start)
        shape.imports.append(name)
        shape.functions.append(index)


def _read_functions(reader: Reader, shape: Shape) -> None:
    for _ in range(reader.read_count("functions", limits.FUNCTIONS_MAX)):
        shape.functions.append(read_function_type(reader, shape))


def _read_tables(reader: Reader, shape: Shape) -> None:
    for _ in range(reader.read_count("tables", limits.TABLES_MAX)):
        start = reader.position
        if read_table_type(reader, shape) != _FUNCREF and not shape.is_java:
            reader.fail("a table of anything but funcref", start)
        shape.tables.append(_read_limits(reader, "entries", limits.TABLE_SIZE_MAX))


def read_table_type(reader: Reader, shape: Shape) -> int:
    """Return the first byte of what a table holds."""
    if reader.position < reader.end and reader.code[reader.position] == _FUNCREF:
        return reader.read_byte()
    return read_value_type(reader, is_java=shape.is_java)


def _read_memories(reader: Reader, shape: Shape) -> None:
    for _ in range(reader.read_count("memories", 1)):
        shape.memories.append(_read_limits(reader, "pages", limits.PAGES_MAX))


def _read_limits(reader: Reader, what: str, most: int) -> int:
    start = reader.position
    flags = reader.read_byte()
    if flags > 1:
        reader.fail("only limits of 32 bits, not shared, are allowed", start)
    least = reader.read_u32()
    if least > most:
        reader.fail(f"{least} {what}, at most {most} are allowed", start)
    if flags and reader.read_u32() < least:
        reader.fail(f"a maximum of {what} below the minimum", start)
    return least


def _read_tags(reader: Reader, shape: Shape) -> None:
    if not shape.is_java:
        reader.fail("tags are not in profile plain")
    for _ in range(reader.read_count("tags", limits.TAGS_MAX)):
        if reader.read_byte() != 0:
            reader.fail("a tag of an unknown kind", reader.position - 1)
        shape.tags.append(read_function_type(reader, shape))


def _read_globals(reader: Reader, shape: Shape) -> None:
    for _ in range(reader.read_count("globals", limits.GLOBALS_MAX)):
        kind = read_value_type(reader, is_java=shape.is_java)
        mutable = reader.read_byte()
        if mutable > 1:
            reader.fail("a global is mutable (1) or not (0)", reader.position - 1)
        read_constant(reader, shape)
        shape.globals.append(Global(kind, mutable == 1))


def _read_exports(reader: Reader, shape: Shape) -> None:
    spaces = (shape.functions, shape.tables, shape.memories, shape.globals, shape.tags)
    seen: set[str] = set()
    for _ in range(reader.read_count("exports", limits.EXPORTS_MAX)):
        start = reader.position
        name, kind = reader.read_name(), reader.read_byte()
        if name in seen:
            reader.fail(f"export '{name}' is there twice", start)
        if kind >= len(_KINDS):
            reader.fail(f"export '{name}' is of an unknown kind", start)
        index = reader.read_index(_KINDS[kind], len(spaces[kind]))
        seen.add(name)
        shape.exports.append(Export(name, kind, index, start))


def _read_data_count(reader: Reader, shape: Shape) -> None:
    shape.data_announced = reader.read_u32()


def _read_code(reader: Reader, shape: Shape) -> None:
    for _ in range(reader.read_count("function bodies", limits.FUNCTIONS_MAX)):
        size = reader.read_u32()
        start = reader.position
        reader.read_bytes(size)
        shape.bodies.append((start, start + size))


_READERS: Final[dict[int, Callable[[Reader, Shape], None]]] = {
    TYPES: read_types, 2: _read_imports, FUNCTIONS: _read_functions, 4: _read_tables,
    5: _read_memories, TAGS: _read_tags, GLOBALS: _read_globals, 7: _read_exports,
    9: read_elements, 12: _read_data_count, CODE: _read_code, 11: read_data,
}  # fmt: skip
