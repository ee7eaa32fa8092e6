"""Walks a function's body: every instruction allowed, every index there, nothing over a limit.

What it measures on the way (operands at their highest, calls) is what instrument.py counts by. It
checks no types: the engine does, after this walk has made sure that the engine can take it.
"""

from typing import Final, NamedTuple, NoReturn

from quorate.core.contracts import limits, opcodes
from quorate.core.contracts.instructions import Label, Mark
from quorate.core.contracts.opcodes import DELTAS, KINDS_JAVA, KINDS_PLAIN
from quorate.core.contracts.references import HANDLERS, Everything
from quorate.core.contracts.shape import Shape
from quorate.core.contracts.value_types import read_value_type

# The loop looks at two bytes behind an opcode before it knows that the body goes on.
_PADDING: Final = bytes(2)


class Body(NamedTuple):
    """What instrument.py needs of one body; offsets are the module's."""

    start: int
    code: int  # behind the declarations of locals
    end: int
    locals: int  # with the parameters
    height: int  # operands at their most
    instructions: int
    marks: list[Mark]
    weight: int  # branches times locals


class Walker(Everything):
    """Walks bodies of one module, one after the other."""

    __slots__ = ("kinds", "number")

    def __init__(self, code: bytes, shape: Shape) -> None:
        super().__init__(code + _PADDING, shape)
        self.kinds = KINDS_JAVA if shape.is_java else KINDS_PLAIN
        self.number = 0

    def fail(self, why: str, offset: int | None = None) -> NoReturn:
        """Refuse the module; the function is named by its index, as tools list them."""
        super().fail(f"{why}, in function {self.number}", offset)

    def walk(self, number: int) -> Body:
        """Walk the body of the function with this number among those that have one."""
        shape = self.shape
        self.number = len(shape.imports) + number
        start, self.end = shape.bodies[number]
        function = shape.types[shape.functions[self.number]]
        self.position = start
        self._read_locals(len(function.parameters))
        code = self.position
        self.labels = [Label(0, 0, len(function.results), is_if=False, loops=0)]
        self.marks = []
        self.height = self.top = self.branches = 0
        count = self._walk_instructions()
        if self.labels or self.position != self.end:
            self.fail("the body of a function is cut off", min(self.position, self.end))
        weight = self.branches * self.locals
        self._check_limits(start, count, weight)
        return Body(start, code, self.end, self.locals, self.top, count, self.marks, weight)

    def _read_locals(self, parameters: int) -> None:
        self.locals = parameters
        for _ in range(self.read_count("groups of locals", limits.LOCALS_MAX)):
            start = self.position
            self.locals += self.read_u32()
            if self.locals > limits.LOCALS_MAX:
                self.fail(f"more than {limits.LOCALS_MAX} parameters and locals", start)
            read_value_type(self, is_java=self.shape.is_java)

    def _walk_instructions(self) -> int:
        code, kinds, end, count = self.code, self.kinds, self.end, 0
        position, height, top, known = self.position, 0, 0, self.locals
        while position < end:
            op = code[position]
            kind = kinds[op]
            position += 1
            count += 1
            if kind == opcodes.NUMERIC:
                height += DELTAS[op]
                continue
            next_byte = code[position]
            if (
                kind > opcodes.LAST_INLINE
                or next_byte > 0x7F
                or (kind == opcodes.LOCAL and next_byte >= known)
                or (kind == opcodes.MEMORY and (next_byte > 3 or code[position + 1] > 0x7F))
            ):
                self.position, self.height, self.top = position, height, top
                HANDLERS[kind](self, op)
                position, height, top = self.position, self.height, self.top
                continue
            position += 1 if kind != opcodes.MEMORY else 2
            height += DELTAS[op]
            if height > top:
                top = height
        self.position, self.top = position, top
        return count

    def _check_limits(self, start: int, count: int, weight: int) -> None:
        for what, value, most in (
            ("instructions", count, limits.INSTRUCTIONS_MAX),
            ("branches", self.branches, limits.BRANCHES_MAX),
            ("branches times locals", weight, limits.BRANCHES_TIMES_LOCALS_MAX),
            ("operands at once", self.top, limits.HEIGHT_MAX),
        ):
            if value > most:
                self.fail(f"a function of {value} {what}, at most {most} are allowed", start)
