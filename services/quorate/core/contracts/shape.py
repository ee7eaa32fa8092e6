"""What a module declares outside its function bodies, as the section readers find it."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

PLAIN: Final = 0
JAVA: Final = 1

I32: Final = 0x7F
I64: Final = 0x7E

FUNCTION: Final = 0x60
STRUCT: Final = 0x5F
ARRAY: Final = 0x5E


class Type(NamedTuple):
    """One entry of the type section: value types by their first byte; a struct's are its fields."""

    form: int
    parameters: bytes
    results: bytes


class Export(NamedTuple):
    """One export; `kind` is 0 function, 1 table, 2 memory, 3 global, 4 tag."""

    name: str
    kind: int
    item: int
    offset: int


class Global(NamedTuple):
    """One global variable, by the first byte of its type."""

    type: int
    is_mutable: bool


class Section(NamedTuple):
    """Where a section stands: its id byte, its content, its end."""

    id: int
    start: int
    content: int
    end: int


@dataclass(slots=True)
class Shape:
    """All declarations of a module; index spaces begin with what is imported."""

    is_java: bool
    sections: list[Section] = field(default_factory=list)
    types: list[Type] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    functions: list[int] = field(default_factory=list)  # index of the type of each
    tables: list[int] = field(default_factory=list)  # first size of each
    memories: list[int] = field(default_factory=list)  # first pages of each
    tags: list[int] = field(default_factory=list)  # index of the type of each
    globals: list[Global] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    elements: int = 0
    objects_size: int = 0  # bytes that objects in constants take
    data_announced: int = -1
    bodies: list[tuple[int, int]] = field(default_factory=list)  # from the locals to the end
