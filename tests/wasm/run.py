"""Damaged modules against the checker, and what passes against the engine.

`python tests/wasm/run.py --mutants 100000 --seed 7 --jobs 2 [module.wasm …]`. Each mutant is
refused with a byte offset, or passes; what passes is instrumented and compiled, and what compiles
is run with little fuel, both as it was and with our counts: memory must be the same afterwards.
Nothing may crash, hang or raise anything else. The work is done in children: one that dies or
takes too long is found, named by its seed, and fails the run.
"""

# ruff: noqa: E402 -- the path must be right before the first import of our own.
import argparse
import collections
import json
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from secrets import randbelow

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)  # so that `tests.…` is found

import wasmtime

from quorate.core.contracts.instrument import instrument_module
from quorate.core.contracts.module import check_module
from quorate.core.contracts.shape import JAVA, PLAIN
from quorate.core.errors import InvalidModule
from tests.wasm.mutations import mutate
from tests.wasm.programs import build_java, build_plain
from tests.wasm.running import compile_module, run_deep, run_method

FUEL = 1_000_000
# Where the two may differ: fuel is counted otherwise, and depth is ended by our count.
ENDS_OF_OUR_COUNTS = {"OUT_OF_FUEL", "STACK_OVERFLOW"}
SLOWEST = "CPU ms of the slowest"
WRONG_OFFSET = "WRONG OFFSET"
WRONG_OUTCOME = "WRONG OUTCOME"
SLICE = 500  # mutants of one child
SLICE_SECONDS_MAX = 300


def do_slice(seed: int, count: int, paths: list[str]) -> dict[str, float]:
    """Do `count` mutants of a seed in this process; return what came of them."""
    rng = Random(seed)
    corpus = [build_plain(), build_java(), *(Path(path).read_bytes() for path in paths)]
    done: dict[str, float] = collections.Counter()
    for _ in range(count):
        code = mutate(rng, rng.choice(corpus), rng.choice(corpus))
        profile = rng.choice((PLAIN, JAVA))
        started = time.thread_time()
        what = try_mutant(code, profile)
        seconds = time.thread_time() - started
        done[what] += 1
        done[SLOWEST] = max(done[SLOWEST], round(seconds * 1000))
    return dict(done)


def try_mutant(code: bytes, profile: int) -> str:
    """Return how far a module gets: refused, compiled … or run."""
    try:
        module = check_module(code, profile)
    except InvalidModule as error:
        return "refused by the checker" if 0 <= error.offset <= len(code) else WRONG_OFFSET
    changed = instrument_module(code)
    try:
        compiled = compile_module(changed, profile)
    except wasmtime.WasmtimeError:
        return "refused by the engine"
    plain = compile_module(code, profile)
    for method in module.methods:
        outcome = run_method(compiled, profile, method, fuel=FUEL)
        before = run_method(plain, profile, method, fuel=FUEL)
        if outcome != before and not {outcome.end, before.end} & ENDS_OF_OUR_COUNTS:
            return WRONG_OUTCOME
    return "ran"


def run_slices(seed: int, count: int, jobs: int, paths: list[str]) -> dict[str, float]:
    """Do all mutants in children, `jobs` at a time; raises RuntimeError for one that fails."""
    total: dict[str, float] = collections.Counter()
    waiting = [(seed + each, min(SLICE, count - each)) for each in range(0, count, SLICE)]
    running: list[tuple[int, int, subprocess.Popen[str]]] = []
    while waiting or running:
        while waiting and len(running) < jobs:
            first, size = waiting.pop()
            command = [sys.executable, __file__, "--child", str(first), str(size), *paths]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            running.append((first, size, process))
        first, size, process = running.pop(0)
        add(total, finish(process, f"--child {first} {size}"))
    for wrong in (WRONG_OFFSET, WRONG_OUTCOME):
        if total[wrong]:
            raise RuntimeError(f"{wrong}: {total[wrong]:.0f} of the mutants")
    return total


def finish(process: "subprocess.Popen[str]", name: str) -> dict[str, float]:
    """Return what a child found; raises RuntimeError when it crashed, failed or hung."""
    try:
        out, _ = process.communicate(timeout=SLICE_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        raise RuntimeError(f"{name}: took too long") from None
    if process.returncode:
        raise RuntimeError(f"{name}: ended with {process.returncode}")
    found: dict[str, float] = json.loads(out)
    return found


def add(total: dict[str, float], found: dict[str, float]) -> None:
    """Add what a child found."""
    for what, value in found.items():
        total[what] = max(total[what], value) if what == SLOWEST else total[what] + value


def main() -> None:
    """Read the options and do it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=1_500)
    parser.add_argument("--seed", type=int, default=randbelow(65_536))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--child", nargs=2, type=int, help=argparse.SUPPRESS)
    parser.add_argument("modules", nargs="*")
    options = parser.parse_args()
    if options.child:
        print(json.dumps(run_deep(lambda: do_slice(*options.child, options.modules))))
        return
    print(f"seed {options.seed}", flush=True)
    started = time.monotonic()
    total = run_slices(options.seed, options.mutants, options.jobs, options.modules)
    print(f"{options.mutants} mutants in {time.monotonic() - started:.0f} s")
    for what, value in sorted(total.items()):
        print(f"  {what}: {value:.0f}")


if __name__ == "__main__":
    main()
