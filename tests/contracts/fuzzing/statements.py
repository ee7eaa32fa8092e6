"""Random statements: blocks that begin where others end, loops that end, a return now and then."""

from collections.abc import Callable

from tests.contracts.fuzzing.expressions import (
    BOOL,
    U64,
    find_leaf,
    make,
    make_keys,
    write_remote,
)
from tests.contracts.fuzzing.kinds import Kind, pick_kind
from tests.contracts.fuzzing.scope import Scope

DEPTH = 3
OPERATORS = ("+=", "+=", "-=", "*=", "//=", "%=", "|=", "&=", "^=")

Lines = list[str]
Maker = Callable[[Scope, int], Lines | None]


def indent(lines: Lines) -> Lines:
    """Move lines one step in."""
    return ["    " + line for line in lines]


def make_block(scope: Scope, depth: int, count: int) -> Lines:
    """Return some statements; what they declare ends with the block."""
    outer, fixed = dict(scope.locals), set(scope.fixed)
    lines: Lines = []
    while count > 0:
        made = scope.rng.choice(SIMPLE if depth == 0 else SIMPLE + COMPOUND)(scope, depth)
        if made is not None:
            lines += made
            count -= 1
    scope.locals, scope.fixed = outer, fixed
    return lines


def make_body(scope: Scope, count: int) -> Lines:
    """Return a function's statements; the last one returns what it must."""
    lines: Lines = []
    for _ in range(count):
        made = scope.rng.choice(SIMPLE + COMPOUND)(scope, 2)
        lines += made or []
    if scope.returns is not None:
        lines.append(f"return {make(scope, scope.returns, DEPTH)}")
    return lines or ["pass"]


def declare(scope: Scope, depth: int) -> Lines | None:
    """Name a new local, with its type or without."""
    kind = pick_kind(scope.rng, scope.records)
    plain = scope.rng.random() < 0.3
    text = make(scope, kind, DEPTH, typed=plain)
    name = scope.make_name()
    scope.locals[name] = kind
    return [f"{name} = {text}" if plain else f"{name}: {kind} = {text}"]


def pick_target(scope: Scope, wanted: Callable[[Kind], bool]) -> tuple[str, Kind] | None:
    """Return something that can be assigned: a local, a variable, an entry, a field."""
    options = [(n, k) for n, k in scope.locals.items() if n not in scope.fixed and wanted(k)]
    if scope.may_write:
        options += [
            (f"self.{n}", k) for n, k in scope.variables.items() if k.name != "Map" and wanted(k)
        ]
    for name, kind in scope.list_maps() if scope.may_write else []:
        if wanted(find_leaf(kind)):
            options.append((name + make_keys(scope, kind, 1), find_leaf(kind)))
    for name, kind in scope.locals.items():
        for field, part in zip(kind.fields, kind.parts, strict=False):
            if wanted(part):
                options.append((f"{name}.{field}", part))
        if kind.name == "List" and wanted(kind.parts[0]):
            options.append((f"{name}[{make(scope, U64, 1)}]", kind.parts[0]))
    return scope.rng.choice(options) if options else None


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
    """Put something at the end of a list, or take it off."""
    lists = [
        (name, kind) for name, kind in scope.locals.items()
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
    """Give the parts of a tuple names."""
    names = [(name, kind) for name, kind in scope.locals.items() if kind.name == "tuple"]
    if not names:
        return None
    name, kind = scope.rng.choice(names)
    fresh = [scope.make_name() for _ in kind.parts]
    scope.locals |= dict(zip(fresh, kind.parts, strict=True))
    return [f"{', '.join(fresh)} = {name}"]


def exchange(scope: Scope, depth: int) -> Lines | None:
    """Let two locals change places."""
    kind = scope.rng.choice([*scope.locals.values()] or [U64])
    names = scope.find_locals(kind, assignable=True)
    if len(names) < 2:
        return None
    first, second = scope.rng.sample(names, 2)
    return [f"{first}, {second} = {second}, {first}"]


def emit(scope: Scope, depth: int) -> Lines | None:
    """Tell the world something."""
    if not scope.may_write or not scope.events:
        return None
    event = scope.rng.choice(scope.events)
    fields = ", ".join(make(scope, part, 2) for part in event.parts)
    return [f"emit({event.name}({fields}))"]


def check(scope: Scope, depth: int) -> Lines | None:
    """Assert something that is mostly so, or revert on something that is mostly not."""
    if scope.rng.random() < 0.6:
        return None
    text = f"no {scope.rng.randrange(100)}"
    condition = f"({make(scope, BOOL, 2)} or {make(scope, BOOL, 1)})"
    if scope.rng.random() < 0.7:
        return [f'assert {condition}, "{text}"']
    return [f"if not {condition}:", f'    revert("{text}")']


def call(scope: Scope, depth: int) -> Lines | None:
    """Call a helper for what it does."""
    found = scope.list_callable()
    if not found or scope.calls >= 2 or scope.loops > 1:
        return None
    scope.calls += 1
    helper = scope.rng.choice(found)
    arguments = ", ".join(make(scope, each, 1) for each in helper.parameters)
    text = f"{'self.' if helper.is_method else ''}{helper.name}({arguments})"
    if helper.returns is None:
        return [text]
    name = scope.make_name()
    scope.locals[name] = helper.returns
    return [f"{name} = {text}"]


def call_remote(scope: Scope, depth: int) -> Lines | None:
    """Call another contract for what it does."""
    if not scope.remotes or not scope.may_write or scope.calls >= 2 or scope.loops > 0:
        return None
    scope.calls += 1
    return [write_remote(scope, scope.rng.choice(scope.remotes), 1)]


def pay(scope: Scope, depth: int) -> Lines | None:
    """Send a little of what there is, or too much."""
    if not scope.may_write:
        return None
    amount = make(scope, U64, 1, typed=True)
    return [f"transfer({make(scope, Kind('Address'), 0)}, min({amount}, 2))"]


def branch(scope: Scope, depth: int) -> Lines | None:
    """Go one way or another."""
    lines = [f"if {make(scope, BOOL, 2)}:", *indent(make_block(scope, depth - 1, 2))]
    while scope.rng.random() < 0.3:
        lines += [f"elif {make(scope, BOOL, 2)}:", *indent(make_block(scope, depth - 1, 1))]
    if scope.rng.random() < 0.5:
        lines += ["else:", *indent(make_block(scope, depth - 1, 2))]
    return lines


def make_loop_body(scope: Scope, depth: int) -> Lines:
    """Return what a loop repeats, sometimes left early."""
    scope.loops += 1
    lines = make_block(scope, depth - 1, scope.rng.choice((1, 2, 3)))
    if scope.rng.random() < 0.3:
        place = scope.rng.choice((0, len(lines)))
        if place == 0 or not lines[-1].startswith(" "):
            word = scope.rng.choice(("break", "continue"))
            lines[place:place] = [f"if {make(scope, BOOL, 1)}:", f"    {word}"]
    scope.loops -= 1
    return lines


def count(scope: Scope, depth: int) -> Lines | None:
    """Repeat over a range: up, down, in steps, with bounds that are no constants."""
    if scope.loops > 1:
        return None
    rng, name = scope.rng, scope.make_name()
    small = f"min({make(scope, U64, 1, typed=True)}, 5)"
    spans = (str(rng.randrange(5)), small, f"{rng.randrange(3)}, {small}", "1, 8, 3", "5, 0, -2")
    span = rng.choice(spans)
    before = dict(scope.locals)
    scope.locals[name] = U64
    scope.fixed.add(name)
    lines = [f"for {name} in range({span}):", *indent(make_loop_body(scope, depth))]
    scope.locals = before
    return lines


def iterate(scope: Scope, depth: int) -> Lines | None:
    """Go through a list, which nothing changes meanwhile."""
    lists = [(name, kind) for name, kind in scope.locals.items() if kind.name == "List"]
    if scope.loops > 1 or not lists:
        return None
    source, kind = scope.rng.choice(lists)
    name, before, fixed = scope.make_name(), dict(scope.locals), set(scope.fixed)
    scope.locals[name] = kind.parts[0]
    scope.fixed |= {name, source}
    lines = [f"for {name} in {source}:", *indent(make_loop_body(scope, depth))]
    scope.locals, scope.fixed = before, fixed
    return lines


def repeat(scope: Scope, depth: int) -> Lines | None:
    """Repeat while a condition holds, at most a few times."""
    if scope.loops > 1:
        return None
    name, before = scope.make_name(), dict(scope.locals)
    scope.locals[name] = U64
    scope.fixed.add(name)
    body = [f"{name} += 1", *make_loop_body(scope, depth)]
    head = f"while {name} < {scope.rng.randrange(1, 5)} and {make(scope, BOOL, 1)}:"
    scope.locals = before
    return [f"{name} = u64(0)", head, *indent(body)]


def leave(scope: Scope, depth: int) -> Lines | None:
    """Return early, on a condition."""
    if scope.rng.random() < 0.5:
        return None
    value = "" if scope.returns is None else f" {make(scope, scope.returns, 2)}"
    return [f"if {make(scope, BOOL, 2)}:", f"    return{value}"]


def go_through(scope: Scope, depth: int) -> Lines | None:
    """Go through bytes, or a list of pairs by their parts."""
    pairs = [
        (name, kind.parts[0]) for name, kind in scope.locals.items()
        if kind.name == "List" and kind.parts[0].name == "tuple"
    ]  # fmt: skip
    if scope.loops > 1:
        return None
    before, fixed = dict(scope.locals), set(scope.fixed)
    if pairs:
        source, kind = scope.rng.choice(pairs)
        names = {scope.make_name(): part for part in kind.parts}
    else:
        source = f"{make(scope, Kind('bytes'), 1, typed=True)}[:4]"
        names = {scope.make_name(): Kind("u8")}
    scope.locals |= names
    scope.fixed |= {*names, source}
    lines = [f"for {', '.join(names)} in {source}:", *indent(make_loop_body(scope, depth))]
    scope.locals, scope.fixed = before, fixed
    return lines


SIMPLE: list[Maker] = [
    declare, declare, declare, assign, assign, calculate, remove, grow, grow_stored, unpack,
    exchange, emit, check, call,
    call_remote, pay,
]  # fmt: skip
COMPOUND: list[Maker] = [branch, count, iterate, go_through, repeat, leave]
