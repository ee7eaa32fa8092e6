"""A small chain that runs one contract, until the machine of the contracts service is here."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import wasmtime as wasm

_I32, _I64 = wasm.ValType.i32(), wasm.ValType.i64()
ALICE, BOB, CONTRACT = b"A" * 32, b"B" * 32, b"C" * 32
FUEL = 1_000_000_000


class Reverted(Exception):
    """The contract ended the transaction itself."""


class Chain:
    """State, and what one call can ask for."""

    def __init__(self, code: bytes, *, java: bool = False) -> None:
        config = wasm.Config()
        config.consume_fuel = True
        config.cranelift_nan_canonicalization = True
        config.wasm_relaxed_simd = False
        config.wasm_simd = False
        config.wasm_gc = java
        config.wasm_function_references = java
        config.wasm_exceptions = java
        self.engine = wasm.Engine(config)
        self.module = wasm.Module(self.engine, code)
        self.state: dict[bytes, bytes] = {}
        self.events: list[tuple[str, bytes]] = []
        self.value = 0
        self.fuel_used = 0

    def call(self, method: str, arguments: bytes = b"", caller: bytes = ALICE) -> bytes:
        """Run a method; its changes last unless it fails."""
        before, events = dict(self.state), list(self.events)
        self.arguments, self.caller, self.result = arguments, caller, b""
        store = wasm.Store(self.engine)
        store.set_fuel(FUEL)
        linker = wasm.Linker(self.engine)
        self._define(linker)
        try:
            instance = linker.instantiate(store, self.module)
            self.memory, self.store = instance.exports(store)["memory"], store
            instance.exports(store)[method](store)
        except Exception:
            self.state, self.events = before, events
            raise
        self.fuel_used = FUEL - store.get_fuel()
        return self.result

    def _read(self, at: int, size: int) -> bytes:
        return bytes(self.memory.read(self.store, at, at + size))

    def _write(self, at: int, data: bytes) -> None:
        self.memory.write(self.store, data, at)

    def _define(self, linker: wasm.Linker) -> None:
        def define(name: str, take: str, give: str, body: Callable[..., Any]) -> None:
            kinds = {"i": _I32, "l": _I64}
            linker.define_func(
                "quorate",
                name,
                wasm.FuncType([kinds[k] for k in take], [kinds[k] for k in give]),
                body,
            )

        define("input_size", "", "i", lambda: len(self.arguments))
        define("input", "i", "", lambda at: self._write(at, self.arguments))
        define("output", "ii", "", self._output)
        define("load", "iiii", "i", self._load)
        define("store", "iiii", "", self._store)
        define("caller", "i", "", lambda at: self._write(at, self.caller))
        define("origin", "i", "", lambda at: self._write(at, self.caller))
        define("self", "i", "", lambda at: self._write(at, CONTRACT))
        define("value", "", "l", lambda: self.value)
        define("height", "", "l", lambda: 7)
        define("time_ms", "", "l", lambda: 1_700_000_000_000)
        define("emit", "iiii", "", self._emit)
        define("sha256", "iii", "", self._sha256)
        define("revert", "iii", "", self._revert)

    def _output(self, at: int, size: int) -> None:
        self.result = self._read(at, size)

    def _load(self, key: int, key_size: int, out: int, room: int) -> int:
        value = self.state.get(self._read(key, key_size))
        if value is None:
            return -1
        if len(value) <= room:
            self._write(out, value)
        return len(value)

    def _store(self, key: int, key_size: int, at: int, size: int) -> None:
        if size:
            self.state[self._read(key, key_size)] = self._read(at, size)
        else:
            self.state.pop(self._read(key, key_size), None)

    def _emit(self, name: int, name_size: int, at: int, size: int) -> None:
        self.events.append((self._read(name, name_size).decode(), self._read(at, size)))

    def _sha256(self, at: int, size: int, out: int) -> None:
        self._write(out, hashlib.sha256(self._read(at, size)).digest())

    def _revert(self, at: int, size: int, line: int) -> None:
        raise Reverted(self._read(at, size).decode())


def read(path: Path) -> bytes:
    """A built module."""
    return path.read_bytes()
