"""Runs methods of contracts: a fresh instance for each call, nothing kept but compiled modules.

A linker per profile and a pre-linked module per code are made once; a call then costs about 12 µs
beside what the contract does. Calls within calls run on one native stack: see `run_deep`.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from ctypes import byref, c_void_p
from typing import Final, Protocol, TypeVar

from quorate.contracts import host_functions, native
from quorate.contracts.engine import (
    JAVA,
    MIB,
    NESTED_MAX,
    PAGE_BYTES,
    WASM_STACK_BYTES,
    Artefact,
    Engine,
    make_functype,
)
from quorate.contracts.host_functions import CALLBACKS, OFFERS, RUNNING
from quorate.contracts.planted import Plant
from quorate.contracts.running import Running, take_trap_code
from quorate.core.contracts import limits
from quorate.core.contracts.host import Host
from quorate.core.contracts.machine import Code, Environment, Stopped
from quorate.core.contracts.prices import INSTANCE_PRICE, JAVA_PRICE, PAGE_PRICE
from quorate.core.outcomes import Failed

LOADED_BYTES_MAX: Final = 16 * MIB
"""Of compiled modules kept ready."""
STACK_BYTES: Final = NESTED_MAX * (WASM_STACK_BYTES + MIB) + 8 * MIB
"""Of the thread that runs calls: address space, touched only as far as it is used."""

_MEMORY: Final = b"memory"
_STACK_OVERFLOW: Final = 0
_OUT_OF_FUEL: Final = 11
_HEAP_FULL: Final = "GC heap out of memory"
_TRAPS: Final = {
    -1: "exception not caught",
    1: "memory access out of bounds",
    2: "memory access misaligned",
    3: "table access out of bounds",
    4: "indirect call of nothing",
    5: "indirect call of another type",
    6: "integer overflow",
    7: "integer divided by zero",
    8: "number out of an integer's range",
    9: "unreachable code reached",
    13: "reference to nothing",
    14: "array access out of bounds",
    15: "allocation too large",
    16: "reference of another type",
    49: "exception not caught",
}

Given = TypeVar("Given")


class MachineFault(Exception):
    """This process can't go on: what it would say might differ from what others say."""


class Artefacts(Protocol):
    """Where compiled modules come from."""

    def get(self, code: Code, read_code: Callable[[bytes], bytes]) -> Artefact:
        """Return a compiled module; raises Stopped (BAD_MODULE)."""
        ...


class _Module:
    """A module that is ready, and which of its exports were found to be methods or not."""

    __slots__ = ("address", "methods", "pages", "pre", "price", "size")

    def __init__(self, address: int, pre: int, artefact: Artefact, profile: int) -> None:
        self.address, self.pre, self.pages = address, pre, artefact.pages
        start = INSTANCE_PRICE + (JAVA_PRICE if profile == JAVA else 0)
        self.price = start + artefact.pages * PAGE_PRICE
        self.size = len(artefact.compiled)
        self.methods: dict[bytes, bool] = {}


class Machine:
    """Runs contracts in this process, which is a child that may be lost."""

    def __init__(
        self, engines: tuple[Engine, ...], artefacts: Artefacts, plant: Plant | None = None
    ) -> None:
        self._engines, self._artefacts, self._plant = engines, artefacts, plant
        self._linkers = [_build_linker(engine) for engine in engines]
        self._modules: OrderedDict[Code, _Module] = OrderedDict()
        self._loaded_bytes = 0
        self._slots = [Running() for _ in range(NESTED_MAX)]
        # Since somebody set them to 0: calls of contracts, and the fuel that they used.
        self.calls = self.fuel = 0
        # Keep the host's fuel exact at every step, for whoever looks on.
        self.is_traced = False

    def prepare(self, code: Code, host: Environment) -> None:
        """Get a module ready to run; raises Stopped (BAD_MODULE) when no engine takes it."""
        assert isinstance(host, Host)
        self._find(code, host)

    def run(self, code: Code, method: str, host: Environment) -> None:
        """Run a method in a fresh instance; raises Stopped, or what the host raised."""
        assert isinstance(host, Host)
        module = self._find(code, host)
        self.calls += 1
        if self._plant is not None:
            self._plant(method)
        if RUNNING:
            self._start(code, module, method, host)
            return
        given = host.fuel
        try:
            self._start(code, module, method, host)
        finally:
            self.fuel += given - host.fuel

    def _start(self, code: Code, module: _Module, method: str, host: Host) -> None:
        host.fuel -= module.price
        if host.fuel < 0:
            host.fuel = 0
            raise Stopped("OUT_OF_FUEL")
        store, call = native.store_new(self._engines[code.profile].address, None, None), None
        try:
            context = native.store_context(store)
            native.store_limit(store, *_compute_limits(module, host.fuel))
            native.set_fuel(context, host.fuel)
            call = self._slots[len(RUNNING)]
            call.open(host, context, is_traced=self.is_traced)
            self._run(module, method.encode(), call)
        finally:
            if call is not None:
                call.close()
            native.store_delete(store)

    def _run(self, module: _Module, method: bytes, call: Running) -> None:
        context, instance_at = call.context, call.instance_at
        error = native.pre_instantiate(module.pre, context, instance_at, call.trap_at)
        if error:
            # All limits are checked before: it is this machine that lacks something.
            raise MachineFault(native.take_error(error))
        if not call.trap:
            if native.export_get(context, instance_at, _MEMORY, 6, call.memory_found_at):
                call.open_memory(module.pages)
            is_there = native.export_get(context, instance_at, method, len(method), call.found_at)
            if not is_there or not _is_method(module, method, call):
                call.finish()
                raise Stopped("NO_METHOD", f"there is no method '{method.decode()}'")
            RUNNING.append(call)
            try:
                error = native.call(context, call.export_at, None, 0, call.trap_at)
            finally:
                RUNNING.pop()
            if error:
                _take_error(call, native.take_error(error))
        _conclude(call)

    def _find(self, code: Code, host: Host) -> _Module:
        module = self._modules.get(code)
        if module is not None:
            self._modules.move_to_end(code)
            return module
        artefact = self._artefacts.get(code, host.read_code)
        engine, pre = self._engines[code.profile], c_void_p()
        address = engine.load(artefact.compiled)
        error = native.linker_instantiate_pre(self._linkers[code.profile], address, byref(pre))
        if error:
            raise MachineFault(native.take_error(error))
        assert pre.value
        module = self._modules[code] = _Module(address, pre.value, artefact, code.profile)
        self._loaded_bytes += module.size
        self._make_room()
        return module

    def _make_room(self) -> None:
        while self._loaded_bytes > LOADED_BYTES_MAX and len(self._modules) > NESTED_MAX:
            # An instance that runs keeps what it needs of its module by itself.
            _, oldest = self._modules.popitem(last=False)
            self._loaded_bytes -= oldest.size
            native.pre_delete(oldest.pre)
            native.module_delete(oldest.address)


def run_deep(work: Callable[[], Given]) -> Given:
    """Run `work` in a thread whose stack holds the deepest calls of contracts within contracts."""
    given: list[Given] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            given.append(work())
        except BaseException as error:
            failed.append(error)

    before = threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=run, name="contracts")
    try:
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    if failed:
        raise failed[0]
    return given[0]


def _build_linker(engine: Engine) -> int:
    linker = int(native.linker_new(engine.address))
    for name, offer in OFFERS.items():
        functype, keep = make_functype(offer.params, offer.result)
        native.define_function(linker, (host_functions.MODULE, name), functype, CALLBACKS[name])
        del keep
    return linker


def _compute_limits(module: _Module, fuel: int) -> tuple[int, int, int, int, int]:
    """Return the most memory, table elements, instances, tables and memories of a call.

    Memory is paid for by the page when the call is over, so it may not grow beyond what can be
    paid; `memory.grow` then says no.
    """
    pages = module.pages + fuel // PAGE_PRICE
    most = pages if pages < limits.PAGES_MAX else limits.PAGES_MAX
    return most * PAGE_BYTES, limits.TABLE_SIZE_MAX, 1, limits.TABLES_MAX, 1


def _is_method(module: _Module, method: bytes, call: Running) -> bool:
    """Tell whether an export is a function without parameters and results."""
    known = module.methods.get(method)
    if known is None:
        known = module.methods[method] = native.is_plain_function(call.context, call.found)
    return known


def _take_error(call: Running, text: str) -> None:
    """Keep what ended a call without being a trap; raises MachineFault for what is no result."""
    if call.error is not None:
        return
    if _HEAP_FULL not in text:
        raise MachineFault(text)
    # Of the limit that the call's fuel and the module's bound give, so the same everywhere.
    call.error = Stopped("TRAPPED", "the heap is full")


def _conclude(call: Running) -> None:
    """Settle a call's fuel; raise why it ended, if it didn't end well."""
    code = take_trap_code(call.trap) if call.trap else None
    if call.error is not None:
        error, call.error = call.error, None
        if isinstance(error, Failed):
            # What was done before it may have been more than there was fuel for.
            call.settle()
        raise error
    if code == _STACK_OVERFLOW:
        raise MachineFault("a contract came to the end of the native stack")
    if code == _OUT_OF_FUEL:
        call.host.fuel = 0
        raise Stopped("OUT_OF_FUEL")
    call.finish()
    if code is not None:
        raise Stopped("TRAPPED", _TRAPS.get(code, "trapped"))
