"""Random statements that declare, check, tell and call."""

from tests.contracts.fuzzing.blocks import DEPTH, SIMPLE, Lines
from tests.contracts.fuzzing.expressions import (
    ADDRESS,
    BOOL,
    BYTES,
    STR,
    U64,
    make,
    write_call,
    write_remote,
)
from tests.contracts.fuzzing.kinds import Kind, pick_kind
from tests.contracts.fuzzing.scope import Scope


def declare(scope: Scope, depth: int) -> Lines | None:
    """Name a new local, with its type or without."""
    kind = pick_kind(scope.rng, scope.records)
    plain = scope.rng.random() < 0.3
    text = make(scope, kind, DEPTH, typed=plain)
    name = scope.make_name()
    scope.locals[name] = kind
    return [f"{name} = {text}" if plain else f"{name}: {kind} = {text}"]


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
    text = write_call(scope, helper, 1)
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


def coin(scope: Scope, depth: int) -> Lines | None:
    """Make a native token, hand some of it out, count it."""
    if not scope.may_write or scope.loops > 0 or scope.rng.random() < 0.6:
        return None
    token, count = scope.make_name(), scope.make_name()
    amount = make(scope, U64, 1, typed=True)
    spec = f'"ABC", {make(scope, STR, 0)} + "x", {scope.rng.randrange(20)}, 0'
    scope.locals |= {token: ADDRESS, count: U64}
    moves = [
        f"mint_token({token}, self.caller, min({amount}, 5) + 1)",
        f"transfer_token({token}, self.caller, {scope.rng.choice((1, 3, 11))})",
        f"burn_token({token}, {scope.rng.choice((1, 3, 11))})",
    ]
    return [
        f"{token} = create_token(TokenSpec({spec}, 10, {make(scope, BOOL, 0)}, False))",
        scope.rng.choice(moves),
        f"{count} = token_balance({token}, {make(scope, ADDRESS, 0)})",
    ]


def verify(scope: Scope, depth: int) -> Lines | None:
    """Check a signature, which can't be right; its parts may have the wrong size."""
    if scope.rng.random() < 0.7:
        return None
    name = scope.make_name()
    key, signature = scope.rng.choice((32, 32, 0, 31)), scope.rng.choice((64, 64, 0, 65))
    parts = f"bytes({key}), bytes({signature}), {make(scope, BYTES, 1)}"
    scope.locals[name] = BOOL
    return [f"{name} = ed25519_verify({parts})"]


SIMPLE += [
    declare, declare, declare, emit, emit, check, call, call_remote, pay, coin, verify,
]  # fmt: skip
