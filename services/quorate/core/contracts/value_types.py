"""Reads value types and the type section (docs/contract-abi.md, section 1: profiles)."""

from typing import Final

from quorate.core.contracts.limits import FIELDS_MAX, PARAMETERS_MAX, RESULTS_MAX, TYPES_MAX
from quorate.core.contracts.shape import ARRAY, FUNCTION, I32, I64, STRUCT, Shape, Type
from quorate.core.contracts.wasm import Reader

_FLOATS: Final = (0x7D, 0x7C)
_REFERENCE_NULL: Final = 0x63
_REFERENCE: Final = 0x64
_HEAP_FIRST: Final = 0x69  # exn
_HEAP_LAST: Final = 0x74  # noexn
_PACKED: Final = (0x78, 0x77)  # i8, i16
_GROUP: Final = 0x4E
_SUBTYPE: Final = 0x50
_SUBTYPE_FINAL: Final = 0x4F


def read_value_type(reader: Reader, *, is_java: bool) -> int:
    """Return the first byte of a value type; raises InvalidModule for types of other profiles."""
    start = reader.position
    byte = reader.read_byte()
    if byte in (I32, I64):
        return byte
    if byte == 0x7B:
        reader.fail("SIMD is not allowed", start)
    if not is_java:
        what = "floats are" if byte in _FLOATS else f"value type 0x{byte:02x} is"
        reader.fail(f"{what} not in profile plain", start)
    if byte in (_REFERENCE, _REFERENCE_NULL):
        read_heap_type(reader)
    elif byte not in _FLOATS and not _HEAP_FIRST <= byte <= _HEAP_LAST:
        reader.fail(f"0x{byte:02x} is no value type", start)
    return byte


def read_heap_type(reader: Reader) -> None:
    """Read the type behind a reference: a kind, or the index of a type."""
    start = reader.position
    value = reader.read_signed(33)
    is_kind = _HEAP_FIRST <= value & 0x7F <= _HEAP_LAST and value >= -64
    if not is_kind if value < 0 else value >= TYPES_MAX:
        reader.fail("no such heap type", start)


def read_types(reader: Reader, shape: Shape) -> None:
    """Read the type section into `shape.types`."""
    for _ in range(reader.read_count("types", TYPES_MAX)):
        if not shape.is_java:
            start = reader.position
            if reader.read_byte() != FUNCTION:
                reader.fail("only types of functions are in profile plain", start)
            shape.types.append(_read_function(reader, is_java=False))
            continue
        size = 1
        if reader.position < reader.end and reader.code[reader.position] == _GROUP:
            reader.read_byte()
            size = reader.read_count("types", TYPES_MAX)
        for _ in range(size):
            shape.types.append(_read_subtype(reader))
        if len(shape.types) > TYPES_MAX:
            reader.fail(f"more than {TYPES_MAX} types")


def _read_subtype(reader: Reader) -> Type:
    start = reader.position
    form = reader.read_byte()
    if form in (_SUBTYPE, _SUBTYPE_FINAL):
        for _ in range(reader.read_count("types above", 1)):
            reader.read_index("type", TYPES_MAX)
        form = reader.read_byte()
    if form == FUNCTION:
        return _read_function(reader, is_java=True)
    if form == STRUCT:
        count = reader.read_count("fields", FIELDS_MAX)
        return Type(STRUCT, bytes(_read_field(reader) for _ in range(count)), b"")
    if form != ARRAY:
        reader.fail(f"0x{form:02x} is no form of a type", start)
    return Type(ARRAY, bytes([_read_field(reader)]), b"")


def _read_field(reader: Reader) -> int:
    if reader.position < reader.end and reader.code[reader.position] in _PACKED:
        kind = reader.read_byte()
    else:
        kind = read_value_type(reader, is_java=True)
    if reader.read_byte() > 1:
        reader.fail("a field is mutable (1) or not (0)", reader.position - 1)
    return kind


def _read_function(reader: Reader, *, is_java: bool) -> Type:
    parameters = reader.read_count("parameters", PARAMETERS_MAX)
    taken = bytes(read_value_type(reader, is_java=is_java) for _ in range(parameters))
    results = reader.read_count("results", RESULTS_MAX)
    given = bytes(read_value_type(reader, is_java=is_java) for _ in range(results))
    return Type(FUNCTION, taken, given)


def read_function_type(reader: Reader, shape: Shape) -> int:
    """Return the index of a type that must be a function's."""
    start = reader.position
    index = reader.read_index("type", len(shape.types))
    if shape.types[index].form != FUNCTION:
        reader.fail(f"type {index} is not a function's", start)
    return index
