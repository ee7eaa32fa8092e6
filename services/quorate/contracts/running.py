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
    """A call that runs: what host functions work on. Addresses only, and no use after the call."""

    __slots__ = (
        "_base", "_context", "_fuel", "_memory", "_owed", "_size",
        "error", "host", "is_traced", "pages", "returned",
    )  # fmt: skip

    def __init__(self, host: Host, context: int, pages: int, *, is_traced: bool) -> None:
        self.host, self._context, self.pages = host, context, pages
        self._memory = ctypes.create_string_buffer(32)
        self._base = self._size = self._owed = 0
        self._fuel = c_uint64()
        self.returned, self.is_traced = b"", is_traced
        self.error: BaseException | None = None

    def open_memory(self, found: "ctypes.Array[ctypes.c_uint8]") -> None:
        """Remember the instance's exported memory."""
        ctypes.memmove(self._memory, byref(found, native.EXTERN_AT), 24)
        # Memory never moves (engine.py), it only grows.
        self._base = native.memory_data(self._context, self._memory) or 0
        self._size = native.memory_size(self._context, self._memory)

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
        self._owed += fuel
        if self._owed > _LUMP or self.is_traced:
            self.settle()

    def charge_owed(self) -> None:
        """Take the fuel that the host itself asks for; raises Stopped."""
        owed, self.host.owed = self.host.owed, 0
        self.charge(owed)

    def settle(self) -> None:
        """Bring the host's fuel up to date; raises Stopped when more was used than there is."""
        native.get_fuel(self._context, byref(self._fuel))
        left = self._fuel.value - self._owed
        self._owed = 0
        self.host.fuel = left if left > 0 else 0
        native.set_fuel(self._context, self.host.fuel)
        if left < 0:
            raise Stopped("OUT_OF_FUEL")

    def resume(self) -> None:
        """Go on with the fuel that the host says is left."""
        native.set_fuel(self._context, self.host.fuel)

    def finish(self) -> None:
        """Charge for memory that grew, and settle; raises Stopped."""
        if self._base:
            grown = native.memory_size(self._context, self._memory) // PAGE_BYTES - self.pages
            self._owed += grown * PAGE_PRICE
        self.settle()

    def _check(self, end: int) -> None:
        self._size = native.memory_size(self._context, self._memory) if self._base else 0
        if end > self._size:
            raise Stopped("TRAPPED", "a host function was given memory that is not there")


def take_trap_code(trap: c_void_p) -> int:
    """Return why the engine stopped a call, −1 when a host function did; frees the trap."""
    code = ctypes.c_uint8()
    try:
        return code.value if native.trap_code(trap, byref(code)) else -1
    finally:
        native.trap_delete(trap)
