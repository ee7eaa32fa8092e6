"""Random contracts: every kind of variable, helpers, events, a few public methods; and calls."""

import random
from dataclasses import dataclass

from tests.contracts.fuzzing import loops, numbers, statements, targets, texts, truths
from tests.contracts.fuzzing.blocks import indent, make_body
from tests.contracts.fuzzing.expressions import U64, make, make_literal
from tests.contracts.fuzzing.kinds import (
    KEYS,
    Kind,
    Value,
    encode,
    pick_kind,
    pick_value,
)
from tests.contracts.fuzzing.scope import Helper, Scope

HEAD = '''"""A random program; see tests/contracts/fuzz.py."""

from quorate.lang import (
    NO_ADDRESS, Address, Contract, Event, Interface, List, Map, Record, TokenSpec, balance,
    burn_token, create_token, ed25519_verify, emit, encode, i64, mint_token, payable, public,
    revert, sha256, token_balance, transfer, transfer_token, u8, u32, u64, u128, view,
)
'''
AIM = """    peer: Address

    @public
    def aim(self, peer: Address) -> None:
        self.peer = peer""".splitlines()
# They fill the lists of ways to make values and statements.
FILLED = (loops, numbers, statements, targets, texts, truths)


@dataclass(frozen=True, slots=True)
class Method:
    """What can be called from outside."""

    name: str
    parameters: tuple[Kind, ...]
    returns: Kind | None
    is_payable: bool


@dataclass(frozen=True, slots=True)
class Program:
    """A contract's source, and what one must know in order to call it.

    With a `peer` its first call must be `aim`, at the peer's address.
    """

    source: str
    methods: tuple[Method, ...]
    peer: "Program | None" = None


@dataclass(frozen=True, slots=True)
class Step:
    """One call: encoded arguments, which may be damaged, and the value that comes along."""

    method: Method
    arguments: tuple[Value, ...]
    data: bytes
    value: int


def make_program(rng: random.Random) -> Program:
    """Write a program, sometimes one that calls another one."""
    if rng.random() < 0.8:
        return make_contract(Scope(rng), "Fuzz")
    peer = make_contract(Scope(rng), "Peer")
    scope = Scope(rng)
    scope.remotes = [
        Helper(each.name, each.parameters, each.returns, is_method=True) for each in peer.methods
    ]
    program = make_contract(scope, "Fuzz")
    return Program(program.source, program.methods, peer)


def make_contract(scope: Scope, name: str) -> Program:
    """Write a contract."""
    rng, lines = scope.rng, [HEAD]
    # Records of another contract have no name here, so a peer does without.
    for number in range(rng.randrange(3) if name == "Fuzz" else 0):
        scope.records.append(make_shape(scope, f"Record{number}"))
        lines += write_shape(scope.records[-1], "Record")
    for number in range(rng.randrange(3)):
        scope.events.append(make_shape(scope, f"Event{number}"))
        lines += write_shape(scope.events[-1], "Event")
    if scope.remotes:
        lines += write_interface(scope)
    lines += make_constants(scope)
    for number in range(rng.randrange(3)):
        lines += ["", "", *make_function(scope, f"helper{number}", is_method=False)]
    if rng.random() < 0.3:
        lines += ["", "", *make_recursive(scope)]
    for number in range(rng.choice((1, 2, 4, 6))):
        scope.variables[f"x{number}"] = make_variable(scope)
    lines += ["", "", f"class {name}(Contract):"]
    lines += [f"    {each}: {kind}" for each, kind in scope.variables.items()]
    lines += AIM if scope.remotes else []
    for number in range(rng.randrange(3)):
        lines += ["", *indent(make_function(scope, f"inner{number}", is_method=True))]
    methods = []
    for number in range(rng.choice((1, 2, 3))):
        text, method = make_method(scope, f"method{number}")
        lines += ["", *indent(text)]
        methods.append(method)
    return Program("\n".join(lines) + "\n", tuple(methods))


def write_interface(scope: Scope) -> list[str]:
    """Return the class that stands for the other contract."""
    lines = ["", "", "class Peer(Interface):"]
    for each in scope.remotes:
        names = [f"p{number}: {kind}" for number, kind in enumerate(each.parameters)]
        lines.append(f"    def {each.name}({', '.join(['self', *names])}) -> {each.returns}: ...")
    return lines


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


def make_constants(scope: Scope) -> list[str]:
    """Write constants of the module."""
    rng, lines = scope.rng, [""]
    for number in range(rng.randrange(4)):
        kind = Kind(rng.choice(("u8", "u32", "u64", "i64", "u128", "bool", "bytes", "str")))
        annotation = f": {kind}" if kind.is_integer or rng.random() < 0.5 else ""
        scope.constants[f"C{number}"] = kind
        lines.append(f"C{number}{annotation} = {make_literal(scope, kind, typed=False)}")
    return lines


def make_recursive(scope: Scope) -> list[str]:
    """Write a function that calls itself a few times, on what it was given."""
    kind, more = (pick_kind(scope.rng, scope.records) for _ in range(2))
    scope.enter_function({"more": more, "given": kind, "depth": U64}, has_self=False)
    head = f"def recur(depth: u64, given: {kind}, more: {more}) -> {kind}:"
    leave = ["if depth == 0:", f"    return {make(scope, kind, 1)}"]
    again = f"recur(depth - 1, {make(scope, kind, 2)}, {make(scope, more, 1)})"
    scope.returns = kind
    lines = [head, *indent([*leave, f"given = {again}", *make_body(scope, 2)])]
    scope.helpers.append(Helper("recur", (U64, kind, more), kind, False, is_recursive=True))
    return lines


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
    """Write a public method, or a view."""
    rng = scope.rng
    returns = pick_kind(rng, scope.records) if rng.random() < 0.8 else None
    parameters = tuple(pick_kind(rng, scope.records) for _ in range(rng.randrange(4)))
    scope.is_view = rng.random() < 0.15
    is_payable = not scope.is_view and rng.random() < 0.3
    text = write_function(scope, name, (parameters, returns), True)
    decorators = ["@view"] if scope.is_view else ["@public", *["@payable"] * is_payable]
    scope.is_view = False
    return [*decorators, *text], Method(name, parameters, returns, is_payable)


def make_steps(rng: random.Random, program: Program, count: int) -> list[Step]:
    """Return calls of a program, one after the other on the same state."""
    steps = []
    for _ in range(count):
        method = rng.choice(program.methods)
        arguments = tuple(pick_value(rng, each) for each in method.parameters)
        may_pay = method.is_payable or rng.random() < 0.05
        pairs = zip(method.parameters, arguments, strict=True)
        data = b"".join(encode(kind, argument) for kind, argument in pairs)
        if rng.random() < 0.08:
            data = damage(rng, data)
        steps.append(Step(method, arguments, data, rng.choice((0, 1, 5)) if may_pay else 0))
    return steps


def damage(rng: random.Random, data: bytes) -> bytes:
    """Return arguments that lack something, have too much, or a bit that is another."""
    way, at = rng.randrange(4), rng.randrange(len(data) + 1)
    if way == 0:
        return data[:at]
    if way == 1:
        return data + rng.randbytes(rng.choice((1, 4, 32)))
    if way == 2 and at < len(data):
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
    return data[:at] + rng.choice((b"", b"\xff", b"\xff\xff\xff\xff", bytes(4))) + data[at + 1 :]
