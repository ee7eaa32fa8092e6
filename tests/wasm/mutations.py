"""Damages modules at random, most of it small and deep enough to get past the first checks."""

from collections.abc import Callable
from random import Random
from typing import Final

from quorate.core.contracts.wasm import Reader
from quorate.core.errors import InvalidModule
from tests.wasm.assembler import HEADER, build_section

# Bytes that mean something: ends, blocks, numbers at their bounds, prefixes, types.
_TELLING: Final = bytes.fromhex("00 01 02 03 04 05 0b 0c 0d 0e 10 11 1f 20 41 7e 7f 80 fb fc ff")


def mutate(rng: Random, code: bytes, other: bytes) -> bytes:
    """Return a damaged copy of `code`, with parts of `other` perhaps."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        change = rng.choice(_CHANGES)
        if rng.random() < 0.05:
            code = _splice(rng, code, other)
        elif rng.random() < 0.75:
            code = _within_section(rng, code, change)
        else:
            code = change(rng, code)
    return code


def _within_section(rng: Random, code: bytes, change: "Change") -> bytes:
    """Damage one section's content, and put the section's size right."""
    sections = _list_sections(code)
    if not sections:
        return change(rng, code)
    chosen = rng.choices(range(len(sections)), [len(content) + 1 for _, content in sections])[0]
    number, content = sections[chosen]
    if number == 10 and rng.random() < 0.8:
        content = _within_body(rng, content, change)
    else:
        content = change(rng, content)
    sections[chosen] = number, content
    return HEADER + b"".join(build_section(*each) for each in sections)


def _within_body(rng: Random, content: bytes, change: "Change") -> bytes:
    """Damage a piece of the code section without moving what is behind it."""
    if not content:
        return content
    start = rng.randrange(len(content))
    end = min(len(content), start + rng.choice((1, 2, 8, 32)))
    piece = change(rng, content[start:end])
    return content[:start] + piece.ljust(end - start, b"\1")[: end - start] + content[end:]


def _list_sections(code: bytes) -> list[tuple[int, bytes]]:
    found = []
    reader = Reader(code, 8)
    try:
        while reader.position < reader.end:
            number = reader.read_byte()
            found.append((number, reader.read_bytes(reader.read_u32())))
    except InvalidModule:
        return []
    return found


def _set_byte(rng: Random, code: bytes) -> bytes:
    at = rng.randrange(len(code) + 1)
    byte = rng.choice(_TELLING) if rng.random() < 0.7 else rng.randrange(256)
    return code[:at] + bytes([byte]) + code[at + 1 :]


def _flip_bit(rng: Random, code: bytes) -> bytes:
    if not code:
        return code
    at = rng.randrange(len(code))
    return code[:at] + bytes([code[at] ^ 1 << rng.randrange(8)]) + code[at + 1 :]


def _insert(rng: Random, code: bytes) -> bytes:
    at = rng.randrange(len(code) + 1)
    return code[:at] + bytes(rng.choices(_TELLING, k=rng.choice((1, 2, 5)))) + code[at:]


def _remove(rng: Random, code: bytes) -> bytes:
    at = rng.randrange(len(code) + 1)
    return code[:at] + code[at + rng.choice((1, 2, 5, 30)) :]


def _repeat(rng: Random, code: bytes) -> bytes:
    start = rng.randrange(len(code) + 1)
    end = start + rng.choice((1, 3, 10, 100))
    return code[:end] + code[start:end] * rng.choice((1, 2, 20)) + code[end:]


def _truncate(rng: Random, code: bytes) -> bytes:
    return code[: rng.randrange(len(code) + 1)]


def _splice(rng: Random, code: bytes, other: bytes) -> bytes:
    at = rng.randrange(len(code) + 1)
    start = rng.randrange(len(other) + 1)
    return code[:at] + other[start : start + rng.choice((1, 4, 16, 64))] + code[at:]


def _plain_splice(rng: Random, code: bytes) -> bytes:
    return _splice(rng, code, code)


Change = Callable[[Random, bytes], bytes]
_CHANGES: Final[tuple[Change, ...]] = (
    _set_byte, _set_byte, _set_byte, _flip_bit, _flip_bit, _insert, _remove, _repeat, _truncate,
    _plain_splice,
)  # fmt: skip
