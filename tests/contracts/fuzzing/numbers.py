"""Random expressions that are numbers."""

from tests.contracts.fuzzing.expressions import BOOL, BYTES, MAKERS, STR, U64, make
from tests.contracts.fuzzing.kinds import BITS, WIDER, Kind
from tests.contracts.fuzzing.scope import Scope

OPERATORS = ("+", "+", "-", "*", "//", "%", "&", "|", "^")


def make_arithmetic(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Calculate with two numbers of one type."""
    operator = scope.rng.choice(OPERATORS)
    left = make(scope, kind, depth, typed=True)
    if operator in ("//", "%") and scope.rng.random() < 0.7:
        right = str(scope.rng.choice((1, 2, 3, 7, 10, 255)))
    elif operator in "+-" and scope.rng.random() < 0.5:
        right = str(scope.rng.randrange(4))
    else:
        right = make(scope, kind, depth)
    if scope.rng.random() < 0.1 and operator not in ("//", "%"):
        return f"({scope.rng.randrange(9)} {operator} {left})"
    return f"({left} {operator} {right})"


def make_conversion(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Convert from another type of number."""
    other = Kind(scope.rng.choice(sorted(BITS)))
    return f"{kind}({make(scope, other, depth, typed=True)})"


def make_extreme(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Take the smaller or the greater of two."""
    name = scope.rng.choice(("min", "max"))
    more = [make(scope, kind, depth) for _ in range(scope.rng.choice((1, 1, 2)))]
    return f"{name}({', '.join([make(scope, kind, depth, typed=True), *more])})"


def make_negative(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Turn the sign."""
    return f"(-{make(scope, kind, depth, typed=True)})"


def make_length(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Measure something that has a length."""
    options = [BYTES, STR, *(k for k in scope.locals.values() if k.name == "List")]
    return f"len({make(scope, scope.rng.choice(options), depth, typed=True)})"


def make_power(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Raise to a power, mostly a small one, or shift."""
    operator = scope.rng.choice(("**", "<<", ">>", ">>"))
    right = str(scope.rng.choice((0, 1, 2, 3, 7, 31, 63, 64, 65, 127, 128, 200)))
    if scope.rng.random() < 0.3:
        right = f"min({make(scope, U64, depth, typed=True)}, {scope.rng.choice((3, 70, 130))})"
    return f"({make(scope, kind, depth, typed=True)} {operator} {right})"


def make_wide(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Calculate with a number and a narrower one."""
    narrow = WIDER.get(kind.name)
    if narrow is None:
        return None
    parts = [
        make(scope, kind, depth, typed=True),
        make(scope, Kind(scope.rng.choice(narrow)), depth, typed=True),
    ]
    scope.rng.shuffle(parts)
    return f"({parts[0]} {scope.rng.choice(OPERATORS)} {parts[1]})"


def make_sum(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Add what a list holds."""
    return f"sum({make(scope, Kind('List', (kind,)), depth, typed=True)})"


def make_flag(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Count a condition."""
    return f"{kind}({make(scope, BOOL, depth)})"


def make_complement(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Turn all bits, or the sign if there is one."""
    text = make(scope, kind, depth, typed=True)
    return f"(~{text})" if scope.rng.random() < 0.5 else f"abs({text})"


def make_byte(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Take a byte, mostly one that is there."""
    data = scope.find_locals(BYTES) + scope.find_variables(BYTES)
    if not data:
        return None
    name, index = scope.rng.choice(data), make(scope, U64, depth)
    if scope.rng.random() < 0.7:
        return f"({name}[({index}) % len({name})] if len({name}) > 0 else u8(0))"
    return f"{name}[{index}]"


def make_last(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Take the last item off a list that is nobody else's."""
    found = scope.find_locals(Kind("List", (kind,)), assignable=True)
    return f"{scope.rng.choice(found)}.pop()" if found and scope.rng.random() < 0.2 else None


MAKERS["integer"] = [
    make_arithmetic, make_arithmetic, make_arithmetic, make_conversion, make_extreme, make_power,
    make_wide, make_sum, make_flag, make_last,
]  # fmt: skip
MAKERS["u64"] = [make_length]
MAKERS["u8"] = [make_byte]
MAKERS["i64"] = [make_negative, make_complement]
