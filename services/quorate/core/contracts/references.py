"""Instructions behind a prefix, and those that the Java profile adds; the table of all.

What they refer to is checked to be there; what types they stand on is left to the engine.
"""

from collections.abc import Callable
from typing import Final

from quorate.core.contracts import opcodes
from quorate.core.contracts.instructions import Instructions
from quorate.core.contracts.limits import BRANCHES_MAX
from quorate.core.contracts.opcodes import DELTAS
from quorate.core.contracts.shape import FUNCTION, STRUCT
from quorate.core.contracts.value_types import (
    read_function_type,
    read_heap_type,
    read_value_type,
)
from quorate.core.contracts.wasm import Reader

_CATCHES: Final = 4


class Everything(Instructions):
    """One body being read, of either profile."""

    __slots__ = ()

    def read_call_ref(self, op: int) -> None:
        """A call through a reference."""
        self.mark(self.position - 1, op, is_call=True)
        index = read_function_type(self, self.shape)
        self.push(-1)
        self.apply(index)

    def read_prefixed(self, op: int) -> None:
        """What stands behind 0xFC and 0xFB."""
        start = self.position - 1
        sub = self.read_u32()
        if op == opcodes.PREFIX_GC:
            table = opcodes.GC
            self.count_reference()
        else:
            table = opcodes.MISC_JAVA if self.shape.is_java else opcodes.MISC_PLAIN
        if sub not in table:
            self.fail(f"opcode 0x{op:02x} {sub} is not allowed", start)
        self.mark(start, op << 8 | sub)
        immediates, delta = table[sub]
        values = [_IMMEDIATES[each](self) for each in immediates]
        if op == opcodes.PREFIX_GC:
            delta -= self._count_taken(sub, values)
        self.push(delta)

    def _count_taken(self, sub: int, values: list[int]) -> int:
        if sub == opcodes.GC_STRUCT_NEW:
            kind = self.shape.types[values[0]]
            return len(kind.parameters) if kind.form == STRUCT else 0
        return values[1] if sub == opcodes.GC_ARRAY_NEW_FIXED else 0

    def read_float_const(self, op: int) -> None:
        """f32.const, f64.const."""
        self.read_bytes(4 if op == 0x43 else 8)
        self.push(1)

    def read_select(self, op: int) -> None:
        """Select between two values of one stated type."""
        start = self.position
        if self.read_u32() != 1:
            self.fail("a select of one type", start)
        read_value_type(self, is_java=True)
        self.push(DELTAS[op])

    def read_table(self, op: int) -> None:
        """table.get, table.set."""
        self.read_index("table", len(self.shape.tables))
        self.push(DELTAS[op])

    def read_ref_null(self, _op: int) -> None:
        """ref.null."""
        read_heap_type(self)
        self.push(1)

    def read_ref_func(self, _op: int) -> None:
        """ref.func."""
        self.read_index("function", len(self.shape.functions))
        self.push(1)

    def read_throw(self, op: int) -> None:
        """throw: takes what the tag carries."""
        self.mark(self.position - 1, op)
        self.branches += 1
        tag = self.read_index("tag", len(self.shape.tags))
        self.push(-len(self.shape.types[self.shape.tags[tag]].parameters))

    def read_try_table(self, op: int) -> None:
        """try_table: catches count as branches."""
        taken, given = self.read_block_type()
        for _ in range(self.read_count("catches", BRANCHES_MAX)):
            start = self.position
            kind = self.read_byte()
            if kind >= _CATCHES:
                self.fail("a catch of an unknown kind", start)
            if kind < 2:
                self.read_index("tag", len(self.shape.tags))
            self.read_label()
        self.branches += 1
        self.open(op, taken, given)

    def read_typed_index(self) -> int:
        """Return the index of a structure's or an array's type."""
        start = self.position
        index = self.read_index("type", len(self.shape.types))
        if self.shape.types[index].form == FUNCTION:
            self.fail(f"type {index} is a function's", start)
        return index

    def read_operand_count(self) -> int:
        """Return a count of operands, or of a field."""
        return self.read_u32()

    def read_data_index(self) -> int:
        """Return the index of a data segment."""
        return self.read_index("data segment", max(0, self.shape.data_announced))

    def read_memory_index(self) -> int:
        """Return the index of a memory."""
        return self.read_index("memory", len(self.shape.memories))

    def read_elements_index(self) -> int:
        """Return the index of an element segment."""
        return self.read_index("element segment", self.shape.elements)

    def read_table_index(self) -> int:
        """Return the index of a table."""
        return self.read_index("table", len(self.shape.tables))

    def read_heap_index(self) -> int:
        """Read a heap type."""
        read_heap_type(self)
        return 0

    def read_label_index(self) -> int:
        """Read the label of a br_on_cast."""
        self.read_label()
        return 0


Handler = Callable[["Everything", int], None]
HANDLERS: Final[tuple[Handler, ...]] = (
    Everything.refuse,  # numeric: never asked
    Everything.read_local,
    Everything.read_const32,
    Everything.read_const64,
    Everything.read_memory,
    Everything.read_block,
    Everything.read_block,
    Everything.read_else,
    Everything.read_end,
    Everything.read_branch,
    Everything.read_branch_table,
    Everything.read_call,
    Everything.read_call_indirect,
    Everything.read_global,
    Everything.read_pages,
    Everything.read_prefixed,
    Everything.read_float_const,
    Everything.read_select,
    Everything.read_table,
    Everything.read_ref_null,
    Everything.read_ref_func,
    Everything.read_call_ref,
    Everything.read_throw,
    Everything.read_try_table,
    Everything.read_priced,
    Everything.refuse,
)
_IMMEDIATES: Final[dict[str, Callable[[Everything], int]]] = {
    "t": Everything.read_typed_index,
    "f": Everything.read_operand_count,
    "n": Everything.read_operand_count,
    "d": Everything.read_data_index,
    "e": Everything.read_elements_index,
    "m": Everything.read_memory_index,
    "T": Everything.read_table_index,
    "h": Everything.read_heap_index,
    "l": Everything.read_label_index,
    "b": Reader.read_byte,
}
