"""Bytes of the instructions that are used; what is not here can't be written."""

from typing import Final

PLAIN: Final[dict[str, bytes]] = {
    "unreachable": b"\x00",
    "else": b"\x05",
    "end": b"\x0b",
    "return": b"\x0f",
    "drop": b"\x1a",
    "select": b"\x1b",
    "memory.size": b"\x3f\x00",
    "memory.grow": b"\x40\x00",
    "i32.eqz": b"\x45",
    "i32.eq": b"\x46",
    "i32.ne": b"\x47",
    "i32.lt_s": b"\x48",
    "i32.lt_u": b"\x49",
    "i32.gt_s": b"\x4a",
    "i32.gt_u": b"\x4b",
    "i32.le_s": b"\x4c",
    "i32.le_u": b"\x4d",
    "i32.ge_s": b"\x4e",
    "i32.ge_u": b"\x4f",
    "i64.eqz": b"\x50",
    "i64.eq": b"\x51",
    "i64.ne": b"\x52",
    "i64.lt_s": b"\x53",
    "i64.lt_u": b"\x54",
    "i64.gt_s": b"\x55",
    "i64.gt_u": b"\x56",
    "i64.le_s": b"\x57",
    "i64.le_u": b"\x58",
    "i64.ge_s": b"\x59",
    "i64.ge_u": b"\x5a",
    "i32.add": b"\x6a",
    "i32.sub": b"\x6b",
    "i32.mul": b"\x6c",
    "i32.div_u": b"\x6e",
    "i32.rem_u": b"\x70",
    "i32.and": b"\x71",
    "i32.or": b"\x72",
    "i32.xor": b"\x73",
    "i32.shl": b"\x74",
    "i32.shr_u": b"\x76",
    "i64.clz": b"\x79",
    "i64.add": b"\x7c",
    "i64.sub": b"\x7d",
    "i64.mul": b"\x7e",
    "i64.div_s": b"\x7f",
    "i64.div_u": b"\x80",
    "i64.rem_s": b"\x81",
    "i64.rem_u": b"\x82",
    "i64.and": b"\x83",
    "i64.or": b"\x84",
    "i64.xor": b"\x85",
    "i64.shl": b"\x86",
    "i64.shr_s": b"\x87",
    "i64.shr_u": b"\x88",
    "i32.wrap_i64": b"\xa7",
    "i64.extend_i32_s": b"\xac",
    "i64.extend_i32_u": b"\xad",
    "memory.copy": b"\xfc\x0a\x00\x00",
    "memory.fill": b"\xfc\x0b\x00",
    "i64.add128": b"\xfc\x13",
    "i64.sub128": b"\xfc\x14",
    "i64.mul_wide_s": b"\xfc\x15",
    "i64.mul_wide_u": b"\xfc\x16",
}

# Followed by alignment, always 0, and an offset.
MEMORY: Final[dict[str, bytes]] = {
    "i32.load": b"\x28\x00",
    "i64.load": b"\x29\x00",
    "i32.load8_u": b"\x2d\x00",
    "i64.load8_u": b"\x31\x00",
    "i64.load32_u": b"\x35\x00",
    "i32.store": b"\x36\x00",
    "i64.store": b"\x37\x00",
    "i32.store8": b"\x3a\x00",
    "i64.store8": b"\x3c\x00",
    "i64.store32": b"\x3e\x00",
}

BLOCKS: Final = {"block": b"\x02", "loop": b"\x03", "if": b"\x04"}
BRANCHES: Final = {"br": b"\x0c", "br_if": b"\x0d"}
LOCALS: Final = {"local.get": b"\x20", "local.set": b"\x21", "local.tee": b"\x22"}
GLOBALS: Final = {"global.get": b"\x23", "global.set": b"\x24"}
CONSTANTS: Final = {"i32.const": b"\x41", "i64.const": b"\x42"}
CALL: Final = b"\x10"
VALUE_TYPES: Final = {"i32": b"\x7f", "i64": b"\x7e"}
