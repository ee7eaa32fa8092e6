"""Random typed expressions give the same under CPython and compiled: value, failure, line."""

import random

import pytest

from quorate.lang.types import INTS, Int
from tests.conftest import SEED
from tests.unit.quorate.lang.pair import Pair, make_source

METHODS = 6
CALLS = 6
ARITHMETIC = ("+", "-", "*", "//", "%", "&", "|", "^")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


def choose_number(rng: random.Random, kind: Int) -> int:
    """Return a number of a type, mostly near a bound of some type."""
    edges = [0, 1, 2, 7, 255, 2**32 - 1, 2**63 - 1, 2**64 - 1, 2**127, 2**128 - 1, 2**64]
    value = rng.choice(edges) + rng.randint(-2, 2) if rng.random() < 0.7 else rng.getrandbits(128)
    value = -value if kind.is_signed and rng.random() < 0.5 else value
    return (
        value
        if kind.holds(value)
        else rng.randint(kind.smallest, kind.largest) >> rng.choice((0, 3, kind.bits // 2))
    )


def make_number(rng: random.Random, kind: Int, depth: int) -> str:
    """Return an expression of an integer type."""
    if depth == 0 or rng.random() < 0.15:
        choices = [f"{kind.name}_{i}" for i in range(2)]
        return rng.choice([*choices, f"{kind.name}({choose_number(rng, kind)})"])

    def make(wanted: Int = kind) -> str:
        return make_number(rng, wanted, depth - 1)

    other = rng.choice(list(INTS.values()))
    forms = [
        f"({make()} {rng.choice(ARITHMETIC)} {make()})",
        f"({make()} {rng.choice(ARITHMETIC)} {make()})",
        f"({make()} {rng.choice(('<<', '>>', '**'))} {make(INTS['u8'])})",
        f"({make()} if {make_test(rng, depth - 1)} else {make()})",
        f"{rng.choice(('min', 'max'))}({make()}, {make()}, {make()})",
        f"{kind.name}({make(other)})",
        f"sum([{make()}, {make()}])",
        f"[{make()}, {make()}][{make(INTS['u8'])} % 3]",
    ]
    if kind.is_signed:
        forms += [f"(-{make()})", f"(~{make()})", f"abs({make()})"]
    return rng.choice(forms)


def make_test(rng: random.Random, depth: int) -> str:
    """Return an expression of type bool."""
    kind = rng.choice(list(INTS.values()))
    sides = [make_number(rng, kind, max(0, depth - 1)) for _ in range(3)]
    first, second = rng.choice(COMPARISONS), rng.choice(COMPARISONS)
    forms = [
        f"({sides[0]} {first} {sides[1]})",
        f"({sides[0]} {first} {sides[1]} {second} {sides[2]})",
        f"(str({sides[0]}) {first} str({sides[1]}))",
        f"({sides[0]} in [{sides[1]}, {sides[2]}])",
    ]
    if depth > 0:
        inner = [make_test(rng, depth - 1) for _ in range(2)]
        forms += [f"({inner[0]} {rng.choice(('and', 'or'))} not {inner[1]})"]
    return rng.choice(forms)


@pytest.mark.parametrize("number", range(2))
def test_random_expressions_agree(number: int) -> None:
    rng = random.Random(f"{SEED}/{number}")
    names = [f"{kind}_{i}" for kind in INTS for i in range(2)]
    parameters = ", ".join(f"{name}: {name.partition('_')[0]}" for name in names)
    kinds = [rng.choice(list(INTS.values())) for _ in range(METHODS)]
    methods = "\n".join(
        f"@public\ndef run{i}(self, {parameters}) -> {kind.name}:\n"
        f"    return {make_number(rng, kind, 3)}\n"
        for i, kind in enumerate(kinds)
    )
    pair = Pair(make_source(methods))
    for i in range(METHODS):
        for _ in range(CALLS):
            given = [choose_number(rng, INTS[name.partition("_")[0]]) for name in names]
            pair.call(f"run{i}", *given)
