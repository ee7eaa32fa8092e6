"""Functions made to hurt the engine: many locals, branches, values that stay alive.

Drawn from weights, so that a search can go where it hurts most; all run through to their end.
"""

from random import Random
from typing import Final, NamedTuple

from quorate.core.contracts.wasm import encode_u32
from tests.wasm.assembler import MEMORY_EXPORT, build_body, build_code, build_module

# Global 0 is an i64 that is always 0, global 1 counts calls.
GLOBALS: Final = b"\2\x7e\1\x42\0\x0b\x7f\1\x41\0\x0b"
EXPORTS: Final = b"\3" + MEMORY_EXPORT + b"\1n\3\1" + b"\3run\0\1"
NEVER: Final = b"\x23\0\xa7"  # the i32 0, which the engine does not know
COUNT: Final = b"\x23\1\x41\1\x6a\x24\1"
KINDS: Final = ("loop", "if", "block", "end", "branch", "copy", "rotate", "multiply", "keep")
LOCALS: Final = (1, 2, 8, 20, 50, 100, 200, 300, 600, 1000)
SIZES: Final = (100, 1_000, 3_000, 6_000, 14_000)
DEPTH_MAX: Final = 100


class Recipe(NamedTuple):
    """What a function is drawn from."""

    locals: int
    instructions: int
    weights: tuple[float, ...]


def draw_recipe(rng: Random) -> Recipe:
    """Return a recipe at random."""
    weights = tuple(rng.choice((0, 0.1, 0.3, 1, 3, 10)) for _ in KINDS)
    return Recipe(
        rng.choice(LOCALS), rng.choice(SIZES), (*weights[:1], weights[1] + 0.1, *weights[2:])
    )


def vary(rng: Random, recipe: Recipe) -> Recipe:
    """Return a recipe that differs in one thing."""
    other = draw_recipe(rng)
    kind = rng.randrange(len(KINDS) + 2)
    if kind == len(KINDS):
        return recipe._replace(locals=other.locals)
    if kind > len(KINDS):
        return recipe._replace(instructions=other.instructions)
    weights = list(recipe.weights)
    weights[kind] = other.weights[kind]
    return recipe._replace(weights=tuple(weights))


def build_hostile(rng: Random, recipe: Recipe) -> bytes:
    """Return a module whose function recurses once through a body of this recipe."""
    first = write(rng, recipe, recipe.instructions // 2)
    second = first if rng.random() < 0.5 else write(rng, recipe, recipe.instructions // 2)
    fill = b"".join(b"\x23\0" + _set(each) for each in range(recipe.locals))
    use = b"".join(_get(each) + b"\x24\0" for each in range(recipe.locals))
    body = build_body(COUNT + fill + first + b"\x10\0" + second + use, recipe.locals)
    runs = build_body(b"\x10\0")
    return build_module({3: b"\2\0\0", 6: GLOBALS, 7: EXPORTS, 10: build_code(body, runs)})


def write(rng: Random, recipe: Recipe, instructions: int) -> bytes:
    """Return code of about as many instructions, all blocks closed."""
    writer = _Writer(rng, recipe.locals)
    branches_max = min(1_000, 15_000 // recipe.locals)
    while writer.count < instructions and writer.branches < branches_max:
        writer.add(rng.choices(KINDS, recipe.weights)[0])
        if not sum(recipe.weights[5:]):
            writer.add("copy")
    while writer.open:
        writer.add("end")
    return b"".join(writer.parts)


class _Writer:
    def __init__(self, rng: Random, locals_: int) -> None:
        self.rng, self.locals = rng, locals_
        self.parts: list[bytes] = []
        self.open: list[str] = []
        self.count = self.branches = 0

    def add(self, kind: str) -> None:
        """Add a piece of code."""
        first, second, third = (self.rng.randrange(self.locals) for _ in range(3))
        if kind in ("loop", "if", "block"):
            self._open(kind)
        elif kind == "end":
            self._end()
        elif kind == "branch":
            self._put(NEVER + b"\x0d" + encode_u32(self.rng.randrange(len(self.open) + 1)), 3, 1)
        elif kind == "copy":
            self._put(_get(first) + _set(second), 2)
        elif kind == "rotate":
            for each in range(self.rng.randrange(1, 60)):
                target = (first + each) % self.locals
                code = _get(target) + _get((target + 1) % self.locals) + b"\x7c" + _set(target)
                self._put(code, 4)
        elif kind == "multiply":
            self._put(_get(first) + _get(second) + b"\x7e" + _set(third), 4)
        else:
            factor = encode_u32(self.rng.randrange(64))
            self._put(_get(first) + b"\x42" + factor + b"\x7e" + _get(second) + b"\x85", 5)
            self._put(_set(second), 1)

    def _open(self, kind: str) -> None:
        if len(self.open) >= DEPTH_MAX or (kind == "loop" and self.open.count("loop") >= 20):
            return
        self.open.append(kind)
        code = {"loop": b"\x03\x40", "block": b"\x02\x40", "if": NEVER + b"\x04\x40"}[kind]
        self._put(code, 3, 1)

    def _end(self) -> None:
        if not self.open:
            return
        code = NEVER + b"\x0d\0\x0b" if self.open.pop() == "loop" else b"\x0b"
        self._put(code, 4, 1)

    def _put(self, code: bytes, instructions: int, branches: int = 0) -> None:
        self.parts.append(code)
        self.count += instructions
        self.branches += branches


def _get(local: int) -> bytes:
    return b"\x20" + encode_u32(local)


def _set(local: int) -> bytes:
    return b"\x21" + encode_u32(local)
