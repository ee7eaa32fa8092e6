"""Random contracts: every kind of variable, helpers, events, a few public methods; and calls."""

import random
from dataclasses import dataclass

from tests.contracts.fuzzing import numbers, texts, truths
from tests.contracts.fuzzing.kinds import (
    KEYS,
    Kind,
    Value,
    pick_kind,
    pick_value,
)
from tests.contracts.fuzzing.scope import Helper, Scope
from tests.contracts.fuzzing.statements import indent, make_body

HEAD = '''"""A random program; see tests/contracts/fuzz.py."""

from quorate.lang import (
    NO_ADDRESS, Address, Contract, Event, List, Map, Record, emit, encode, i64, public, revert,
    sha256, u8, u32, u64, u128,
)
'''
# They fill the list of ways to make a value.
FILLED = (numbers, texts, truths)


@dataclass(frozen=True, slots=True)
class Method:
    """What can be called from outside."""

    name: str
    parameters: tuple[Kind, ...]
    returns: Kind | None


@dataclass(frozen=True, slots=True)
class Program:
    """A contract's source, and what one must know in order to call it."""

    source: str
    methods: tuple[Method, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One call; its arguments as Python values, and once more as an encoding."""

    method: Method
    arguments: tuple[Value, ...]


def make_program(rng: random.Random) -> Program:
    """Write a program."""
    scope = Scope(rng)
    lines = [HEAD]
    for number in range(rng.randrange(3)):
        scope.records.append(make_shape(scope, f"Record{number}"))
        lines += write_shape(scope.records[-1], "Record")
    for number in range(rng.randrange(3)):
        scope.events.append(make_shape(scope, f"Event{number}"))
        lines += write_shape(scope.events[-1], "Event")
    for number in range(rng.randrange(3)):
        lines += ["", "", *make_function(scope, f"helper{number}", is_method=False)]
    for number in range(rng.choice((1, 2, 4, 6))):
        scope.variables[f"x{number}"] = make_variable(scope)
    lines += ["", "", "class Fuzz(Contract):"]
    lines += [f"    {name}: {kind}" for name, kind in scope.variables.items()]
    for number in range(rng.randrange(3)):
        lines += ["", *indent(make_function(scope, f"inner{number}", is_method=True))]
    methods = []
    for number in range(rng.choice((1, 2, 3))):
        text, method = make_method(scope, f"method{number}")
        lines += ["", *indent(text)]
        methods.append(method)
    return Program("\n".join(lines) + "\n", tuple(methods))


def make_shape(scope: Scope, name: str) -> Kind:
    """Return a record or an event with random fields."""
    parts = tuple(pick_kind(scope.rng, [], 1) for _ in range(scope.rng.choice((1, 2, 3, 4))))
    return Kind(name, parts, tuple(f"f{number}" for number in range(len(parts))))


def write_shape(kind: Kind, base: str) -> list[str]:
    """Return the class of a record or an event."""
    fields = [f"    {n}: {p}" for n, p in zip(kind.fields, kind.parts, strict=True)]
    return ["", "", f"class {kind.name}({base}):", *fields]


def make_variable(scope: Scope) -> Kind:
    """Return a variable's type, often a map."""
    rng = scope.rng
    if rng.random() < 0.5:
        return pick_kind(rng, scope.records)
    inner = pick_kind(rng, scope.records)
    if rng.random() < 0.3:
        inner = Kind("Map", (pick_key(rng), inner))
    return Kind("Map", (pick_key(rng), inner))


def pick_key(rng: random.Random) -> Kind:
    """Return a type that a map's key may have, sometimes a pair."""
    if rng.random() < 0.8:
        return Kind(rng.choice(KEYS))
    return Kind("tuple", (Kind(rng.choice(KEYS)), Kind(rng.choice(KEYS))))


def make_function(scope: Scope, name: str, is_method: bool) -> list[str]:
    """Write a helper, and note that it can be called from now on."""
    rng = scope.rng
    returns = pick_kind(rng, scope.records) if rng.random() < 0.8 else None
    parameters = tuple(pick_kind(rng, scope.records) for _ in range(rng.randrange(4)))
    text = write_function(scope, name, (parameters, returns), is_method)
    scope.helpers.append(Helper(name, parameters, returns, is_method))
    return text


def write_function(
    scope: Scope, name: str, shape: tuple[tuple[Kind, ...], Kind | None], has_self: bool
) -> list[str]:
    """Return the text of a function."""
    parameters, scope.returns = shape
    names = {f"p{number}": kind for number, kind in enumerate(parameters)}
    scope.enter_function(names, has_self)
    listed = ["self"] * has_self + [f"{each}: {kind}" for each, kind in names.items()]
    head = f"def {name}({', '.join(listed)}) -> {scope.returns}:"
    return [head, *indent(make_body(scope, scope.rng.choice((1, 2, 4, 7))))]


def make_method(scope: Scope, name: str) -> tuple[list[str], Method]:
    """Write a public method."""
    rng = scope.rng
    returns = pick_kind(rng, scope.records) if rng.random() < 0.8 else None
    parameters = tuple(pick_kind(rng, scope.records) for _ in range(rng.randrange(4)))
    text = write_function(scope, name, (parameters, returns), True)
    return ["@public", *text], Method(name, parameters, returns)


def make_steps(rng: random.Random, program: Program, count: int) -> list[Step]:
    """Return calls of a program, one after the other on the same state."""
    steps = []
    for _ in range(count):
        method = rng.choice(program.methods)
        steps.append(Step(method, tuple(pick_value(rng, each) for each in method.parameters)))
    return steps
