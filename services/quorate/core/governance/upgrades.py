"""Upgrades of the rules: from which height which version is needed (docs/protocol.md#G6).

v   the version in force that was voted for last, and the next one, by height: per entry
    height u64, version behind a u32 length

A node that does not know the version of a height executes no block from there on, and serves what
it has.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from quorate.core.codec import U64, Reader, encode_blob
from quorate.core.errors import MalformedBytes

UPGRADES_KEY: Final = b"v"
VERSION_BYTES_MAX: Final = 32
# The rules of a genesis, and every upgrade that this code has rules for.
FIRST_VERSION: Final = "v1"
KNOWN_VERSIONS: Final = (FIRST_VERSION,)


class Upgrade(NamedTuple):
    """A version of the rules, from a height's block on."""

    height: int
    version: str


def encode_upgrades(upgrades: Sequence[Upgrade]) -> bytes:
    """Return the record of upgrades."""
    return b"".join([U64.pack(each.height) + encode_blob(each.version.encode())
                     for each in sorted(upgrades)])  # fmt: skip


@lru_cache(maxsize=4)
def decode_upgrades(record: bytes) -> tuple[Upgrade, ...]:
    """Return the upgrades of a record, ascending by height; raises MalformedBytes."""
    reader, upgrades, left = Reader(record, "upgrades"), list[Upgrade](), len(record)
    while left:
        height, version = reader.u64(), reader.blob(VERSION_BYTES_MAX)
        try:
            upgrades.append(Upgrade(height, version.decode()))
        except UnicodeDecodeError as error:
            raise MalformedBytes("upgrades", "a version is not UTF-8") from error
        left -= 12 + len(version)
    return tuple(upgrades)


def add_upgrade(record: bytes, upgrade: Upgrade, height: int) -> bytes:
    """Return the record with an upgrade to come, which replaces one that has not come yet."""
    past = [each for each in decode_upgrades(record) if each.height <= height]
    return encode_upgrades([*past[-1:], upgrade])


def find_version(record: bytes, height: int) -> str:
    """Return the version of the rules at a height."""
    past = [each.version for each in decode_upgrades(record) if each.height <= height]
    return past[-1] if past else FIRST_VERSION


def find_unknown(record: bytes, height: int) -> str:
    """Return the version that a height's block needs and this code does not have; else ""."""
    version = find_version(record, height) if record else FIRST_VERSION
    return "" if version in KNOWN_VERSIONS else version
