"""The types of the contract language.

Two types are equal if they are written the same: `name` is what stands in the interface.
"""

from collections.abc import Iterable
from typing import Final


class Type:
    """A type of values; `is_mutable` if a value can change after it was made."""

    __slots__ = ("is_mutable", "name")

    def __init__(self, name: str, *, is_mutable: bool = False) -> None:
        self.name, self.is_mutable = name, is_mutable

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Type) and self.name == other.name)

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return self.name


class Int(Type):
    """A checked integer of `bits`."""

    __slots__ = ("bits", "is_signed", "largest", "smallest")

    def __init__(self, name: str, bits: int, *, is_signed: bool = False) -> None:
        super().__init__(name)
        self.bits, self.is_signed = bits, is_signed
        self.smallest = -(1 << bits - 1) if is_signed else 0
        self.largest = (1 << bits - is_signed) - 1

    def holds(self, value: int) -> bool:
        """Say whether a number is in range."""
        return self.smallest <= value <= self.largest


class Map(Type):
    """A mapping in storage; `value` may be a Map once more."""

    __slots__ = ("key", "value")

    def __init__(self, key: Type, value: Type) -> None:
        super().__init__(f"Map[{key.name}, {value.name}]")
        self.key, self.value = key, value


class List(Type):
    """A growing sequence of one type."""

    __slots__ = ("item",)

    def __init__(self, item: Type) -> None:
        super().__init__(f"List[{item.name}]", is_mutable=True)
        self.item = item


class Fields(Type):
    """What has a fixed number of values: a tuple or a record."""

    __slots__ = ("types",)

    types: tuple[Type, ...]


class Tuple(Fields):
    """Several values as one."""

    __slots__ = ()

    def __init__(self, types: Iterable[Type]) -> None:
        self.types = tuple(types)
        inner = ", ".join(t.name for t in self.types)
        super().__init__(f"tuple[{inner}]", is_mutable=any(t.is_mutable for t in self.types))


class Record(Fields):
    """A class with named fields, set once they are known."""

    __slots__ = ("fields",)

    def __init__(self, name: str) -> None:
        super().__init__(name, is_mutable=True)
        self.fields: tuple[str, ...] = ()
        self.types = ()


U8: Final = Int("u8", 8)
U32: Final = Int("u32", 32)
U64: Final = Int("u64", 64)
U128: Final = Int("u128", 128)
I64: Final = Int("i64", 64, is_signed=True)
BOOL: Final = Type("bool")
BYTES: Final = Type("bytes")
STR: Final = Type("str")
ADDRESS: Final = Type("Address")
NOTHING: Final = Type("None")

INTS: Final = {t.name: t for t in (U8, U32, U64, U128, I64)}
SIMPLE: Final = {**INTS, **{t.name: t for t in (BOOL, BYTES, STR, ADDRESS)}}

_WIDER: Final = {
    "u8": ("u32", "u64", "u128", "i64"),
    "u32": ("u64", "u128", "i64"),
    "u64": ("u128",),
}


def widens(source: Type, target: Type) -> bool:
    """Say whether every value of one integer type is one of the other, a wider one."""
    return target.name in _WIDER.get(source.name, ())
