"""Random expressions of a wanted type.

A bare literal takes its type from where it stands; `typed` asks for an expression that has one of
its own, as the operands of a comparison of literals would not.
"""

from collections.abc import Callable

from tests.contracts.fuzzing.kinds import Kind, pick_integer, pick_text
from tests.contracts.fuzzing.scope import Helper, Scope

BOOL, BYTES, STR, U64, ADDRESS = (Kind(n) for n in ("bool", "bytes", "str", "u64", "Address"))

Maker = Callable[[Scope, Kind, int], str | None]

# Ways to make a value, by the name of its type; numbers.py, truths.py and texts.py fill it.
MAKERS: dict[str, list[Maker]] = {"integer": []}


def make(scope: Scope, kind: Kind, depth: int, typed: bool = False) -> str:
    """Return an expression of a type, at most `depth` deep."""
    if depth > 0:
        for _ in range(4):
            text = scope.rng.choice(list_makers(kind))(scope, kind, depth - 1)
            if text is not None:
                return text
    names = scope.find_locals(kind) + scope.find_variables(kind) + scope.find_constants(kind)
    if names and scope.rng.random() < 0.75:
        return scope.rng.choice(names)
    return make_literal(scope, kind, typed)


def list_makers(kind: Kind) -> list[Maker]:
    """Return the ways to make a value of a type."""
    own = MAKERS["integer"] if kind.is_integer else []
    return [*COMMON, *own, *MAKERS.get(kind.name, [])]


def make_literal(scope: Scope, kind: Kind, typed: bool) -> str:
    """Return a constant of a type, built up from its parts."""
    rng = scope.rng
    if kind.is_integer:
        value = pick_integer(rng, kind.name)
        return f"{kind}({value})" if typed else str(value)
    if kind == BOOL:
        return rng.choice(("True", "False"))
    if kind == BYTES:
        return repr(rng.randbytes(rng.choice((0, 1, 4))))
    if kind == STR:
        return repr(pick_text(rng))
    if kind == ADDRESS:
        return rng.choice(("NO_ADDRESS", "self.caller")) if scope.has_self else "NO_ADDRESS"
    if kind.name == "List":
        if not typed and rng.random() < 0.3:
            return "[]"
        return f"[{make_literal(scope, kind.parts[0], True)}]"
    parts = ", ".join(make_literal(scope, part, not kind.is_record) for part in kind.parts)
    return f"{kind.name}({parts})" if kind.is_record else f"({parts})"


def make_choice(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Return one of two values, by a condition."""
    if scope.rng.random() < 0.6:
        return None
    first, second = make(scope, kind, depth, typed=True), make(scope, kind, depth, typed=True)
    return f"({first} if {make(scope, BOOL, depth)} else {second})"


def make_map_read(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Read an entry of one of the contract's maps."""
    found = [(name, each) for name, each in scope.list_maps() if find_leaf(each) == kind]
    if not found:
        return None
    name, each = scope.rng.choice(found)
    return name + make_keys(scope, each, depth)


def find_leaf(kind: Kind) -> Kind:
    """Return what a map holds in the end."""
    return find_leaf(kind.parts[1]) if kind.name == "Map" else kind


def make_keys(scope: Scope, kind: Kind, depth: int) -> str:
    """Return the subscripts that lead to an entry."""
    text = ""
    while kind.name == "Map":
        text += f"[{make(scope, kind.parts[0], min(depth, 1))}]"
        kind = kind.parts[1]
    return text


def make_item(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Take an item of a list, mostly one that is there."""
    lists = scope.find_locals(Kind("List", (kind,))) + scope.find_variables(Kind("List", (kind,)))
    if not lists:
        return None
    name = scope.rng.choice(lists)
    index = make(scope, U64, depth)
    if scope.rng.random() < 0.7:
        zero = make(scope, kind, 0, typed=True)
        return f"({name}[({index}) % len({name})] if len({name}) > 0 else {zero})"
    return f"{name}[{index}]"


def make_part(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Take a field of a record or a tuple."""
    found = []
    for name, each in scope.locals.items():
        for position, part in enumerate(each.parts if each.name != "List" else ()):
            if part == kind:
                text = f".{each.fields[position]}" if each.is_record else f"[{position}]"
                found.append(name + text)
    return scope.rng.choice(found) if found else None


def make_call(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Call a helper that gives such a value; few of them, since calls multiply."""
    found = [each for each in scope.list_callable() if each.returns == kind]
    if not found or scope.calls >= 2 or scope.loops > 1:
        return None
    scope.calls += 1
    return write_call(scope, scope.rng.choice(found), depth)


def write_call(scope: Scope, helper: Helper, depth: int) -> str:
    """Return the call of a helper; one that calls itself is told how often."""
    arguments = [make(scope, each, min(depth, 1)) for each in helper.parameters]
    if helper.is_recursive:
        arguments[0] = str(scope.rng.randrange(4))
    return f"{'self.' if helper.is_method else ''}{helper.name}({', '.join(arguments)})"


def make_list(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Write a list of a few items."""
    count = scope.rng.choice((1, 2, 3))
    return f"[{', '.join(make(scope, kind.parts[0], depth, typed=True) for _ in range(count))}]"


def make_remote(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Ask another contract."""
    found = [each for each in scope.remotes if each.returns == kind]
    if not found or not scope.may_write or scope.calls >= 2 or scope.loops > 0:
        return None
    scope.calls += 1
    return write_remote(scope, scope.rng.choice(found), depth)


def write_remote(scope: Scope, method: Helper, depth: int) -> str:
    """Return the call of another contract's method."""
    arguments = ", ".join(make(scope, each, min(depth, 1)) for each in method.parameters)
    return f"Peer(self.peer).{method.name}({arguments})"


def make_context(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Ask where one is, who called and how much there is."""
    if not scope.has_self or kind not in (U64, ADDRESS):
        return None
    if kind == ADDRESS:
        return scope.rng.choice(("self.caller", "self.origin", "self.address"))
    options = ("self.height", "self.time_ms", "self.value", "balance(self.address)")
    return scope.rng.choice(options)


def make_joined(scope: Scope, kind: Kind, depth: int) -> str | None:
    """Put one list behind another."""
    if scope.loops > 0:
        return None
    return f"({make(scope, kind, depth, typed=True)} + {make(scope, kind, depth, typed=True)})"


COMMON: list[Maker] = [
    make_choice,
    make_map_read,
    make_item,
    make_part,
    make_call,
    make_remote,
    make_context,
]
MAKERS["List"] = [make_list, make_joined]
