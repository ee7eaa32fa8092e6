"""The typed tree: what a checked body means, with every type, conversion and order settled.

Expressions carry their type and line. The compiler (lower/) turns this tree into instructions.
"""

from dataclasses import dataclass, field

from quorate.lang.program import Event, Function, Program
from quorate.lang.types import Type


@dataclass(slots=True)
class Expression:
    """Something with a value."""

    type: Type
    line: int


@dataclass(slots=True)
class Literal(Expression):
    """A value that is known."""

    value: int | bool | bytes | str


@dataclass(slots=True)
class Local(Expression):
    """A local variable or a parameter."""

    name: str


@dataclass(slots=True)
class Variable(Expression):
    """A variable of the contract that is no Map."""

    name: str


@dataclass(slots=True)
class Entry(Expression):
    """An entry of a Map, by one key or two."""

    name: str
    keys: list[Expression]


@dataclass(slots=True)
class Has(Expression):
    """Whether a Map's entry holds something."""

    name: str
    keys: list[Expression]


@dataclass(slots=True)
class Native(Expression):
    """What `self` knows of the call and the block."""

    name: str


@dataclass(slots=True)
class Binary(Expression):
    """Arithmetic on integers of one type; shifts and powers have a u64 at the right."""

    operator: str
    left: Expression
    right: Expression


@dataclass(slots=True)
class Join(Expression):
    """Two bytes, str or Lists, one after the other."""

    left: Expression
    right: Expression


@dataclass(slots=True)
class Unary(Expression):
    """`-` and `~` of i64, `not` of bool."""

    operator: str
    operand: Expression


@dataclass(slots=True)
class Compare(Expression):
    """A chain of comparisons of values of one type."""

    operators: list[str]
    operands: list[Expression]


@dataclass(slots=True)
class Logic(Expression):
    """`and` or `or` of bools."""

    operator: str
    operands: list[Expression]


@dataclass(slots=True)
class Choice(Expression):
    """`yes if test else no`."""

    test: Expression
    yes: Expression
    no: Expression


@dataclass(slots=True)
class Convert(Expression):
    """An integer or bool as another integer type; reverts if it does not fit."""

    operand: Expression


@dataclass(slots=True)
class Call(Expression):
    """A call of a method or function of this file."""

    function: Function
    arguments: list[Expression]


@dataclass(slots=True)
class Remote(Expression):
    """A call of another contract."""

    method: Function
    address: Expression
    arguments: list[Expression]
    value: Expression
    fuel: Expression


@dataclass(slots=True)
class Make(Expression):
    """A new tuple, record or List out of its parts."""

    items: list[Expression]


@dataclass(slots=True)
class Field(Expression):
    """A part of a tuple or record."""

    operand: Expression
    index: int


@dataclass(slots=True)
class Item(Expression):
    """An item of a List, or a byte; as a target, `operand` may be a stored List."""

    operand: Expression
    index: Expression


@dataclass(slots=True)
class Slice(Expression):
    """A part of bytes; bounds beyond the end mean the end."""

    operand: Expression
    lower: Expression | None
    upper: Expression | None


@dataclass(slots=True)
class Contains(Expression):
    """Whether a List has an item."""

    items: Expression
    value: Expression


@dataclass(slots=True)
class Builtin(Expression):
    """A function of the language, by its name in lower/builtins.py."""

    name: str
    arguments: list[Expression]


Target = Local | Variable | Entry | Item | Field


@dataclass(slots=True)
class Statement:
    """Something to do."""

    line: int


@dataclass(slots=True)
class Assign(Statement):
    """`target = value`."""

    target: Target
    value: Expression


@dataclass(slots=True)
class Unpack(Statement):
    """`a, b = value`, where the value is a tuple."""

    targets: list[Target]
    value: Expression


@dataclass(slots=True)
class Augment(Statement):
    """`target += value`; an empty operator joins."""

    target: Target
    operator: str
    value: Expression


@dataclass(slots=True)
class Delete(Statement):
    """`del self.map[key]`."""

    name: str
    keys: list[Expression]


@dataclass(slots=True)
class If(Statement):
    """`if`; an `elif` is an If in `other`."""

    test: Expression
    body: list[Statement]
    other: list[Statement]


@dataclass(slots=True)
class While(Statement):
    """`while`."""

    test: Expression
    body: list[Statement]


@dataclass(slots=True)
class ForRange(Statement):
    """`for name in range(start, stop, step)`."""

    target: Local
    start: Expression
    stop: Expression
    step: int
    body: list[Statement]


@dataclass(slots=True)
class ForItems(Statement):
    """`for name in` a List or bytes."""

    target: Local
    items: Expression
    body: list[Statement]


@dataclass(slots=True)
class Break(Statement):
    """`break`."""


@dataclass(slots=True)
class Continue(Statement):
    """`continue`."""


@dataclass(slots=True)
class Return(Statement):
    """`return`."""

    value: Expression | None


@dataclass(slots=True)
class Assert(Statement):
    """`assert test, text`."""

    test: Expression
    text: Expression


@dataclass(slots=True)
class Revert(Statement):
    """`revert(text)`."""

    text: Expression


@dataclass(slots=True)
class Emit(Statement):
    """`emit(Event(…))`."""

    event: Event
    fields: list[Expression]


@dataclass(slots=True)
class Do(Statement):
    """An expression for its effect."""

    value: Expression


@dataclass(slots=True)
class Body:
    """A checked function: its locals, parameters first, and what it does."""

    function: Function
    locals: dict[str, Type]
    statements: list[Statement] = field(default_factory=list)


@dataclass(slots=True)
class Contract:
    """A checked file."""

    program: Program
    bodies: list[Body]
