"""How values lie on WebAssembly's stack and in memory.

bool is an i32, integers an i64 (u128 two, the low one first), all else an i32: where it lies.
Memory below ZERO_BYTES is zero, so address 0 is the zero of every type that can't change.

    bytes, str      length u32, then the bytes, as they are encoded
    Address         32 bytes
    List            length u32, room u32, where its items are u32
    tuple, record   its fields, each in a slot
"""

from typing import Final

from quorate.lang.types import BOOL, U128, Fields, Int, List, Type
from quorate.lang.wasm.code import I32, I64, Code

ZERO_BYTES: Final = 256

_PAIR: Final = (I64, I64)


def get_kinds(kind: Type) -> tuple[str, ...]:
    """Return the WebAssembly types of a value; nothing is ()."""
    if isinstance(kind, Int):
        return _PAIR if kind.bits == 128 else (I64,)
    return () if kind.name == "None" else (I32,)


def get_slot(kind: Type) -> int:
    """Return the bytes that a value takes as a field or item."""
    if isinstance(kind, Int):
        return kind.bits // 8
    return 1 if kind == BOOL else 4


def get_offsets(kind: Fields) -> list[int]:
    """Return where the fields of a tuple or record lie; the last one is its size."""
    found = [0]
    for part in kind.types:
        found.append(found[-1] + get_slot(part))
    return found


def is_zero_address(kind: Type) -> bool:
    """Say whether address 0 is a type's zero."""
    if isinstance(kind, List) or kind.is_mutable:
        return False
    return not isinstance(kind, Fields) or get_offsets(kind)[-1] <= ZERO_BYTES


_LOADS: Final = {1: "i64.load8_u", 4: "i64.load32_u", 8: "i64.load"}
_STORES: Final = {1: "i64.store8", 4: "i64.store32", 8: "i64.store"}


def load_slot(kind: Type, place: str, offset: int) -> Code:
    """Return code that reads a slot at the address in a local."""
    where = ("local.get", place)
    if kind == U128:
        return [where, ("i64.load", offset), where, ("i64.load", offset + 8)]
    if isinstance(kind, Int):
        return [where, (_LOADS[kind.bits // 8], offset)]
    return [where, ("i32.load8_u" if kind == BOOL else "i32.load", offset)]


def store_slot(kind: Type, place: str, offset: int, values: list[str]) -> Code:
    """Return code that writes locals to a slot at the address in a local."""
    where, value = ("local.get", place), ("local.get", values[0])
    if kind == U128:
        high = ("local.get", values[1])
        return [where, value, ("i64.store", offset), where, high, ("i64.store", offset + 8)]
    if isinstance(kind, Int):
        return [where, value, (_STORES[kind.bits // 8], offset)]
    return [where, value, ("i32.store8" if kind == BOOL else "i32.store", offset)]
