"""The engine's C interface, as far as the machine needs it: plain addresses, no wrapper objects.

The wrappers of the wasmtime package cost 10 to 18 µs per call, these declarations 1 µs; and no
Python object refers to a store, so none is kept alive by one (docs/adr/013-contracts.md).
"""

import ctypes
from collections.abc import Callable
from ctypes import c_bool, c_int64, c_size_t, c_uint64, c_void_p
from typing import Any, Final

from wasmtime import _ffi

Native = Callable[..., Any]

POINTER_BYTES: Final = 8
CALLBACK: Final = ctypes.CFUNCTYPE(c_size_t, c_void_p, c_void_p, c_void_p, c_size_t)
"""A host function: environment, caller, address of its arguments and result, how many."""
_NO_FINALIZER: Final = ctypes.CFUNCTYPE(None, c_void_p)(0)


class Function(ctypes.Structure):
    """A function of an instance."""

    _fields_ = (("store", c_uint64), ("private", c_void_p))


class Instance(ctypes.Structure):
    """An instance of a module."""

    _fields_ = (("store", c_uint64), ("private", c_size_t))


class Bytes(ctypes.Structure):
    """Bytes that the engine owns."""

    _fields_ = (("size", c_size_t), ("data", c_void_p))


# What an export is: its kind, then a union of which the first 24 bytes are enough.
Extern: Final = ctypes.c_uint8 * 64
EXTERN_AT: Final = 8
IS_FUNCTION: Final = 0
IS_MEMORY: Final = 3


# Like the package's own, but nothing gives up Python's lock for the short time of a call: a child
# has no other thread that would take it.
_LIBRARY: Final = ctypes.PyDLL(_ffi.dll._name, handle=_ffi.dll._handle)


def _declare(name: str, result: Any, *arguments: Any) -> Native:
    # An item is a new object each time; an attribute would be kept for others.
    function = _LIBRARY[name]
    function.restype, function.argtypes = result, arguments
    return function


_P, _N = c_void_p, c_size_t
set_async_stack: Final = _declare("wasmtime_config_async_stack_size_set", None, _P, _N)
set_component_async: Final = _declare(
    "wasmtime_config_wasm_component_model_async_set", None, _P, c_bool
)
set_parallel: Final = _declare("wasmtime_config_parallel_compilation_set", None, _P, c_bool)
set_may_move: Final = _declare("wasmtime_config_memory_may_move_set", None, _P, c_bool)
pool_new: Final = _declare("wasmtime_pooling_allocation_config_new", _P)
pool_delete: Final = _declare("wasmtime_pooling_allocation_config_delete", None, _P)
set_pool: Final = _declare("wasmtime_pooling_allocation_strategy_set", None, _P, _P)
module_new: Final = _declare("wasmtime_module_new", _P, _P, ctypes.c_char_p, _N, _P)
module_serialize: Final = _declare("wasmtime_module_serialize", _P, _P, _P)
module_deserialize: Final = _declare("wasmtime_module_deserialize", _P, _P, ctypes.c_char_p, _N, _P)
module_delete: Final = _declare("wasmtime_module_delete", None, _P)
linker_new: Final = _declare("wasmtime_linker_new", _P, _P)
linker_instantiate_pre: Final = _declare("wasmtime_linker_instantiate_pre", _P, _P, _P, _P)
pre_delete: Final = _declare("wasmtime_instance_pre_delete", None, _P)
pre_instantiate: Final = _declare("wasmtime_instance_pre_instantiate", _P, _P, _P, _P, _P)
export_get: Final = _declare(
    "wasmtime_instance_export_get", c_bool, _P, _P, ctypes.c_char_p, _N, _P
)
store_new: Final = _declare("wasmtime_store_new", _P, _P, _P, _P)
store_context: Final = _declare("wasmtime_store_context", _P, _P)
store_limit: Final = _declare("wasmtime_store_limiter", None, _P, *[c_int64] * 5)
store_delete: Final = _declare("wasmtime_store_delete", None, _P)
set_fuel: Final = _declare("wasmtime_context_set_fuel", _P, _P, c_uint64)
get_fuel: Final = _declare("wasmtime_context_get_fuel", _P, _P, _P)
memory_data: Final = _declare("wasmtime_memory_data", _P, _P, _P)
memory_size: Final = _declare("wasmtime_memory_data_size", _N, _P, _P)
call: Final = _declare("wasmtime_func_call_unchecked", _P, _P, _P, _P, _N, _P)
function_type: Final = _declare("wasmtime_func_type", _P, _P, _P)
type_params: Final = _declare("wasm_functype_params", _P, _P)
type_results: Final = _declare("wasm_functype_results", _P, _P)
type_delete: Final = _declare("wasm_functype_delete", None, _P)
trap_new: Final = _declare("wasmtime_trap_new", _P, ctypes.c_char_p, _N)
trap_code: Final = _declare("wasmtime_trap_code", c_bool, _P, _P)
trap_delete: Final = _declare("wasm_trap_delete", None, _P)
bytes_delete: Final = _declare("wasm_byte_vec_delete", None, _P)
_error_message: Final = _declare("wasmtime_error_message", None, _P, _P)
_error_delete: Final = _declare("wasmtime_error_delete", None, _P)
_linker_define: Final = _declare(
    "wasmtime_linker_define_func_unchecked",
    _P, _P, ctypes.c_char_p, _N, ctypes.c_char_p, _N, _P, _P, _P, _P,
)  # fmt: skip


copy_bytes: Final[Callable[[int, int], bytes]] = ctypes.PYFUNCTYPE(
    ctypes.py_object, c_void_p, ctypes.c_ssize_t
)(("PyBytes_FromStringAndSize", ctypes.pythonapi))
"""Bytes at an address: half the time of ctypes.string_at, of which there are many in a call."""


def bound_pool(pool: int, name: str, value: int) -> None:
    """Set a bound of a pool, or how much of it is cleaned by hand instead of by the kernel."""
    _declare(f"wasmtime_pooling_allocation_config_{name}_set", None, _P, _N)(pool, value)


def is_plain_function(context: int, found: Any) -> bool:
    """Tell whether an Extern is a function without parameters and results."""
    if found[0] != IS_FUNCTION:
        return False
    found_type = function_type(context, ctypes.byref(found, EXTERN_AT))
    try:
        sides = (type_params(found_type), type_results(found_type))
        return all(Bytes.from_address(side).size == 0 for side in sides)
    finally:
        type_delete(found_type)


def address_of(pointer: Any) -> int:
    """Return the address that a pointer of the package holds."""
    return ctypes.cast(pointer, c_void_p).value or 0


def define_function(linker: int, names: tuple[str, str], functype: int, callback: Any) -> None:
    """Offer a host function to modules under (module, name)."""
    module, name = (each.encode() for each in names)
    failed = _linker_define(
        linker, module, len(module), name, len(name), functype,
        ctypes.cast(callback, c_void_p), None, ctypes.cast(_NO_FINALIZER, c_void_p),
    )  # fmt: skip
    assert not failed, take_error(failed)


def take_error(error: int) -> str:
    """Return the message of an error, and free it."""
    text = Bytes()
    _error_message(error, ctypes.byref(text))
    try:
        return take_bytes(text).decode(errors="replace")
    finally:
        _error_delete(error)


def take_bytes(found: Bytes) -> bytes:
    """Return what the engine gave, and free it."""
    try:
        return ctypes.string_at(found.data, found.size) if found.size else b""
    finally:
        bytes_delete(ctypes.byref(found))
