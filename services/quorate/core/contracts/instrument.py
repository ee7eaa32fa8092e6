"""Builds the count of nested functions into a module (docs/contract-abi.md, section 6).

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
"""

from typing import Final

from quorate.core.contracts.bodies import Body, Walker
from quorate.core.contracts.limits import FRAME_SLOTS, INSTRUCTIONS_PER_SLOT, SLOTS_MAX
from quorate.core.contracts.sections import CODE, CUSTOM, GLOBALS, HEADER, ORDER, read_shape
from quorate.core.contracts.shape import Section, Shape
from quorate.core.contracts.wasm import Reader, encode_s32, encode_u32

_I32: Final = b"\x7f"
_GLOBAL_GET: Final = b"\x23"
_GLOBAL_SET: Final = b"\x24"
_LOCAL_GET: Final = b"\x20"
_LOCAL_TEE: Final = b"\x22"
_CONST: Final = b"\x41"
_ADD: Final = b"\x6a"
_TRAP_IF_OVER: Final = b"\x4b\x04\x40\x00\x0b"  # i32.gt_u if unreachable end
_COUNTER: Final = b"\x7f\x01\x41\x00\x0b"  # a mutable i32, at first 0
_NAMES: Final = "name"


def instrument_module(code: bytes) -> bytes:
    """Return a module that passed `check_module` with the count built in.

    Of custom sections only `name` stays, for the engine's messages.
    """
    shape = read_shape(code, is_java=True)
    parts = [HEADER]
    has_counter = False
    for section in shape.sections:
        if section.id == CUSTOM and not _is_names(code, section):
            continue
        if not has_counter and section.id != CUSTOM and _comes_after_globals(section.id):
            parts.append(_pack(GLOBALS, b"\x01" + _COUNTER))
            has_counter = True
        content = code[section.content : section.end]
        if section.id == GLOBALS:
            content = encode_u32(len(shape.globals) + 1) + _cut_count(content) + _COUNTER
            has_counter = True
        elif section.id == CODE:
            content = _rewrite_bodies(code, shape)
        parts.append(_pack(section.id, content))
    return b"".join(parts)


def compute_frame_slots(body: Body) -> int:
    """Return what one running call of a function counts: never less than its native frame.

    Beside values in locals and operands, the engine keeps common parts of expressions: at most
    a few for each instruction, and each of those takes several instructions.
    """
    return FRAME_SLOTS + body.locals + body.height + body.instructions // INSTRUCTIONS_PER_SLOT


def _is_names(code: bytes, section: Section) -> bool:
    return Reader(code, section.content, section.end).read_name() == _NAMES


def _comes_after_globals(number: int) -> bool:
    return ORDER.index(number) > ORDER.index(GLOBALS)


def _pack(number: int, content: bytes) -> bytes:
    return bytes([number]) + encode_u32(len(content)) + content


def _cut_count(content: bytes) -> bytes:
    reader = Reader(content)
    reader.read_u32()
    return content[reader.position :]


def _rewrite_bodies(code: bytes, shape: Shape) -> bytes:
    walker = Walker(code, shape)
    parts = [encode_u32(len(shape.bodies))]
    counter = encode_u32(len(shape.globals))
    for number in range(len(shape.bodies)):
        body = walker.walk(number)
        changed = _rewrite(code, body, counter) if body.calls else code[body.start : body.end]
        parts += (encode_u32(len(changed)), changed)
    return b"".join(parts)


def _rewrite(code: bytes, body: Body, counter: bytes) -> bytes:
    groups = Reader(code, body.start, body.code)
    count = groups.read_u32()
    mine = encode_u32(body.locals)
    hand_down = _LOCAL_GET + mine + _GLOBAL_SET + counter
    parts = [
        encode_u32(count + 1), code[groups.position : body.code], b"\x01", _I32,
        _GLOBAL_GET, counter, _CONST, encode_s32(compute_frame_slots(body)), _ADD,
        _LOCAL_TEE, mine, _CONST, encode_s32(SLOTS_MAX), _TRAP_IF_OVER,
    ]  # fmt: skip
    position = body.code
    for call in body.calls:
        parts += (code[position:call], hand_down)
        position = call
    parts.append(code[position : body.end])
    return b"".join(parts)
