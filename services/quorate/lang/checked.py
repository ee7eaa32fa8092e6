"""What plain CPython does otherwise than a build, as helpers that rewritten files call."""

import operator
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

from quorate.lang.author import ADDRESS_BYTES, Address
from quorate.lang.hosts import Reverted
from quorate.lang.types import INTS, Type
from quorate.lang.values import encode

OVERFLOW: Final = "arithmetic overflow"
DIVISION: Final = "division by zero"
NO_FIT: Final = "number out of range"
NO_ADDRESS: Final = f"an address is {ADDRESS_BYTES} bytes"
NO_MEMORY: Final = "out of memory"
NO_ITEM: Final = "index out of range"
NO_TEXT: Final = "invalid UTF-8"
NOT_PAYABLE: Final = "this method takes no value"
MALFORMED: Final = "malformed arguments"
MALFORMED_RESULT: Final = "malformed result"

MEMORY_BYTES_MAX: Final = 256 * 65_536

_OPERATORS: Final[dict[str, Callable[[int, int], int]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
}


class Helpers:
    """Of one file; `types` are those that it encodes."""

    def __init__(self, types: Iterable[Type]) -> None:
        self._types = {kind.name: kind for kind in types}

    def fit(self, value: int, kind: str, line: int) -> int:
        """Check the result of arithmetic."""
        if not INTS[kind].holds(value):
            raise Reverted(OVERFLOW, line)
        return value

    def count(self, left: int, right: int, symbol: str, kind: str, line: int) -> int:
        """Shift, or raise to a power, without ever making a huge number."""
        if symbol == ">>":
            return left >> min(right, 128)
        if symbol == "**" and left in (-1, 0, 1):
            return left if right % 2 or left == 0 < right else 1
        value = left << min(right, 128) if symbol == "<<" else left ** min(right, 128)
        return self.fit(value, kind, line)

    def operand(self, right: int, symbol: str, kind: str, line: int) -> "Operand":
        """Return the right side of `+=` and its kin."""
        return Operand(self, right, symbol, kind, line)

    def revert(self, text: str, line: int) -> NoReturn:
        """Give up."""
        raise Reverted(text, line)

    def convert(self, value: int, kind: str, line: int) -> int:
        """Return a number as another type's."""
        if not INTS[kind].holds(value):
            raise Reverted(NO_FIT, line)
        return int(value)

    def zeros(self, size: int, line: int) -> bytes:
        """Return so many zero bytes."""
        if size >= MEMORY_BYTES_MAX:
            raise Reverted(NO_MEMORY, line)
        return bytes(size)

    def address(self, data: bytes, line: int) -> Address:
        """Return 32 bytes as an address."""
        if len(data) != ADDRESS_BYTES:
            raise Reverted(NO_ADDRESS, line)
        return Address(data)

    def sum(self, items: list[int], kind: str, line: int) -> int:
        """Add, checked at every step."""
        total = 0
        for item in items:
            total = self.fit(total + item, kind, line)
        return total

    def encode(self, *given: Any) -> bytes:
        """Return values as bytes: the values, their types' names, the line."""
        count = len(given) // 2
        pairs = zip(given[:count], given[count:-1], strict=True)
        return b"".join(encode(self._types[kind], value) for value, kind in pairs)


class Operand:
    """The right side of an augmented assignment: `left @ operand` is the checked result."""

    def __init__(self, *given: Any) -> None:
        self._given = given

    def __rmatmul__(self, left: int) -> int:
        helpers, right, symbol, kind, line = self._given
        if symbol in ("**", "<<", ">>"):
            return int(helpers.count(left, right, symbol, kind, line))
        if symbol in ("//", "%") and right == 0:
            raise Reverted(DIVISION, line)
        return int(helpers.fit(_OPERATORS[symbol](left, right), kind, line))
