"""One running call of a contract: its memory, and the fuel that the host's work costs it."""

import ctypes
from ctypes import byref, c_uint64, c_void_p
from typing import Final

from quorate.contracts import native
from quorate.contracts.engine import PAGE_BYTES
from quorate.core.contracts.host import Host
from quorate.core.contracts.machine import Stopped
from quorate.core.contracts.prices import PAGE_PRICE

# The host's fuel is taken from the engine's in lumps: 50 µs of work at most go unpaid for a moment.
_LUMP: Final = 100_000

_read_memory = native.copy_bytes
_write_memory = ctypes.memmove


class Running:
    """A call that runs: what host functions work on. Addresses only, and no use after the call.

    Made once and opened for one call after the other; `owed` fuel is due and not yet taken, and is
    taken when it is more than `lump`.
    """

    __slots__ = (
        "_base", "_fuel", "_fuel_at", "_memory_at", "_pages", "_size", "_spaces",
        "context", "error", "export_at", "found", "found_at", "host", "instance_at", "lump",
        "memory_found_at", "owed", "returned", "trap", "trap_at",
    )  # fmt: skip

    host: Host

    def __init__(self) -> None:
        instance, memory = native.Instance(), native.Extern()
        self.found, self.trap, self._fuel = native.Extern(), c_void_p(), c_uint64()
        self._spaces = (instance, memory)
        self.instance_at, self.trap_at = byref(instance), byref(self.trap)
        self.found_at, self.export_at = byref(self.found), byref(self.found, native.EXTERN_AT)
        self.memory_found_at, self._memory_at = byref(memory), byref(memory, native.EXTERN_AT)
        self._fuel_at = byref(self._fuel)
        self._base = self._size = self._pages = self.owed = self.context = 0
        self.returned, self.lump = b"", _LUMP
        self.error: BaseException | None = None

    def open(self, host: Host, context: int, *, is_traced: bool) -> None:
        """Begin a call in a store, without memory at first."""
        self.host, self.context = host, context
        self._base = self._size = self._pages = self.owed = 0
        self.returned, self.error, self.lump = b"", None, -1 if is_traced else _LUMP
        self.trap.value = None

    def close(self) -> None:
        """Forget the call: nothing here keeps a host alive."""
        del self.host
        self.error = None

    def open_memory(self, pages: int) -> None:
        """Take the instance's exported memory, whose extern was put at `memory_found_at`."""
        # Memory never moves (engine.py), it only grows.
        self._base = native.memory_data(self.context, self._memory_at) or 0
        self._pages, self._size = pages, pages * PAGE_BYTES

    def read(self, at: int, size: int, per_byte: int = 0) -> bytes:
        """Return bytes of the contract's memory, charged for before they are copied.

        Raises Stopped when they lie outside.
        """
        if at + size > self._size:
            self._check(at + size)
        if per_byte:
            self.charge(size * per_byte)
        return _read_memory(self._base + at, size)

    def write(self, at: int, data: bytes) -> None:
        """Write bytes to the contract's memory; raises Stopped when they lie outside."""
        if at + len(data) > self._size:
            self._check(at + len(data))
        _write_memory(self._base + at, data, len(data))

    def charge(self, fuel: int) -> None:
        """Take fuel for the host's work; raises Stopped when there is not so much."""
        self.owed += fuel
        if self.owed > self.lump:
            self.settle()

    def charge_owed(self) -> None:
        """Take the fuel that the host itself asks for; raises Stopped."""
        owed, self.host.owed = self.host.owed, 0
        self.charge(owed)

    def settle(self) -> None:
        """Bring the host's fuel up to date; raises Stopped when more was used than there is."""
        self._count()
        native.set_fuel(self.context, self.host.fuel)

    def resume(self) -> None:
        """Go on with the fuel that the host says is left."""
        native.set_fuel(self.context, self.host.fuel)

    def finish(self) -> None:
        """Charge for memory that grew, and leave what is left to the host; raises Stopped."""
        if self._base:
            grown = native.memory_size(self.context, self._memory_at) // PAGE_BYTES - self._pages
            self.owed += grown * PAGE_PRICE
        self._count()

    def _count(self) -> None:
        native.get_fuel(self.context, self._fuel_at)
        left = self._fuel.value - self.owed
        self.owed = 0
        self.host.fuel = left if left > 0 else 0
        if left < 0:
            # The engine's count stands still from here on, so it is not taken twice.
            native.set_fuel(self.context, 0)
            raise Stopped("OUT_OF_FUEL")

    def _check(self, end: int) -> None:
        self._size = native.memory_size(self.context, self._memory_at) if self._base else 0
        if end > self._size:
            raise Stopped("TRAPPED", "a host function was given memory that is not there")


def take_trap_code(trap: c_void_p) -> int:
    """Return why the engine stopped a call, −1 when a host function did; frees the trap."""
    code = ctypes.c_uint8()
    try:
        return code.value if native.trap_code(trap, byref(code)) else -1
    finally:
        native.trap_delete(trap)
