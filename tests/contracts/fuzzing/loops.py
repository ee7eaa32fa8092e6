"""Random branches and loops; loops that end."""

from tests.contracts.fuzzing.blocks import COMPOUND, SIMPLE, Lines, indent, make_block
from tests.contracts.fuzzing.expressions import BOOL, U64, make
from tests.contracts.fuzzing.kinds import Kind, pick_kind
from tests.contracts.fuzzing.scope import Scope


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
    """Go through a list, which may grow meanwhile under another name."""
    lists = [(name, kind) for name, kind in scope.locals.items() if kind.name == "List"]
    if scope.loops > 1 or not lists:
        return None
    source, kind = scope.rng.choice(lists)
    name, before, fixed = scope.make_name(), dict(scope.locals), set(scope.fixed)
    scope.locals[name] = kind.parts[0]
    scope.fixed |= {name, source}
    end = [f"if len({source}) > 20:", "    break"]
    lines = [f"for {name} in {source}:", *indent([*end, *make_loop_body(scope, depth)])]
    scope.locals, scope.fixed = before, fixed
    return lines


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
    end = [f"if len({source}) > 20:", "    break"]
    body = indent([*end, *make_loop_body(scope, depth)])
    lines = [f"for {', '.join(names)} in {source}:", *body]
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


def step(scope: Scope, depth: int) -> Lines | None:
    """Repeat over a range of another type than u64, down or up, in steps."""
    if scope.loops > 1:
        return None
    kind, name = Kind(scope.rng.choice(("i64", "u8", "u32"))), scope.make_name()
    low, high = (make(scope, kind, 1, typed=True) for _ in range(2))
    size, seen = scope.rng.choice((1, 1, 2, 5, -1, -3)), scope.make_name()
    before = dict(scope.locals)
    scope.locals |= {name: kind, seen: U64}
    scope.fixed |= {name, seen}
    body = [f"{seen} += 1", f"if {seen} > 6:", "    break", *make_loop_body(scope, depth)]
    scope.locals = before
    head = f"for {name} in range({low}, {high}, {size}):"
    return [f"{seen} = u64(0)", head, *indent(body)]


def circle(scope: Scope, depth: int) -> Lines | None:
    """Repeat for ever, but for a break."""
    if scope.loops > 1:
        return None
    name, before = scope.make_name(), dict(scope.locals)
    scope.locals[name] = U64
    scope.fixed.add(name)
    body = [f"if {name} >= {scope.rng.randrange(4)}:", "    break", f"{name} += 1"]
    body += make_loop_body(scope, depth)
    scope.locals = before
    return [f"{name} = u64(0)", "while True:", *indent(body)]


def decide(scope: Scope, depth: int) -> Lines | None:
    """Give a new local its value in one of two branches."""
    kind, name = pick_kind(scope.rng, scope.records), scope.make_name()
    first, second = (make(scope, kind, 2, typed=True) for _ in range(2))
    lines = [f"if {make(scope, BOOL, 2)}:", f"    {name} = {first}"]
    if scope.rng.random() < 0.3:
        lines += ["else:", '    revert("undecided")']
    else:
        lines += ["else:", f"    {name} = {second}"]
    scope.locals[name] = kind
    return lines


SIMPLE.append(decide)
COMPOUND += [branch, branch, count, iterate, go_through, repeat, leave, step, circle]
