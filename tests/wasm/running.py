"""Runs modules under the contract-runner's engine, without a host: for comparisons."""

import functools
from typing import Final, NamedTuple

import wasmtime

from quorate.contracts.engine import Engine

FUEL: Final = 100_000_000


class Outcome(NamedTuple):
    """What a call left: how it ended, and all of its memory."""

    end: str
    memory: bytes


@functools.cache
def get_engine(profile: int) -> wasmtime.Engine:
    """Return the runner's engine of a profile."""
    return Engine(profile)._engine


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
