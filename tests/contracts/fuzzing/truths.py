"""Random conditions."""

from tests.contracts.fuzzing.expressions import BOOL, MAKERS, make
from tests.contracts.fuzzing.kinds import BITS, Kind, pick_kind
from tests.contracts.fuzzing.scope import Scope

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
ORDERED = (*BITS, "bytes", "str", "Address")


def make_comparison(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Compare two values of one type; numbers and texts have an order."""
    other = pick_kind(scope.rng, scope.records, 1)
    operators = COMPARISONS if other.name in ORDERED else COMPARISONS[:2]
    left = make(scope, other, depth, typed=True)
    right = make(scope, other, depth, typed=scope.rng.random() < 0.5)
    return f"({left} {scope.rng.choice(operators)} {right})"


def make_chain(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Compare three numbers at once."""
    other = Kind(scope.rng.choice(sorted(BITS)))
    texts = [make(scope, other, depth, typed=True) for _ in range(3)]
    first, second = (scope.rng.choice(COMPARISONS[2:]) for _ in range(2))
    return f"({texts[0]} {first} {texts[1]} {second} {texts[2]})"


def make_logic(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Join conditions; the second is reached only if it matters."""
    if scope.rng.random() < 0.3:
        return f"(not {make(scope, BOOL, depth)})"
    operator = scope.rng.choice(("and", "or"))
    parts = [make(scope, BOOL, depth) for _ in range(scope.rng.choice((2, 2, 3)))]
    return f"({f' {operator} '.join(parts)})"


def make_contains(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Ask whether a map or a list holds something."""
    negation = scope.rng.choice(("", "not "))
    maps = scope.list_maps()
    if maps and scope.rng.random() < 0.6:
        name, each = scope.rng.choice(maps)
        outer = ""
        while each.parts[1].name == "Map":
            outer += f"[{make(scope, each.parts[0], 0)}]"
            each = each.parts[1]
        return f"({make(scope, each.parts[0], depth, typed=True)} {negation}in {name}{outer})"
    lists = [(name, each) for name, each in scope.locals.items() if each.name == "List"]
    if not lists:
        return None
    name, each = scope.rng.choice(lists)
    return f"({make(scope, each.parts[0], depth, typed=True)} {negation}in {name})"


MAKERS["bool"] = [
    make_comparison, make_comparison, make_comparison, make_logic, make_contains, make_chain,
]  # fmt: skip
