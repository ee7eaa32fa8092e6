"""Small shared values: hashes, addresses, seats, and the bech32m text form of an address.

Hashes, addresses and signatures are plain `bytes` under `NewType` names: a wrapper object per
hash would cost more than the hash. Source of bech32m: BIP-350.
"""

from typing import Final, NewType

from quorate.core.errors import MalformedAddress

Hash = NewType("Hash", bytes)
Address = NewType("Address", bytes)

HASH_BYTES: Final = 32
ZERO_HASH: Final = Hash(bytes(HASH_BYTES))
UINT64_MAX: Final = 2**64 - 1
# All of something, in basis points.
SHARE_BP: Final = 10_000
ADDRESS_PREFIX: Final = "qr"

# What was slashed and what nobody earned; it has no key, so nobody can spend from it.
TREASURY: Final = Address(b"quorate treasury".ljust(HASH_BYTES, b"\0"))
# What was paid for bytes that contracts store; only records that go pay out of it.
DEPOSITS: Final = Address(b"quorate deposits".ljust(HASH_BYTES, b"\0"))
# Addresses that nobody can ever sign for.
KEYLESS: Final = frozenset((TREASURY, DEPOSITS))

_CHARSET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32M: Final = 0x2BC830A3


def compute_quorum(seats: int) -> int:
    """Return q = n − f with f = (n−1)//3 (docs/protocol.md#R1)."""
    return seats - (seats - 1) // 3


def compute_faults(seats: int) -> int:
    """Return f = (n−1)//3, the number of seats that may be arbitrary (docs/protocol.md#R1)."""
    return (seats - 1) // 3


def format_address(address: bytes, prefix: str = ADDRESS_PREFIX) -> str:
    """Return the bech32m text of a 32-byte address."""
    data = _regroup(address, 8, 5, pad=True)
    values = data + [0] * 6
    check = _polymod(_expand(prefix) + values) ^ _BECH32M
    digits = data + [(check >> 5 * (5 - i)) & 31 for i in range(6)]
    return prefix + "1" + "".join(_CHARSET[d] for d in digits)


def parse_address(text: str, prefix: str = ADDRESS_PREFIX) -> Address:
    """Return the 32 bytes behind a bech32m address.

    Raises MalformedAddress when the prefix, a letter, the checksum or the length is wrong.
    """
    lowered = text.lower()
    if text not in (lowered, text.upper()):
        raise MalformedAddress(text, "mixes upper and lower case")
    head, separator, tail = lowered.rpartition("1")
    if not separator or head != prefix:
        raise MalformedAddress(text, f"does not start with {prefix}1")
    digits = [_CHARSET.find(c) for c in tail]
    if min(digits, default=-1) < 0 or len(digits) < 6:
        raise MalformedAddress(text, "has a letter that addresses do not use")
    if _polymod(_expand(head) + digits) != _BECH32M:
        raise MalformedAddress(text, "fails its checksum: a letter is wrong or missing")
    data = bytes(_regroup(bytes(digits[:-6]), 5, 8, pad=False))
    if len(data) != HASH_BYTES:
        raise MalformedAddress(text, f"holds {len(data)} bytes, not {HASH_BYTES}")
    if _regroup(data, 8, 5, pad=True) != digits[:-6]:
        # The last digit has bits that mean nothing; were they free, one address had many texts.
        raise MalformedAddress(text, "ends in bits that must be zero")
    return Address(data)


def _expand(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate(_GENERATORS):
            if (top >> i) & 1:
                check ^= generator
    return check


def _regroup(data: bytes, width_from: int, width_to: int, *, pad: bool) -> list[int]:
    accumulator, bits, out = 0, 0, []
    for value in data:
        accumulator = ((accumulator << width_from) | value) & 0xFFF
        bits += width_from
        while bits >= width_to:
            bits -= width_to
            out.append((accumulator >> bits) & ((1 << width_to) - 1))
    if pad and bits:
        out.append((accumulator << (width_to - bits)) & ((1 << width_to) - 1))
    return out
