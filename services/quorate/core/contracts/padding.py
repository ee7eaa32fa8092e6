"""Fuel of instructions that cost the engine more time than the one unit it takes for each.

instrument.py puts that much fuel in front of them, as `i32.const 0 drop`, which compiles to
nothing. With it no instruction costs much more than 1 ns for a unit of fuel (docs/contracts.md).
"""

from typing import Final

# Up to this much stands in line; more is a call of a function that holds it.
INLINE_MAX: Final = 14

_DIVIDE: Final = 6
_POPCNT: Final = 6
_ROUND: Final = 6
_FLOAT_DIVIDE: Final = 8
_SQUARE_ROOT: Final = 14
_CALL: Final = 4
_GROW: Final = 50
_ALLOCATE: Final = 60
_BULK: Final = 230
_THROW: Final = 250

# opcode, or 0xFB and 0xFC and the opcode behind → fuel
PADDING: Final[dict[int, int]] = {
    **dict.fromkeys((0x6D, 0x6E, 0x6F, 0x70, 0x7F, 0x80, 0x81, 0x82), _DIVIDE),
    **dict.fromkeys((0x69, 0x7B), _POPCNT),
    **dict.fromkeys((0x8D, 0x8E, 0x8F, 0x90, 0x9B, 0x9C, 0x9D, 0x9E), _ROUND),
    **dict.fromkeys((0x95, 0xA3), _FLOAT_DIVIDE),
    **dict.fromkeys((0x91, 0x9F), _SQUARE_ROOT),
    **dict.fromkeys((0x11, 0x14), _CALL),
    **dict.fromkeys((0x08, 0x0A), _THROW),
    **dict.fromkeys((0xFC08, 0xFC0A, 0xFC0B), _BULK),  # memory.init, copy, fill
    **dict.fromkeys((0xFB00, 0xFB01, 0xFB06, 0xFB07, 0xFB08, 0xFB09, 0xFB0A), _ALLOCATE),
    **dict.fromkeys((0xFB10, 0xFB11, 0xFB12, 0xFB13), _BULK),  # array.fill, copy, init_…
    0x40: _GROW,
}
