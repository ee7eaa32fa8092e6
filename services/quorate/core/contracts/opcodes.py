"""Tables over WebAssembly's opcodes: what follows each, and how it moves the operand stack.

Kinds up to LAST_INLINE are worked out in the walker's loop itself, all others by a method each.
"""

from typing import Final

NUMERIC: Final = 0  # nothing follows
LOCAL: Final = 1
CONST32: Final = 2
CONST64: Final = 3
MEMORY: Final = 4  # alignment and offset follow
LAST_INLINE: Final = MEMORY
BLOCK: Final = 5
IF: Final = 6
ELSE: Final = 7
END: Final = 8
BRANCH: Final = 9
BRANCH_TABLE: Final = 10
CALL: Final = 11
CALL_INDIRECT: Final = 12
GLOBAL: Final = 13
PAGES: Final = 14
PREFIXED: Final = 15
FLOAT_CONST: Final = 16
SELECT_TYPED: Final = 17
TABLE: Final = 18
REF_NULL: Final = 19
REF_FUNC: Final = 20
CALL_REF: Final = 21
THROW: Final = 22
TRY_TABLE: Final = 23
PRICED: Final = 24  # nothing follows, and padding.py has a price
FORBIDDEN: Final = 25

Entry = tuple[int, int]  # kind, delta of the operand stack's height

OP_LOOP: Final = 0x03
OP_END: Final = 0x0B
OP_CALL: Final = 0x10
PREFIX_GC: Final = 0xFB
PREFIX_MISC: Final = 0xFC


def _fill(table: dict[int, Entry], ranges: str, kind: int, delta: int) -> None:
    """Enter opcodes written as `6a-78 7c`."""
    for part in ranges.split():
        first, _, last = part.partition("-")
        for op in range(int(first, 16), int(last or first, 16) + 1):
            table[op] = (kind, delta)


def _list_plain() -> dict[int, Entry]:
    table: dict[int, Entry] = {}
    _fill(table, "00 01 0f 45 50 67-68 79-7a a7 ac-ad c0-c4", NUMERIC, 0)
    _fill(table, "1a 46-4f 51-5a 6a-6c 71-78 7c-7e 83-8a", NUMERIC, -1)
    _fill(table, "69 7b", PRICED, 0)
    _fill(table, "6d-70 7f-82", PRICED, -1)
    _fill(table, "1b", NUMERIC, -2)
    _fill(table, "20", LOCAL, 1)
    _fill(table, "21", LOCAL, -1)
    _fill(table, "22", LOCAL, 0)
    _fill(table, "23", GLOBAL, 1)
    _fill(table, "24", GLOBAL, -1)
    _fill(table, "28-29 2c-35", MEMORY, 0)
    _fill(table, "36-37 3a-3e", MEMORY, -2)
    _fill(table, "3f", PAGES, 1)
    _fill(table, "40", PAGES, 0)
    _fill(table, "41", CONST32, 1)
    _fill(table, "42", CONST64, 1)
    _fill(table, "02 03", BLOCK, 0)
    _fill(table, "04", IF, -1)
    _fill(table, "05", ELSE, 0)
    _fill(table, "0b", END, 0)
    _fill(table, "0c", BRANCH, 0)
    _fill(table, "0d", BRANCH, -1)
    _fill(table, "0e", BRANCH_TABLE, -1)
    _fill(table, "10", CALL, 0)
    _fill(table, "11", CALL_INDIRECT, -1)
    _fill(table, "fc", PREFIXED, 0)
    return table


def _list_java() -> dict[int, Entry]:
    table = _list_plain()
    _fill(table, "8b-8c 99-9a a8-ab ae-bf", NUMERIC, 0)
    _fill(table, "5b-66 92-94 96-98 a0-a2 a4-a6", NUMERIC, -1)
    _fill(table, "8d-91 9b-9f", PRICED, 0)
    _fill(table, "95 a3", PRICED, -1)
    _fill(table, "2a-2b", MEMORY, 0)
    _fill(table, "38-39", MEMORY, -2)
    _fill(table, "43 44", FLOAT_CONST, 1)
    _fill(table, "1c", SELECT_TYPED, -2)
    _fill(table, "25", TABLE, 0)
    _fill(table, "26", TABLE, -2)
    _fill(table, "d0", REF_NULL, 1)
    _fill(table, "d1 d4", NUMERIC, 0)
    _fill(table, "d2", REF_FUNC, 1)
    _fill(table, "d3", NUMERIC, -1)
    _fill(table, "d5", BRANCH, 0)
    _fill(table, "d6", BRANCH, -1)
    _fill(table, "14", CALL_REF, -1)
    _fill(table, "08", THROW, 0)
    _fill(table, "0a", PRICED, -1)
    _fill(table, "1f", TRY_TABLE, 0)
    _fill(table, "fb", PREFIXED, 0)
    return table


def _spread(table: dict[int, Entry]) -> tuple[bytes, tuple[int, ...]]:
    entries = [table.get(op, (FORBIDDEN, 0)) for op in range(256)]
    return bytes(kind for kind, _ in entries), tuple(delta for _, delta in entries)


KINDS_PLAIN, _DELTAS_PLAIN = _spread(_list_plain())
KINDS_JAVA, DELTAS = _spread(_list_java())

# What stands behind 0xFC and 0xFB: (immediates, delta). Immediates: t a type, f a field, n a count,
# d a data segment, e elements, m a memory, T a table, h a heap type, l a label, b a byte.
MISC_PLAIN: Final[dict[int, tuple[str, int]]] = {
    10: ("mm", -3), 11: ("m", -3),  # memory.copy, memory.fill
    19: ("", -2), 20: ("", -2), 21: ("", 0), 22: ("", 0),  # add128, sub128, mul_wide_s, _u
}  # fmt: skip
MISC_JAVA: Final[dict[int, tuple[str, int]]] = {
    **MISC_PLAIN,
    **dict.fromkeys(range(8), ("", 0)),  # saturating conversions
    8: ("dm", -3), 9: ("d", 0),  # memory.init, data.drop
    13: ("e", 0), 16: ("T", 1),  # elem.drop, table.size
}  # fmt: skip
GC: Final[dict[int, tuple[str, int]]] = {
    0: ("t", 1), 1: ("t", 1),  # struct.new (less its fields), struct.new_default
    2: ("tf", 0), 3: ("tf", 0), 4: ("tf", 0), 5: ("tf", -2),  # struct.get, _s, _u, struct.set
    6: ("t", -1), 7: ("t", 0), 8: ("tn", 1),  # array.new, new_default, new_fixed (less the count)
    9: ("td", -1), 10: ("te", -1),  # array.new_data, new_elem
    11: ("t", -1), 12: ("t", -1), 13: ("t", -1), 14: ("t", -3), 15: ("", 0),  # array.get … len
    16: ("t", -4), 17: ("tt", -5), 18: ("td", -4), 19: ("te", -4),  # array.fill, copy, init_…
    20: ("h", 0), 21: ("h", 0), 22: ("h", 0), 23: ("h", 0),  # ref.test, ref.cast, of null too
    24: ("blhh", 0), 25: ("blhh", 0),  # br_on_cast, br_on_cast_fail
    26: ("", 0), 27: ("", 0), 28: ("", 0), 29: ("", 0), 30: ("", 0),  # extern, i31
}  # fmt: skip
GC_STRUCT_NEW: Final = 0
GC_ARRAY_NEW_FIXED: Final = 8

_REASONS: Final = (
    ("2a-2b 38-39 43-44 5b-66 8b-a6 a8-ab ae-b1 b2-bf", "floats are not in profile plain"),
    ("12 13 15", "tail calls are not allowed"),
    ("06 07 09 18 19", "exceptions of the old kind are not allowed"),
    ("08 0a 1f", "exceptions are not in profile plain"),
    ("14 1c 25 26 d0-d6 fb", "references are not in profile plain"),
    ("fd", "SIMD is not allowed"),
    ("fe", "threads are not allowed"),
)


def _list_reasons() -> dict[int, str]:
    table: dict[int, Entry] = {}
    for number, (ranges, _) in enumerate(_REASONS):
        _fill(table, ranges, number, 0)
    return {op: _REASONS[number][1] for op, (number, _) in table.items()}


_REASON_OF: Final = _list_reasons()


def explain_forbidden(op: int) -> str:
    """Return why an opcode is refused."""
    return f"opcode 0x{op:02x}: {_REASON_OF.get(op, 'there is no such instruction')}"
