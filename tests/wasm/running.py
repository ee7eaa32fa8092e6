"""Runs modules under the contract-runner's engine, without a host: for comparisons."""

import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeVar

import wasmtime

from quorate.contracts.engine import Engine

FUEL: Final = 100_000_000
# More than the engine's own bound, or a recursion without our count ends the process.
THREAD_STACK_BYTES: Final = 64 << 20

T = TypeVar("T")


class Outcome(NamedTuple):
    """What a call left: how it ended, and all of its memory."""

    end: str
    memory: bytes


@functools.cache
def get_engine(profile: int) -> wasmtime.Engine:
    """Return the runner's engine of a profile."""
    return Engine(profile)._engine


def run_deep(function: Callable[[], T]) -> T:
    """Return what a function returns that may nest as deep as the engine lets it."""
    before = threading.stack_size(THREAD_STACK_BYTES)
    try:
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(function).result()
    finally:
        threading.stack_size(before)


def compile_module(code: bytes, profile: int) -> wasmtime.Module:
    """Return a compiled module; raises wasmtime.WasmtimeError when the engine refuses it."""
    return wasmtime.Module(get_engine(profile), code)


def run_method(module: wasmtime.Module, profile: int, method: str, *, fuel: int = FUEL) -> Outcome:
    """Call a method in a fresh instance; host functions give 5 or nothing."""
    store = wasmtime.Store(get_engine(profile))
    store.set_limits(memory_size=16 << 20)
    store.set_fuel(fuel)
    try:
        exports = _link(store, module).exports(store)
        end = _call(store, exports[method])
        memory = exports["memory"]
        assert isinstance(memory, wasmtime.Memory)
        return Outcome(end, bytes(memory.read(store)))
    except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
        return Outcome(f"no instance: {error}".split("\n")[0], b"")
    finally:
        store.close()  # the engine has room for few instances at once


def _link(store: wasmtime.Store, module: wasmtime.Module) -> wasmtime.Instance:
    linker = wasmtime.Linker(store.engine)
    for each in module.imports:
        kind = each.type
        assert isinstance(kind, wasmtime.FuncType)
        linker.define_func(each.module, each.name or "", kind, _build_host(len(kind.results)))
    return linker.instantiate(store, module)


def _call(store: wasmtime.Store, function: object) -> str:
    assert isinstance(function, wasmtime.Func)
    try:
        function(store)
    except wasmtime.Trap as trap:
        # An exception that nobody catches has no code.
        return "uncaught" if trap.trap_code is None else trap.trap_code.name
    except wasmtime.WasmtimeError as error:
        return f"error: {str(error).splitlines()[-1].strip()}"
    return "returned"


def _build_host(results: int) -> "functools.partial[int | None]":
    return functools.partial(_answer, results)


def _answer(results: int, *_arguments: object) -> int | None:
    return 5 if results else None
