"""Random statements that change something: assign, calculate, append, remove."""

from collections.abc import Callable

from tests.contracts.fuzzing.blocks import DEPTH, SIMPLE, Lines
from tests.contracts.fuzzing.expressions import BYTES, STR, U64, find_leaf, make, make_keys
from tests.contracts.fuzzing.kinds import Kind
from tests.contracts.fuzzing.scope import Scope

OPERATORS = ("+=", "+=", "-=", "*=", "//=", "%=", "|=", "&=", "^=")


def pick_target(scope: Scope, wanted: Callable[[Kind], bool]) -> tuple[str, Kind] | None:
    """Return something that can be assigned: local, variable, entry, part of a local."""
    options = [(n, k) for n, k in scope.locals.items() if n not in scope.fixed and wanted(k)]
    if scope.may_write:
        options += [
            (f"self.{n}", k) for n, k in scope.variables.items() if k.name != "Map" and wanted(k)
        ]
    for name, kind in scope.list_maps() if scope.may_write else []:
        if wanted(find_leaf(kind)):
            options.append((name + make_keys(scope, kind, 1), find_leaf(kind)))
    for name, kind in list_parts(scope):
        if wanted(kind):
            options.append((name, kind))
    return scope.rng.choice(options) if options else None


def list_parts(scope: Scope) -> list[tuple[str, Kind]]:
    """Return what can be assigned inside of locals: fields and items, also of one another."""
    found = []
    for name, kind in scope.locals.items():
        path, is_changeable = name, False
        for _ in range(3):
            if kind.is_record:
                place = scope.rng.randrange(len(kind.parts))
                path, kind, is_changeable = f"{path}.{kind.fields[place]}", kind.parts[place], True
            elif kind.name == "List":
                path, kind = f"{path}[{make(scope, U64, 0)}]", kind.parts[0]
                is_changeable = True
            elif kind.name == "tuple":
                place = scope.rng.randrange(len(kind.parts))
                path, kind, is_changeable = f"{path}[{place}]", kind.parts[place], False
            else:
                break
            if is_changeable:
                found.append((path, kind))
    return found


def assign(scope: Scope, depth: int) -> Lines | None:
    """Give something another value."""
    target = pick_target(scope, lambda kind: True)
    if target is None:
        return None
    return [f"{target[0]} = {make(scope, target[1], DEPTH)}"]


def calculate(scope: Scope, depth: int) -> Lines | None:
    """Change a number where it stands."""
    target = pick_target(scope, lambda kind: kind.is_integer)
    if target is None:
        return None
    operator = scope.rng.choice(OPERATORS)
    right = make(scope, target[1], 1)
    if operator in ("//=", "%="):
        right = str(scope.rng.choice((1, 2, 3, 10)))
    elif scope.rng.random() < 0.5:
        right = str(scope.rng.randrange(3))
    return [f"{target[0]} {operator} {right}"]


def remove(scope: Scope, depth: int) -> Lines | None:
    """Remove an entry of a map."""
    maps = scope.list_maps()
    if not maps or not scope.may_write:
        return None
    name, kind = scope.rng.choice(maps)
    return [f"del {name}{make_keys(scope, kind, 1)}"]


def grow(scope: Scope, depth: int) -> Lines | None:
    """Put something at the end of a list, also of one within another, or take it off."""
    lists = [
        (name, kind) for name, kind in [*scope.locals.items(), *list_parts(scope)]
        if kind.name == "List" and name not in scope.fixed
    ]  # fmt: skip
    if not lists:
        return None
    name, kind = scope.rng.choice(lists)
    if scope.rng.random() < 0.2:
        return [f"if len({name}) > 0:", f"    {name}.pop()"]
    return [f"{name}.append({make(scope, kind.parts[0], DEPTH - 1)})"]


def grow_stored(scope: Scope, depth: int) -> Lines | None:
    """Change a list where it is stored."""
    places = [
        (f"self.{name}", kind) for name, kind in scope.variables.items() if kind.name == "List"
    ]  # fmt: skip
    for name, kind in scope.list_maps():
        if find_leaf(kind).name == "List":
            places.append((name + make_keys(scope, kind, 0), find_leaf(kind)))
    if not scope.may_write or not places:
        return None
    name, kind = scope.rng.choice(places)
    item = make(scope, kind.parts[0], DEPTH - 1)
    way = scope.rng.randrange(4)
    if way == 0:
        return [f"if len({name}) > 0:", f"    {name}.pop()"]
    if way == 1:
        return [f"{name}[{make(scope, U64, 0)}] = {item}"]
    return [f"{name}.append({item})"]


def unpack(scope: Scope, depth: int) -> Lines | None:
    """Give the parts of a tuple names, or put them where something else was."""
    names = [(name, kind) for name, kind in scope.locals.items() if kind.name == "tuple"]
    if not names:
        return None
    name, kind = scope.rng.choice(names)
    targets = []
    for part in kind.parts:
        target = pick_target(scope, lambda each, part=part: each == part)  # type: ignore[misc]
        if target is None or scope.rng.random() < 0.5:
            target = scope.make_name(), part
        targets.append(target)
    scope.locals |= {each: part for each, part in targets if each.isidentifier()}
    return [f"{', '.join(each for each, _ in targets)} = {name}"]


def exchange(scope: Scope, depth: int) -> Lines | None:
    """Let two locals change places."""
    kind = scope.rng.choice([*scope.locals.values()] or [U64])
    names = scope.find_locals(kind, assignable=True)
    if len(names) < 2:
        return None
    first, second = scope.rng.sample(names, 2)
    return [f"{first}, {second} = {second}, {first}"]


def shift(scope: Scope, depth: int) -> Lines | None:
    """Shift a number where it stands, or raise it to a power."""
    target = pick_target(scope, lambda kind: kind.is_integer)
    if target is None:
        return None
    operator = scope.rng.choice(("<<=", ">>=", "**="))
    return [f"{target[0]} {operator} {scope.rng.choice((0, 1, 2, 3, 65, 130))}"]


def extend(scope: Scope, depth: int) -> Lines | None:
    """Put something behind a text."""
    target = pick_target(scope, lambda kind: kind in (BYTES, STR))
    return [f"{target[0]} += {make(scope, target[1], 1)}"] if target else None


def share(scope: Scope, depth: int) -> Lines | None:
    """Give something that can change a second name, and change it through that."""
    found = [
        (name, kind) for name, kind in scope.locals.items()
        if (kind.name == "List" or kind.is_record) and name not in scope.fixed
    ]  # fmt: skip
    if not found:
        return None
    name, kind = scope.rng.choice(found)
    second = scope.make_name()
    scope.locals[second] = kind
    lines = [f"{second} = {name}"]
    if kind.name == "List":
        return [*lines, f"{second}.append({make(scope, kind.parts[0], 1)})"]
    place = scope.rng.randrange(len(kind.parts))
    return [*lines, f"{second}.{kind.fields[place]} = {make(scope, kind.parts[place], 1)}"]


SIMPLE += [
    assign, assign, calculate, calculate, remove, grow, grow_stored, unpack, exchange, shift,
    extend, share,
]  # fmt: skip
