"""Puts WebAssembly binaries together byte by byte, right ones and wrong ones."""

from collections.abc import Iterable
from typing import Final

from quorate.core.contracts.wasm import encode_u32

HEADER: Final = b"\0asm\1\0\0\0"
NOTHING: Final = b"\x60\0\0"
MEMORY_EXPORT: Final = b"\6memory\2\0"
END: Final = b"\x0b"
# Sections of a module that passes: memory, its export, and one method `run`.
BASE: Final[dict[int, bytes]] = {
    1: b"\1" + NOTHING, 3: b"\1\0", 5: b"\1\0\1",
    7: b"\2" + MEMORY_EXPORT + b"\3run\0\0", 10: b"\1\2\0\x0b",
}  # fmt: skip
_ORDER: Final = (1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11)


def build_vector(items: Iterable[bytes]) -> bytes:
    """Return a count, then the items."""
    parts = list(items)
    return encode_u32(len(parts)) + b"".join(parts)


def build_section(number: int, content: bytes) -> bytes:
    """Return a section."""
    return bytes([number]) + encode_u32(len(content)) + content


def build_body(code: bytes, locals_: int = 0, kind: int = 0x7E) -> bytes:
    """Return a function's body, of some locals of one kind; the `end` is added."""
    groups = build_vector([encode_u32(locals_) + bytes([kind])] if locals_ else [])
    return groups + code + END


def build_code(*bodies: bytes) -> bytes:
    """Return the content of a code section."""
    return build_vector(encode_u32(len(body)) + body for body in bodies)


def build_module(changes: dict[int, bytes | None] | None = None) -> bytes:
    """Return BASE with some sections' contents replaced, added or (None) taken out."""
    sections = {**BASE, **(changes or {})}
    return HEADER + b"".join(
        build_section(number, content)
        for number in _ORDER
        if (content := sections.get(number)) is not None
    )


def build_function(code: bytes, locals_: int = 0) -> bytes:
    """Return BASE with this code as the body of its method."""
    return build_module({10: build_code(build_body(code, locals_))})
