"""One engine per profile, and modules to and from compiled artefacts.

An artefact is native code: it is made here and read back here, and never comes from a peer. It is
compiled for the architecture's baseline, whatever this machine's CPU can do beyond that.
"""

import platform
from ctypes import byref, c_void_p
from importlib.metadata import version
from typing import Final, NamedTuple

import wasmtime

from quorate.contracts import native
from quorate.core.codec import U32
from quorate.core.contracts import limits

PLAIN: Final = 0
JAVA: Final = 1
PROFILES: Final = (PLAIN, JAVA)
VERSION: Final = f"wasmtime-{version('wasmtime')}-{platform.machine()}"
"""What artefacts depend on beside the code: the engine, and this project's settings of it."""

MIB: Final = 1024 * 1024
WASM_STACK_BYTES: Final = 8 * MIB
"""Of one contract's call; the modules' own count of their depth ends long before."""
NESTED_MAX: Final = 9
"""Contracts that can run at a time, one within the other, and one to spare."""
PAGE_BYTES: Final = 65_536
_MEMORY_SECTION: Final = 5
# A pool of slots for instances: a fresh instance costs 14 µs instead of 120. What a call touched
# of the first pages is cleaned by hand, more than that by the kernel.
_RESIDENT_BYTES: Final = 2 * PAGE_BYTES
_POOL: Final = {
    "total_core_instances": NESTED_MAX,
    # One for a contract, one for what its garbage-collected values live in.
    "total_memories": 2 * NESTED_MAX,
    "total_gc_heaps": NESTED_MAX,
    "max_memory_size": limits.PAGES_MAX * PAGE_BYTES,
    "linear_memory_keep_resident": _RESIDENT_BYTES,
    "total_tables": limits.TABLES_MAX * NESTED_MAX,
    "max_tables_per_module": limits.TABLES_MAX,
    "table_elements": limits.TABLE_SIZE_MAX,
    "table_keep_resident": PAGE_BYTES,
}


class BadModule(Exception):
    """The engine refuses to compile a module; the text says why."""


class Artefact(NamedTuple):
    """A compiled module, and how many pages of memory an instance starts with."""

    pages: int
    compiled: bytes

    def encode(self) -> bytes:
        """Return it as bytes."""
        return U32.pack(self.pages) + self.compiled

    @classmethod
    def decode(cls, data: bytes) -> "Artefact":
        """Return what `encode` gave."""
        return cls(U32.unpack_from(data)[0], data[U32.size :])


class Engine:
    """Compiles and loads modules of one profile."""

    def __init__(self, profile: int) -> None:
        self.profile = profile
        self._engine = wasmtime.Engine(_build_config(profile))
        self.address = native.address_of(self._engine.ptr())

    def compile(self, code: bytes) -> Artefact:
        """Return the artefact of an instrumented module; raises BadModule."""
        module = c_void_p()
        failed = native.module_new(self.address, code, len(code), byref(module))
        if failed:
            raise BadModule(native.take_error(failed))
        try:
            out = native.Bytes()
            failed = native.module_serialize(module, byref(out))
            assert not failed, native.take_error(failed)
            return Artefact(_find_pages(code), native.take_bytes(out))
        finally:
            native.module_delete(module)

    def load(self, compiled: bytes) -> int:
        """Return the address of a module; the caller frees it. Raises BadModule: another engine's.

        Only for what `compile` gave: anything else may do whatever it likes to this process.
        """
        module = c_void_p()
        failed = native.module_deserialize(self.address, compiled, len(compiled), byref(module))
        if failed:
            raise BadModule(native.take_error(failed))
        assert module.value
        return module.value


def _build_config(profile: int) -> wasmtime.Config:
    config = wasmtime.Config()
    is_java = profile == JAVA
    config.target = f"{platform.machine()}-unknown-linux-gnu"
    config.consume_fuel = True
    config.cranelift_nan_canonicalization = True
    # The relaxed kind first: the engine panics on it without the plain kind.
    config.wasm_relaxed_simd = False
    config.wasm_simd = False
    native.set_component_async(native.address_of(config.ptr()), False)
    config.wasm_component_model = False
    config.wasm_threads = False
    config.shared_memory = False
    config.wasm_tail_call = False
    config.wasm_memory64 = False
    config.wasm_multi_memory = False
    config.wasm_custom_page_sizes = False
    config.wasm_stack_switching = False
    config.wasm_wide_arithmetic = True
    config.wasm_gc = is_java
    config.wasm_function_references = is_java
    config.wasm_exceptions = is_java
    # What compilers emit needs it in form only: the checker refuses what it adds.
    config.wasm_reference_types = True
    address = native.address_of(config.ptr())
    native.set_parallel(address, False)
    native.set_may_move(address, False)
    # The one bound holds the other, though nothing here is asynchronous.
    native.set_async_stack(address, 2 * WASM_STACK_BYTES)
    config.max_wasm_stack = WASM_STACK_BYTES
    _give_pool(address)
    return config


def _give_pool(config: int) -> None:
    pool = int(native.pool_new())
    for name, value in _POOL.items():
        native.bound_pool(pool, name, value)
    native.set_pool(config, pool)
    native.pool_delete(pool)


def _find_pages(code: bytes) -> int:
    """Return the initial pages of a module's memory; 0 when it defines none."""
    at = 8
    while at < len(code):
        section = code[at]
        size, at = _read_number(code, at + 1)
        if section == _MEMORY_SECTION:
            count, inside = _read_number(code, at)
            return _read_number(code, inside + 1)[0] if count else 0
        at += size
    return 0


def _read_number(code: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = code[at]
        value |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
        if byte < 128:
            return value, at


def make_functype(params: str, result: str) -> tuple[int, object]:
    """Return the address of a function type given as letters (i: i32, I: i64, D: f64), and what
    keeps it alive.
    """
    kinds = {"i": wasmtime.ValType.i32, "I": wasmtime.ValType.i64, "D": wasmtime.ValType.f64}
    found = wasmtime.FuncType(
        [kinds[each]() for each in params], [kinds[each]() for each in result]
    )
    return native.address_of(found.ptr()), found
