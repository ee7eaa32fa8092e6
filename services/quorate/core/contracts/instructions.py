"""What follows each instruction, and how it moves operands: all but the most frequent ones.

Heights are counted, types are not checked. Behind an instruction that never goes on (a branch, a
trap) heights are too high or too low until the block ends, which sets them right; nothing there
is compiled.
"""

from collections.abc import Callable
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
from quorate.core.contracts.shape import FUNCTION, STRUCT, Shape
from quorate.core.contracts.value_types import (
    read_function_type,
    read_heap_type,
    read_value_type,
)
from quorate.core.contracts.wasm import Reader

_VOID: Final = 0x40 - 0x80
_CATCHES: Final = 4
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
        self.open(op, *self._read_block_type())

    def _read_block_type(self) -> tuple[int, int]:
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
        self._read_label()
        self.push(DELTAS[op])

    def _read_label(self) -> None:
        self.branches += 1
        self.read_index("label", len(self.labels))

    def read_branch_table(self, _op: int) -> None:
        """br_table: each target counts as a branch."""
        for _ in range(self.read_count("targets", BRANCHES_MAX) + 1):
            self._read_label()
        self.push(-1)

    def read_call(self, _op: int) -> None:
        """A call by index; calls of the host are not for instrument.py."""
        start = self.position - 1
        shape = self.shape
        index = self.read_index("function", len(shape.functions))
        if index >= len(shape.imports):
            self.mark(start, 0, is_call=True)
        self._apply(shape.functions[index])

    def _apply(self, index: int) -> None:
        kind = self.shape.types[index]
        self.push(-len(kind.parameters))
        self.push(len(kind.results))

    def read_call_indirect(self, op: int) -> None:
        """A call through a table."""
        self.mark(self.position - 1, op, is_call=True)
        index = read_function_type(self, self.shape)
        self.read_index("table", len(self.shape.tables))
        self.push(-1)
        self._apply(index)

    def read_call_ref(self, op: int) -> None:
        """A call through a reference."""
        self.mark(self.position - 1, op, is_call=True)
        index = read_function_type(self, self.shape)
        self.push(-1)
        self._apply(index)

    def read_global(self, op: int) -> None:
        """global.get, global.set."""
        index = self.read_index("global", len(self.shape.globals))
        if self.shape.globals[index].type < _FIRST_NUMBER:
            self._count_reference()
        self.push(DELTAS[op])

    def _count_reference(self) -> None:
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

    def read_prefixed(self, op: int) -> None:
        """What stands behind 0xFC and 0xFB."""
        start = self.position - 1
        sub = self.read_u32()
        if op == opcodes.PREFIX_GC:
            table = opcodes.GC
            self._count_reference()
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
        taken, given = self._read_block_type()
        for _ in range(self.read_count("catches", BRANCHES_MAX)):
            start = self.position
            kind = self.read_byte()
            if kind >= _CATCHES:
                self.fail("a catch of an unknown kind", start)
            if kind < 2:
                self.read_index("tag", len(self.shape.tags))
            self._read_label()
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
        self._read_label()
        return 0


Handler = Callable[[Instructions, int], None]
HANDLERS: Final[tuple[Handler, ...]] = (
    Instructions.refuse,  # numeric: never asked
    Instructions.read_local,
    Instructions.read_const32,
    Instructions.read_const64,
    Instructions.read_memory,
    Instructions.read_block,
    Instructions.read_block,
    Instructions.read_else,
    Instructions.read_end,
    Instructions.read_branch,
    Instructions.read_branch_table,
    Instructions.read_call,
    Instructions.read_call_indirect,
    Instructions.read_global,
    Instructions.read_pages,
    Instructions.read_prefixed,
    Instructions.read_float_const,
    Instructions.read_select,
    Instructions.read_table,
    Instructions.read_ref_null,
    Instructions.read_ref_func,
    Instructions.read_call_ref,
    Instructions.read_throw,
    Instructions.read_try_table,
    Instructions.read_priced,
    Instructions.refuse,
)
_IMMEDIATES: Final[dict[str, Callable[[Instructions], int]]] = {
    "t": Instructions.read_typed_index,
    "f": Instructions.read_operand_count,
    "n": Instructions.read_operand_count,
    "d": Instructions.read_data_index,
    "e": Instructions.read_elements_index,
    "m": Instructions.read_memory_index,
    "T": Instructions.read_table_index,
    "h": Instructions.read_heap_index,
    "l": Instructions.read_label_index,
    "b": Reader.read_byte,
}
