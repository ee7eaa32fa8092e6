"""Reads the expressions that may stand before anything runs: of globals, tables and segments."""

from typing import Final

from quorate.core.contracts.limits import OBJECTS_SIZE_BYTES_MAX
from quorate.core.contracts.opcodes import GC, PREFIX_GC
from quorate.core.contracts.shape import Shape
from quorate.core.contracts.value_types import read_heap_type
from quorate.core.contracts.wasm import Reader

_END: Final = 0x0B
_I32: Final = 0x41
_I64: Final = 0x42
_ARITHMETIC: Final = (0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E)
_OBJECT_BYTES: Final = 32
_FIELD_BYTES: Final = 8
_GC_MAKING: Final = (0, 1, 8)  # struct.new, struct.new_default, array.new_fixed
_GC_ALLOWED: Final = (*_GC_MAKING, 26, 27, 28)  # and conversions


def read_constant(reader: Reader, shape: Shape) -> int:
    """Read a constant expression; return it if it is one plain number, else −1.

    An `i32` is returned as unsigned.
    """
    start = reader.position
    op = reader.read_byte()
    if op in (_I32, _I64):
        value = reader.read_signed(32 if op == _I32 else 64)
        if reader.read_byte() == _END:
            return value & 0xFFFF_FFFF if op == _I32 else -1
        reader.position -= 1
    else:
        reader.position = start
    if not shape.is_java:
        reader.fail("only one number may stand here in profile plain", start)
    while (op := reader.read_byte()) != _END:
        _read_java(reader, shape, op)
    return -1


def _read_java(reader: Reader, shape: Shape, op: int) -> None:
    start = reader.position - 1
    if op in (_I32, _I64):
        reader.read_signed(32 if op == _I32 else 64)
    elif op in (0x43, 0x44):
        reader.read_bytes(4 if op == 0x43 else 8)
    elif op == 0x23:
        reader.read_index("global", len(shape.globals))
    elif op == 0xD0:
        read_heap_type(reader)
    elif op == 0xD2:
        reader.read_index("function", len(shape.functions))
    elif op == PREFIX_GC:
        _read_gc(reader, shape)
    elif op not in _ARITHMETIC:
        reader.fail(f"opcode 0x{op:02x} may not stand in a constant", start)


def _read_gc(reader: Reader, shape: Shape) -> None:
    start = reader.position
    sub = reader.read_u32()
    if sub not in _GC_ALLOWED:
        reader.fail(f"opcode 0xfb {sub} may not stand in a constant", start)
    fields = 0
    for each in GC[sub][0]:
        if each == "t":
            fields = len(shape.types[reader.read_index("type", len(shape.types))].parameters)
        else:
            fields = reader.read_u32()
    if sub in _GC_MAKING:
        shape.objects_size += _OBJECT_BYTES + _FIELD_BYTES * fields
    if shape.objects_size > OBJECTS_SIZE_BYTES_MAX:
        reader.fail(f"objects in constants take over {OBJECTS_SIZE_BYTES_MAX} bytes", start)
