"""Types of contracts, and random values of them with a liking for the edges."""

import random
from dataclasses import dataclass
from typing import Final

BITS: Final = {"u8": 8, "u32": 32, "u64": 64, "i64": 64, "u128": 128}
# Which narrower numbers a number takes without being told.
WIDER: Final = {"u32": ("u8",), "u64": ("u8", "u32"), "u128": ("u8", "u32", "u64"),
                "i64": ("u8", "u32")}  # fmt: skip
SCALARS: Final = (*BITS, "bool", "bytes", "str", "Address")
# Types that may be a map's key.
KEYS: Final = ("u8", "u32", "u64", "i64", "u128", "bool", "Address", "str", "bytes")

Value = object


@dataclass(frozen=True, slots=True)
class Kind:
    """A type: its name, and the types within it (a list's item, a tuple's or record's fields)."""

    name: str
    parts: tuple["Kind", ...] = ()
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.name in ("List", "tuple", "Map"):
            return f"{self.name}[{', '.join(str(part) for part in self.parts)}]"
        return self.name

    @property
    def is_integer(self) -> bool:
        """Tell whether one can calculate with it."""
        return self.name in BITS

    @property
    def is_record(self) -> bool:
        """Tell whether its fields have names."""
        return bool(self.fields)


def get_bounds(name: str) -> tuple[int, int]:
    """Return the least and the greatest value of an integer type."""
    bits = BITS[name]
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if name == "i64" else (0, (1 << bits) - 1)


def pick_integer(rng: random.Random, name: str) -> int:
    """Return a small number, an edge, or any."""
    low, high = get_bounds(name)
    way = rng.random()
    if way < 0.6:
        return rng.randint(max(low, -4) if rng.random() < 0.5 else 0, 9)
    if way < 0.8:
        edges = [0, 1, high, high - 1, low, low + 1, high // 2, 255, 256, 65_536, 1 << 32, 1 << 63]
        return rng.choice([edge for edge in edges if low <= edge <= high])
    return rng.randint(low, high) >> rng.randrange(BITS[name])


def pick_text(rng: random.Random) -> str:
    """Return a short text, sometimes of letters that take several bytes."""
    return "".join(rng.choice("ab cé€z0\n\"'\\😀") for _ in range(rng.choice((0, 1, 2, 5, 17))))


def pick_value(rng: random.Random, kind: Kind) -> Value:
    """Return a random value as Python has it: tuples for records, 32 bytes for an address."""
    if kind.is_integer:
        return pick_integer(rng, kind.name)
    if kind.name == "bool":
        return rng.random() < 0.5
    if kind.name == "bytes":
        return rng.randbytes(rng.choice((0, 1, 3, 32, 40)))
    if kind.name == "str":
        return pick_text(rng)
    if kind.name == "Address":
        return bytes([rng.choice((0, 1, 2, 255))]) * 32
    if kind.name == "List":
        return [pick_value(rng, kind.parts[0]) for _ in range(rng.choice((0, 1, 2, 3, 6)))]
    return tuple(pick_value(rng, part) for part in kind.parts)


def pick_scalar(rng: random.Random) -> Kind:
    """Return a type without parts, mostly a number."""
    return Kind(rng.choice(("u64", "u64", "i64", "u128", *SCALARS)))


def pick_kind(rng: random.Random, records: list[Kind], depth: int = 2) -> Kind:
    """Return a type that a variable, a parameter or a result may have."""
    way = rng.random()
    if depth == 0 or way < 0.65:
        return pick_scalar(rng)
    if way < 0.8:
        return Kind("List", (pick_kind(rng, records, depth - 1),))
    if way < 0.9 or not records:
        count = rng.choice((2, 2, 3))
        return Kind("tuple", tuple(pick_kind(rng, records, depth - 1) for _ in range(count)))
    return rng.choice(records)


def encode(kind: Kind, value: Value) -> bytes:
    """Encode as docs/contract-abi.md#values says; written apart from what it checks."""
    if kind.is_integer:
        assert isinstance(value, int)
        return value.to_bytes(BITS[kind.name] // 8, "little", signed=kind.name == "i64")
    if kind.name == "bool":
        return b"\1" if value else b"\0"
    if kind.name == "Address":
        assert isinstance(value, bytes)
        return value
    if kind.name in ("bytes", "str"):
        data = value.encode() if isinstance(value, str) else value
        assert isinstance(data, bytes)
        return len(data).to_bytes(4, "little") + data
    assert isinstance(value, list | tuple)
    if kind.name == "List":
        items = b"".join(encode(kind.parts[0], item) for item in value)
        return len(value).to_bytes(4, "little") + items
    return b"".join(encode(part, item) for part, item in zip(kind.parts, value, strict=True))
