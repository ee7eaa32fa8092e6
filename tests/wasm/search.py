"""Looks for the worst modules that pass the checker: in time to compile, and in native stack.

`python tests/wasm/search.py --seconds 300 --seed 7 time` (CPU seconds for a module of 60 kB made of
such functions), or `… stack` (bytes of native frame for each slot that our count takes).
"""

# ruff: noqa: E402 -- the path must be right before the first import of our own.
import argparse
import contextlib
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from secrets import randbelow

sys.path[0] = str(Path(__file__).resolve().parents[2])  # so that `tests.…` is found

import wasmtime

from quorate.contracts.engine import WASM_STACK_BYTES
from quorate.core.contracts import limits
from quorate.core.contracts.bodies import Walker
from quorate.core.contracts.instrument import compute_frame_slots, instrument_module
from quorate.core.contracts.module import check_module
from quorate.core.contracts.sections import read_shape
from quorate.core.contracts.shape import PLAIN
from quorate.core.errors import InvalidModule
from tests.wasm.hostile import Recipe, build_hostile, draw_recipe, vary
from tests.wasm.running import compile_module, get_engine, run_deep

FUEL = 1_000_000_000
KEPT = 12  # recipes that new ones are varied from


def measure_time(code: bytes) -> float:
    """Return CPU seconds that the engine takes for 60 kB of this, or what the limits leave."""
    shape = read_shape(code, is_java=False)
    walker = Walker(code, shape)
    weight = sum(walker.walk(number).weight for number in range(len(shape.bodies)))
    changed = instrument_module(code)
    before = get_cpu_seconds()
    compile_module(changed, PLAIN)
    used = get_cpu_seconds() - before
    by_weight = limits.BRANCHES_TIMES_LOCALS_OF_ALL_MAX / max(1, weight)
    return used * max(1, min(limits.CODE_SIZE_BYTES_MAX / len(code), by_weight))


def get_cpu_seconds() -> float:
    """Return what this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure_stack(code: bytes) -> float:
    """Return bytes of the native frame for each slot that its function counts."""
    shape = read_shape(code, is_java=False)
    slots = compute_frame_slots(Walker(code, shape).walk(0))
    with contextlib.closing(wasmtime.Store(get_engine(PLAIN))) as store:
        store.set_fuel(FUEL)
        exports = wasmtime.Instance(store, compile_module(code, PLAIN), []).exports(store)
        run, calls = exports["run"], exports["n"]
        assert isinstance(run, wasmtime.Func) and isinstance(calls, wasmtime.Global)
        try:
            run(store)
        except wasmtime.Trap as trap:
            if trap.trap_code == wasmtime.TrapCode.STACK_OVERFLOW:
                return WASM_STACK_BYTES / int(calls.value(store)) / slots
    return 0


def search(rng: Random, measure: Callable[[bytes], float], seconds: float) -> tuple[int, float]:
    """Return how many functions were measured, and the worst; prints each new worst."""
    best: list[tuple[float, Recipe]] = []
    tries = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        varied = best and rng.random() < 0.7
        recipe = vary(rng, rng.choice(best)[1]) if varied else draw_recipe(rng)
        code = build_hostile(rng, recipe)
        try:
            check_module(code, PLAIN)
        except InvalidModule:
            continue
        tries += 1
        value = measure(code)
        if not best or value > best[0][0]:
            print(f"{value:8.2f}  {len(code):6} bytes  {recipe}", flush=True)
        best = sorted([*best, (value, recipe)], reverse=True)[:KEPT]
    return tries, best[0][0]


def main() -> None:
    """Read the options and do it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=randbelow(65_536))
    parser.add_argument("what", choices=("time", "stack"))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    measure = measure_time if options.what == "time" else measure_stack
    tries, worst = run_deep(lambda: search(Random(options.seed), measure, options.seconds))
    print(f"{tries} functions measured; the worst: {worst:.2f}")


if __name__ == "__main__":
    main()
