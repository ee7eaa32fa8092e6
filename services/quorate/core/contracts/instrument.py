"""Builds two counts into a module: of nested functions, and of fuel (docs/contract-abi.md#6).

How deep functions nest before the engine's stack is full depends on the processor and on the
engine's version, so it can't decide what a contract does. Our count does: a global of ours holds
the slots that the running functions take. A function that calls others adds its own on entry,
into a local of ours, traps if that is over the limit, and hands the sum down before each call:

    global.get $taken  i32.const cost  i32.add  local.tee $mine      on entry
    i32.const limit  i32.gt_u  if  unreachable  end
    local.get $mine  global.set $taken                                before each call

Nothing has to be undone on the way back, whether a function returns or an exception leaves it:
the caller sets the global again before it calls again. All of it leaves the operands alone. An
instance serves one call from outside, since nothing sets the global back to 0.

Fuel that an instruction costs beyond the engine's own count (padding.py) stands before it.
"""

from typing import Final

from quorate.core.contracts.bodies import Body, Walker
from quorate.core.contracts.limits import FRAME_SLOTS, INSTRUCTIONS_PER_SLOT, SLOTS_MAX
from quorate.core.contracts.padding import INLINE_MAX
from quorate.core.contracts.sections import (
    CODE,
    CUSTOM,
    FUNCTIONS,
    GLOBALS,
    HEADER,
    ORDER,
    TYPES,
    read_shape,
)
from quorate.core.contracts.shape import FUNCTION, Section, Shape, Type
from quorate.core.contracts.wasm import Reader, encode_s32, encode_u32

_I32: Final = b"\x7f"
_GLOBAL_GET: Final = b"\x23"
_GLOBAL_SET: Final = b"\x24"
_LOCAL_GET: Final = b"\x20"
_LOCAL_TEE: Final = b"\x22"
_CONST: Final = b"\x41"
_ADD: Final = b"\x6a"
_CALL: Final = b"\x10"
_TRAP_IF_OVER: Final = b"\x4b\x04\x40\x00\x0b"  # i32.gt_u if unreachable end
_BURN: Final = b"\x41\x00\x1a"  # i32.const 0, drop: one unit of fuel and no machine code
_COUNTER: Final = b"\x7f\x01\x41\x00\x0b"  # a mutable i32, at first 0
_NOTHING: Final = Type(FUNCTION, b"", b"")
_NOTHING_BYTES: Final = b"\x60\x00\x00"
_NAMES: Final = "name"


def instrument_module(code: bytes) -> bytes:
    """Return a module that passed `check_module` with both counts built in.

    Of custom sections only `name` stays, for the engine's messages.
    """
    return _Instrument(code).rewrite()


def compute_frame_slots(body: Body) -> int:
    """Return what one running call of a function counts: never less than its native frame.

    Beside values in locals and operands, the engine keeps common parts of expressions: at most
    a few for each instruction, and each of those takes several instructions.
    """
    return FRAME_SLOTS + body.locals + body.height + body.instructions // INSTRUCTIONS_PER_SLOT


class _Instrument:
    """One module being rewritten."""

    def __init__(self, code: bytes) -> None:
        self.code = code
        self.shape: Shape = read_shape(code, is_java=True)
        self.counter = encode_u32(len(self.shape.globals))
        self.burners: dict[int, int] = {}  # fuel → index of a function that burns it
        self.type = len(self.shape.types)
        if _NOTHING in self.shape.types:
            self.type = self.shape.types.index(_NOTHING)

    def rewrite(self) -> bytes:
        """Return the whole module."""
        bodies = self._rewrite_bodies()
        parts = [HEADER]
        has_counter = False
        for section in self.shape.sections:
            if section.id == CUSTOM:
                if Reader(self.code, section.content, section.end).read_name() == _NAMES:
                    parts.append(self.code[section.start : section.end])
                continue
            if not has_counter and ORDER.index(section.id) >= ORDER.index(GLOBALS):
                has_counter = True
                if section.id != GLOBALS:
                    parts.append(_pack(GLOBALS, b"\x01" + _COUNTER))
            parts.append(_pack(section.id, self._rewrite_section(section, bodies)))
        return b"".join(parts)

    def _rewrite_section(self, section: Section, bodies: list[bytes]) -> bytes:
        if section.id == GLOBALS:
            return self._append(section, [_COUNTER])
        if section.id == TYPES and self.burners and self.type == len(self.shape.types):
            return self._append(section, [_NOTHING_BYTES])
        if section.id == FUNCTIONS:
            return self._append(section, [encode_u32(self.type)] * len(self.burners))
        if section.id == CODE:
            return encode_u32(len(bodies)) + b"".join(
                [part for body in bodies for part in (encode_u32(len(body)), body)]
            )
        return self.code[section.content : section.end]

    def _append(self, section: Section, items: list[bytes]) -> bytes:
        reader = Reader(self.code, section.content, section.end)
        count = reader.read_u32() + len(items)
        return encode_u32(count) + self.code[reader.position : section.end] + b"".join(items)

    def _rewrite_bodies(self) -> list[bytes]:
        walker = Walker(self.code, self.shape)
        bodies = [self._rewrite(walker.walk(each)) for each in range(len(self.shape.bodies))]
        return bodies + [b"\x00" + _BURN * fuel + b"\x0b" for fuel in self.burners]

    def _rewrite(self, body: Body) -> bytes:
        code = self.code
        if not body.marks:
            return code[body.start : body.end]
        mine = encode_u32(body.locals)
        hand_down = _LOCAL_GET + mine + _GLOBAL_SET + self.counter
        parts = [code[body.start : body.code]]
        if any(mark.is_call for mark in body.marks):
            parts = self._write_entry(body, mine)
        position = body.code
        for mark in body.marks:
            parts.append(code[position : mark.offset])
            parts.append(self._burn(mark.fuel))
            if mark.is_call:
                parts.append(hand_down)
            position = mark.offset
        parts.append(code[position : body.end])
        return b"".join(parts)

    def _write_entry(self, body: Body, mine: bytes) -> list[bytes]:
        groups = Reader(self.code, body.start, body.code)
        count = groups.read_u32()
        return [
            encode_u32(count + 1), self.code[groups.position : body.code], b"\x01", _I32,
            _GLOBAL_GET, self.counter, _CONST, encode_s32(compute_frame_slots(body)), _ADD,
            _LOCAL_TEE, mine, _CONST, encode_s32(SLOTS_MAX), _TRAP_IF_OVER,
        ]  # fmt: skip

    def _burn(self, fuel: int) -> bytes:
        if fuel <= INLINE_MAX:
            return _BURN * fuel
        index = self.burners.setdefault(fuel, len(self.shape.functions) + len(self.burners))
        return _CALL + encode_u32(index)


def _pack(number: int, content: bytes) -> bytes:
    return bytes([number]) + encode_u32(len(content)) + content
