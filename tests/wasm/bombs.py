"""Modules made by hand to take the engine long, each as large as the limits allow.

`python tests/wasm/bombs.py` prints CPU seconds to check, to instrument and to compile each.
tests/wasm/search.py looks for worse ones at random.
"""

# ruff: noqa: E402 -- the path must be right before the first import of our own.
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

sys.path[0] = str(Path(__file__).resolve().parents[2])  # so that `tests.…` is found

import wasmtime

from quorate.core.contracts import limits
from quorate.core.contracts.instrument import instrument_module
from quorate.core.contracts.module import check_module
from quorate.core.contracts.shape import JAVA, PLAIN
from quorate.core.errors import InvalidModule
from tests.wasm.running import compile_module
from tests.wasm.search import get_cpu_seconds

ZERO = "(i32.wrap_i64 (global.get $zero))"  # which the engine does not know
COMMON = '(memory (export "memory") 1) (global $zero (mut i64) (i64.const 0)) (table 1 funcref)'
JAVA_TYPES = """(type $s (struct (field (mut i32)) (field (mut i64))))
  (type $t (sub (struct (field (mut i32))))) (type $u (sub $t (struct (field (mut i32)))))
  (type $a (array (mut i32))) (type $f (func)) (tag $x (param i64))
  (global $gs (mut (ref null $s)) (ref.null $s)) (global $gt (mut (ref null $t)) (ref.null $t))
  (global $ga (mut (ref null $a)) (ref.null $a)) (global $gf (mut (ref null $f)) (ref.null $f))"""


class Bomb(NamedTuple):
    """A piece of code that is repeated as often as the limits allow, between two others."""

    name: str
    profile: int
    piece: str
    before: str = ""
    after: str = ""
    locals: int = 0


def write_locals(count: int, code: str) -> str:
    """Return code for each local; `{0}` is its number, `{1}` the next one's."""
    return " ".join(code.format(each, (each + 1) % count) for each in range(count))


def list_bombs() -> Iterator[Bomb]:
    """Yield them, plain ones first."""
    yield Bomb("ifs", PLAIN, f"(if {ZERO} (then))")
    yield Bomb("loops", PLAIN, f"(loop (br_if 0 {ZERO}))")
    yield Bomb("loops without a branch", PLAIN, "(loop)")
    yield Bomb("calls", PLAIN, "(call 0)")
    yield Bomb("calls through a table", PLAIN, "(call_indirect (i32.const 0))")
    yield Bomb("memory.grow", PLAIN, "(drop (memory.grow (i32.const 0)))")
    yield Bomb("memory.fill", PLAIN, "(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))")
    yield Bomb("divisions", PLAIN, f"(drop (i32.div_u {ZERO} {ZERO}))")
    for count in (30, 100, 300, 900):
        fill, use = (
            write_locals(count, code)
            for code in ("(local.set {0} (global.get $zero))", "(global.set $zero (local.get {0}))")
        )
        turn = write_locals(count, "(local.set {0} (i64.add (local.get {0}) (local.get {1})))")
        nest = 20 if count < 500 else 10
        loops = "(loop " * nest + turn + f"(br_if 0 {ZERO}))" * nest
        joins = f"(if {ZERO} (then {turn}))"
        yield Bomb(f"loops that change {count} locals", PLAIN, loops, fill, use, count)
        yield Bomb(f"branches that change {count} locals", PLAIN, joins, fill, use, count)
    yield Bomb("structures", JAVA, "(global.set $gs (struct.new_default $s))")
    yield Bomb("arrays", JAVA, "(global.set $ga (array.new_default $a (i32.const 5)))")
    copy = "(array.copy $a $a (global.get $ga) (i32.const 1) (global.get $ga) (i32.const 1)"
    yield Bomb("copies of arrays", JAVA, f"{copy} (i32.const 1))")
    yield Bomb("casts", JAVA, "(drop (ref.cast (ref $u) (global.get $gt)))")
    yield Bomb("globals of references", JAVA, "(global.set $gs (global.get $gs))")
    yield Bomb("throws", JAVA, f"(if {ZERO} (then (throw $x (i64.const 1))))")
    tried = "(block $h (try_table (catch_all $h) (call_ref $f (global.get $gf))))"
    yield Bomb("handlers", JAVA, tried)


def build(bomb: Bomb, times: int, functions: int) -> bytes:
    """Return a module of some equal functions, each with the piece some times."""
    kinds = f"(local {'i64 ' * bomb.locals})" if bomb.locals else ""
    function = f"(func {kinds} {bomb.before} {bomb.piece * times} {bomb.after})"
    types = JAVA_TYPES if bomb.profile == JAVA else ""
    return bytes(wasmtime.wat2wasm(f"(module {types} {COMMON} {function * functions})"))


def fill_module(bomb: Bomb) -> bytes:
    """Return about the largest module of a bomb that passes the checker."""
    times = find_most(lambda count: build(bomb, count, 1), bomb.profile)
    functions = find_most(lambda count: build(bomb, times, count), bomb.profile)
    return build(bomb, times, functions)


def find_most(build_of: Callable[[int], bytes], profile: int) -> int:
    """Return the largest count whose module passes the checker, by halving; at least 1."""
    each = len(build_of(2)) - len(build_of(1))
    low, high = 1, limits.CODE_SIZE_BYTES_MAX // each + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if passes(build_of(middle), profile) else (low, middle)
    return low


def passes(code: bytes, profile: int) -> bool:
    """Tell whether a module passes the checker."""
    try:
        check_module(code, profile)
    except InvalidModule:
        return False
    return True


def main() -> None:
    """Measure all."""
    print("   bytes   check  instrument  compile  (CPU seconds)")
    for bomb in list_bombs():
        code = fill_module(bomb)
        times = [get_cpu_seconds()]
        check_module(code, bomb.profile)
        times.append(get_cpu_seconds())
        changed = instrument_module(code)
        times.append(get_cpu_seconds())
        compile_module(changed, bomb.profile)
        times.append(get_cpu_seconds())
        check, instrument, compiling = (b - a for a, b in pairwise(times))
        print(f"{len(code):8}   {check:.3f}       {instrument:.3f}    {compiling:.3f}  {bomb.name}")


if __name__ == "__main__":
    main()
