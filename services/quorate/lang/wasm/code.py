"""The small intermediate language: WebAssembly's instructions, with names instead of numbers.

An instruction is a tuple: its name, then its operand if it has one. Locals, globals, functions and
labels are names, a constant in memory is ("data", bytes), and blocks are
("block" | "loop" | "if", label, result types).
"""

from dataclasses import dataclass, field
from typing import Any, Final

I32: Final = "i32"
I64: Final = "i64"

Instruction = tuple[Any, ...]
Code = list[Instruction]


@dataclass(slots=True)
class Function:
    """A function; `locals` holds the parameters first."""

    name: str
    parameters: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    locals: dict[str, str] = field(default_factory=dict)
    code: Code = field(default_factory=list)

    def find_calls(self) -> list[str]:
        """Return the names of functions that this one calls."""
        return [instruction[1] for instruction in self.code if instruction[0] == "call"]


@dataclass(slots=True)
class Module:
    """What becomes one binary; only functions that an export reaches are written."""

    imports: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    functions: dict[str, Function] = field(default_factory=dict)
    globals: dict[str, str] = field(default_factory=dict)
    # Name of the export → name of the function.
    exports: dict[str, str] = field(default_factory=dict)
    # Where constants begin in memory; what lies below is zero and stays so.
    data_start: int = 0
    # A global that starts as the first address after the constants.
    heap: str = ""

    def add(self, function: Function) -> None:
        """Add a function."""
        self.functions[function.name] = function
