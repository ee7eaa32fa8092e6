"""What follows each instruction of WebAssembly 1.0, and how it moves operands.

The most frequent ones are worked out in bodies.py; references.py has those of later versions.

Heights are counted, types are not checked. Behind an instruction that never goes on (a branch, a
trap) heights are too high or too low until the block ends, which sets them right; nothing there
is compiled.
"""

from typing import Final, NamedTuple

from quorate.core.contracts import opcodes
from quorate.core.contracts.limits import (
    BRANCHES_MAX,
    GROWS_MAX,
    LOOPS_NESTING_MAX,
    NESTING_MAX,
    REFERENCE_INSTRUCTIONS_MAX,
)
from quorate.core.contracts.opcodes import DELTAS
from quorate.core.contracts.padding import PADDING
from quorate.core.contracts.shape import Shape
from quorate.core.contracts.value_types import (
    read_function_type,
    read_value_type,
)
from quorate.core.contracts.wasm import Reader

_VOID: Final = 0x40 - 0x80
_OP_BLOCK: Final = 0x02
_OP_IF: Final = 0x04
_OP_GROW: Final = 0x40
_FIRST_NUMBER: Final = 0x7C  # f64; references have lower codes


class Label(NamedTuple):
    """One open block: the operands below it, what it takes and gives."""

    base: int
    taken: int
    given: int
    is_if: bool
    loops: int  # that are open here


class Mark(NamedTuple):
    """An instruction that instrument.py puts something in front of."""

    offset: int
    fuel: int
    is_call: bool  # of a function of this module, or one that may be


class Instructions(Reader):
    """One body being read: where we are, the operands' height, the open blocks."""

    __slots__ = (
        "branches", "grows", "height", "labels", "locals", "marks", "references", "shape",
        "start", "top",
    )  # fmt: skip

    def __init__(self, code: bytes, shape: Shape) -> None:
        super().__init__(code)
        self.shape = shape
        self.marks: list[Mark] = []
        self.labels: list[Label] = []
        self.height = self.top = self.branches = self.locals = self.start = 0
        self.grows = self.references = 0  # of all bodies so far

    def push(self, count: int) -> None:
        """Move the operands' height."""
        self.height += count
        if self.height > self.top:
            self.top = self.height

    def mark(self, offset: int, key: int, *, is_call: bool = False) -> None:
        """Note a call, or an instruction with a price."""
        fuel = PADDING.get(key, 0)
        if fuel or is_call:
            self.marks.append(Mark(offset, fuel, is_call))

    def read_priced(self, op: int) -> None:
        """Instructions with a price, behind which nothing follows."""
        self.mark(self.position - 1, op)
        self.push(DELTAS[op])

    def refuse(self, op: int) -> None:
        """Refuse an opcode of no use here."""
        self.fail(opcodes.explain_forbidden(op), self.position - 1)

    def read_local(self, op: int) -> None:
        """local.get, local.set, local.tee of a high index."""
        self.read_index("local", self.locals)
        self.push(DELTAS[op])

    def read_const32(self, _op: int) -> None:
        """i32.const of a large number."""
        self.read_signed(32)
        self.push(1)

    def read_const64(self, _op: int) -> None:
        """i64.const of a large number."""
        self.read_signed(64)
        self.push(1)

    def read_memory(self, op: int) -> None:
        """Loads and stores with large numbers."""
        start = self.position
        if self.read_u32() > 3:
            self.fail("an alignment of more than 8 bytes", start)
        self.read_u32()
        self.push(DELTAS[op])

    def read_block(self, op: int) -> None:
        """block, loop, if: the type is empty, one value's, or a function type's index."""
        self.branches += op != _OP_BLOCK
        self.push(DELTAS[op])
        self.open(op, *self.read_block_type())

    def read_block_type(self) -> tuple[int, int]:
        """Return how many operands a block takes and gives."""
        start = self.position
        value = self.read_signed(33)
        if value == _VOID:
            return 0, 0
        self.position = start
        if value < 0:
            read_value_type(self, is_java=self.shape.is_java)
            return 0, 1
        kind = self.shape.types[read_function_type(self, self.shape)]
        return len(kind.parameters), len(kind.results)

    def open(self, op: int, taken: int, given: int) -> None:
        """Open a block."""
        loops = self.labels[-1].loops + (op == opcodes.OP_LOOP)
        if len(self.labels) > NESTING_MAX:
            self.fail(f"blocks nest deeper than {NESTING_MAX}")
        if loops > LOOPS_NESTING_MAX:
            self.fail(f"loops nest deeper than {LOOPS_NESTING_MAX}")
        self.labels.append(Label(self.height - taken, taken, given, op == _OP_IF, loops))

    def read_else(self, _op: int) -> None:
        """The other half of an if."""
        label = self.labels.pop()
        if not label.is_if:
            self.fail("an else without an if", self.position - 1)
        self.labels.append(label._replace(is_if=False))
        self.height = label.base + label.taken

    def read_end(self, _op: int) -> None:
        """The end of a block or of the body."""
        label = self.labels.pop()
        self.height = label.base
        self.push(label.given)
        if not self.labels and self.position != self.end:
            self.fail("code after the function's end")

    def read_branch(self, op: int) -> None:
        """br, br_if, br_on_null, br_on_non_null."""
        self.read_label()
        self.push(DELTAS[op])

    def read_label(self) -> None:
        """Read a branch's label."""
        self.branches += 1
        self.read_index("label", len(self.labels))

    def read_branch_table(self, _op: int) -> None:
        """br_table: each target counts as a branch."""
        for _ in range(self.read_count("targets", BRANCHES_MAX) + 1):
            self.read_label()
        self.push(-1)

    def read_call(self, _op: int) -> None:
        """A call by index; calls of the host are not for instrument.py."""
        start = self.position - 1
        shape = self.shape
        index = self.read_index("function", len(shape.functions))
        if index >= len(shape.imports):
            self.mark(start, 0, is_call=True)
        self.apply(shape.functions[index])

    def apply(self, index: int) -> None:
        """Move operands as a call of a function of this type does."""
        kind = self.shape.types[index]
        self.push(-len(kind.parameters))
        self.push(len(kind.results))

    def read_call_indirect(self, op: int) -> None:
        """A call through a table."""
        self.mark(self.position - 1, op, is_call=True)
        index = read_function_type(self, self.shape)
        self.read_index("table", len(self.shape.tables))
        self.push(-1)
        self.apply(index)

    def read_global(self, op: int) -> None:
        """global.get, global.set."""
        index = self.read_index("global", len(self.shape.globals))
        if self.shape.globals[index].type < _FIRST_NUMBER:
            self.count_reference()
        self.push(DELTAS[op])

    def count_reference(self) -> None:
        """Count an instruction on references; there is a limit for the module."""
        self.references += 1
        if self.references > REFERENCE_INSTRUCTIONS_MAX:
            self.fail(f"more than {REFERENCE_INSTRUCTIONS_MAX} instructions on references")

    def read_pages(self, op: int) -> None:
        """memory.size, memory.grow."""
        self.grows += op == _OP_GROW
        if self.grows > GROWS_MAX:
            self.fail(f"more than {GROWS_MAX} memory.grow", self.position - 1)
        self.mark(self.position - 1, op)
        self.read_index("memory", len(self.shape.memories))
        self.push(DELTAS[op])
