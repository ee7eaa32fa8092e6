"""Reads the scripts (.wast) of WebAssembly's own test-suite: forms, with where they stand."""

import functools
import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import wasmtime

_TOKEN: Final = re.compile(r';;[^\n]*|\(;|"(?:[^"\\]|\\.)*"|[()]|[^\s()";]+|\s+|;')
_COMMENT_EDGE: Final = re.compile(r"\(;|;\)")
_ESCAPE: Final = re.compile(rb'\\(u\{[0-9a-fA-F]+\}|[0-9a-fA-F]{2}|[tnr"\'\\])')
_CONTROLS: Final = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b'"': b'"', b"'": b"'", b"\\": b"\\"}
_CODE_OF_CONST: Final = {"f32.const": (b"\x43", "<f"), "f64.const": (b"\x44", "<d")}


@dataclass(slots=True)
class Form:
    """One parenthesised form: its place in the text, and what is in it."""

    start: int
    end: int = 0
    items: "list[Form | str]" = field(default_factory=list)

    @property
    def head(self) -> str:
        """Return the first word."""
        return self.items[0] if self.items and isinstance(self.items[0], str) else ""

    def forms(self) -> "list[Form]":
        """Return the forms inside."""
        return [each for each in self.items if isinstance(each, Form)]

    def words(self) -> list[str]:
        """Return the words and strings inside, without the first."""
        return [each for each in self.items[1:] if isinstance(each, str)]


def parse(text: str) -> list[Form]:
    """Return the forms of a script."""
    top = Form(0)
    stack = [top]
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        assert found, text[position : position + 40]
        token = found.group()
        if token == "(;":
            position = _skip_comment(text, position)
            continue
        position = found.end()
        if token == "(":
            stack.append(Form(found.start()))
        elif token == ")":
            form = stack.pop()
            form.end = position
            stack[-1].items.append(form)
        elif not token.isspace() and not token.startswith(";;"):
            stack[-1].items.append(token)
    return top.forms()


def _skip_comment(text: str, position: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, position):
        depth += 1 if edge.group() == "(;" else -1
        if not depth:
            return edge.end()
    raise AssertionError("a comment without end")


def unquote(token: str) -> str:
    """Return a string's text."""
    return _ESCAPE.sub(_unescape, token[1:-1].encode()).decode("utf-8", "surrogateescape")


def _unescape(found: "re.Match[bytes]") -> bytes:
    code = found.group(1)
    if code in _CONTROLS:
        return _CONTROLS[code]
    return chr(int(code[2:-1], 16)).encode() if code[:1] == b"u" else bytes.fromhex(code.decode())


@functools.cache
def read_number(kind: str, literal: str) -> int | float:
    """Return the value of `f64.const 0x1p-3` and the like."""
    if kind in ("i32.const", "i64.const"):
        bits = int(kind[1:3])
        value = int(literal.replace("_", ""), 0) & (1 << bits) - 1
        return value - (1 << bits) if value >> bits - 1 else value
    code, layout = _CODE_OF_CONST[kind]
    binary = bytes(wasmtime.wat2wasm(f"(module (func ({kind} {literal}) drop))"))
    start = binary.index(code, binary.index(b"\x0a", len(binary) - 9 - struct.calcsize(layout))) + 1
    number: float = struct.unpack_from(layout, binary, start)[0]
    return number


def is_as_expected(result: object, expected: Form) -> bool:
    """Tell whether a result is what a form like `(f32.const nan:canonical)` asks for."""
    literal = expected.words()[0]
    if literal.startswith("nan") or literal[1:].startswith("nan"):
        return isinstance(result, float) and math.isnan(result)
    number = read_number(expected.head, literal)
    if isinstance(number, float):
        return isinstance(result, float) and struct.pack("<d", result) == struct.pack("<d", number)
    return result == number


def iter_constants(form: Form) -> Iterator[int | float]:
    """Yield the arguments of an `(invoke "name" (i32.const 1) …)`."""
    for each in form.forms():
        yield read_number(each.head, each.words()[0])
