"""What stands in function bodies: refused instructions, indices, limits, and what is measured."""

from collections.abc import Iterator

import pytest
import wasmtime

from quorate.core.contracts import limits
from quorate.core.contracts.bodies import Body, Walker
from quorate.core.contracts.module import check_module
from quorate.core.contracts.sections import read_shape
from quorate.core.contracts.shape import JAVA, PLAIN
from quorate.core.contracts.wasm import encode_u32
from quorate.core.errors import InvalidModule
from tests.wasm.assembler import build_body, build_code, build_function, build_module
from tests.wasm.programs import build_java, build_plain


def walk(code: bytes, *, is_java: bool = False) -> Iterator[Body]:
    shape = read_shape(code, is_java=is_java)
    walker = Walker(code, shape)
    return (walker.walk(number) for number in range(len(shape.bodies)))


def measure(text: str) -> Body:
    """Return what is measured of the first function of a text."""
    return next(walk(wasmtime.wat2wasm(f'(module (memory (export "memory") 1) {text})')))


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("43000000001a", "floats are not in profile plain"),
        ("410041008c1a", "floats are not in profile plain"),
        ("41002a02001a", "floats are not in profile plain"),
        ("d0701a", "references are not in profile plain"),
        ("fb00001a", "references are not in profile plain"),
        ("41002500", "references are not in profile plain"),
        ("1f400000", "exceptions are not in profile plain"),
        ("0640", "exceptions of the old kind"),
        ("fd0c", "SIMD"),
        ("fe0300", "threads"),
        ("1200", "tail calls"),
        ("27", "there is no such instruction"),
        ("ff", "there is no such instruction"),
        ("fc00", "opcode 0xfc 0 is not allowed"),
        ("fc0800", "opcode 0xfc 8 is not allowed"),
        ("fc0c0000", "opcode 0xfc 12 is not allowed"),
        ("fc8f00", "opcode 0xfc 15 is not allowed"),
        ("2000", "local 0 is not there"),
        ("20ff01", "local 255 is not there"),
        ("2300", "global 0 is not there"),
        ("1001", "function 1 is not there"),
        ("41001101 00", "type 1 is not there"),
        ("4100110000", "table 0 is not there"),
        ("0c01", "label 1 is not there"),
        ("0240 0c02 0b", "label 2 is not there"),
        ("41000e0000 0e", "cut off"),
        ("41000e010001", "label 1 is not there"),
        ("410029 04 00 1a", "alignment of more than 8 bytes"),
        ("410029 40 00 00 1a", "alignment of more than 8 bytes"),
        ("3f01", "memory 1 is not there"),
        ("4100 4100 4100 fc0a0100", "memory 1 is not there"),
        ("05", "an else without an if"),
        ("0b", "code after the function's end"),
        ("410004400505 0b", "an else without an if"),
        ("0240", "cut off"),
        ("02010b", "type 1 is not there"),
        ("027d", "floats"),
        ("41808080808000", "more than 5 bytes"),
        ("42808080808080808080808000", "more than 10 bytes"),
        ("41ffffffff0f1a", "more than 32 bits"),
    ],
)
def test_body_is_refused(code: str, why: str) -> None:
    module = build_function(bytes.fromhex(code))
    with pytest.raises(InvalidModule, match=why) as error:
        check_module(module, PLAIN)
    assert len(module) - 2 - len(bytes.fromhex(code)) <= error.value.offset <= len(module)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("0800", "tag 0 is not there"), ("1c02", "a select of one type"),
        ("fb1f", "opcode 0xfb 31 is not allowed"), ("fb0001", "type 1 is not there"),
        ("fb0000", "type 0 is a function's"), ("fb0900", "type 0 is a function's"),
        ("fc0e0000", "opcode 0xfc 14 is not allowed"), ("d201", "function 1 is not there"),
        ("1f40010400", "a catch of an unknown kind"), ("1f40010201", "label 1 is not there"),
        ("d000 1401", "type 1 is not there"), ("d040", "no such heap type"),
        ("fc090000", "data segment 0 is not there"), ("fc0d00", "element segment 0 is not there"),
        ("fd0c", "SIMD"), ("1500", "tail calls"),
    ],
)  # fmt: skip
def test_java_body_is_refused(code: str, why: str) -> None:
    with pytest.raises(InvalidModule, match=why):
        check_module(build_function(bytes.fromhex(code)), JAVA)


@pytest.mark.parametrize(
    ("code", "locals_", "why"),
    [
        (b"\1" * limits.INSTRUCTIONS_MAX, 0, "16385 instructions"),
        (b"\x0c\0" * (limits.BRANCHES_MAX + 1), 0, "2049 branches"),
        (b"\x03\x40\x0b" * (limits.BRANCHES_MAX + 1), 0, "2049 branches"),
        (b"\x41\0\x0e" + encode_u32(2047) + bytes(2048) + b"\x0c\0", 0, "2049 branches"),
        (b"\x41\0\x0e" + encode_u32(2049) + bytes(2050), 0, "2049 targets"),
        (b"\x02\x40" * 129 + b"\x0b" * 129, 0, "blocks nest deeper than 128"),
        (b"\x03\x40" * 25 + b"\x0b" * 25, 0, "loops nest deeper than 24"),
        (b"\x41\0" + b"\x40\0" * 257 + b"\x1a", 0, "more than 256 memory.grow"),
        (b"\x41\0" * 1025 + b"\x1a" * 1025, 0, "1025 operands at once"),
        (b"", 1025, "more than 1024 parameters and locals"),
        (b"", 0xFFFF_FFFF, "more than 1024 parameters and locals"),
        (b"\x0c\0" * 33, 1000, "33000 branches times locals"),
    ],
)
def test_limit_of_a_function(code: bytes, locals_: int, why: str) -> None:
    with pytest.raises(InvalidModule, match=why):
        check_module(build_function(code, locals_), PLAIN)


@pytest.mark.parametrize(
    ("code", "locals_"),
    [
        (b"\1" * (limits.INSTRUCTIONS_MAX - 1), 0), (b"\x0c\0" * limits.BRANCHES_MAX, 0),
        (b"\x02\x40" * 128 + b"\x0b" * 128, 0), (b"\x03\x40" * 24 + b"\x0b" * 24, 0),
        (b"\x41\0" * 1024 + b"\x1a" * 1024, 0), (b"", 1024), (b"\x0c\0" * 32, 1024),
    ],
)  # fmt: skip
def test_function_at_its_limit_passes(code: bytes, locals_: int) -> None:
    check_module(build_function(code, locals_), PLAIN)


@pytest.mark.parametrize("code", [b"\x23\0\x1a", b"\xd0\x6c\xfb\x1d\x1a"])
def test_instructions_on_references_are_bounded_over_all_functions(code: bytes) -> None:
    half = build_body(code * (limits.REFERENCE_INSTRUCTIONS_MAX // 4))
    module = {3: b"\4\0\0\0\0", 6: b"\1\x70\0\xd0\x70\x0b"}
    check_module(build_module({**module, 10: build_code(half, half, half, half)}), JAVA)
    more = build_body(code * (limits.REFERENCE_INSTRUCTIONS_MAX // 4 + 1))
    with pytest.raises(InvalidModule, match="8192 instructions on references"):
        check_module(build_module({**module, 10: build_code(half, half, half, more)}), JAVA)


def test_branches_times_locals_are_bounded_over_all_functions() -> None:
    heavy = build_body(b"\x0c\0" * 32, 1000)
    passes = {3: b"\2\0\0", 10: build_code(heavy, heavy)}
    check_module(build_module(passes), PLAIN)
    refused = {3: b"\3\0\0\0", 10: build_code(heavy, heavy, heavy)}
    with pytest.raises(InvalidModule, match="added up over functions"):
        check_module(build_module(refused), PLAIN)


@pytest.mark.parametrize(
    ("text", "height"),
    [
        ("(func)", 0),
        ("(func (param i64) (result i64) (local.get 0))", 1),
        ("(func (result i32) (i32.add (i32.const 1) (i32.add (i32.const 2) (i32.const 3))))", 3),
        ("(func (i64.store (i32.const 1) (i64.load (i32.const 8))))", 2),
        ("(func (if (i32.const 1) (then (drop (i32.const 2))) (else (nop))))", 1),
        ("(func (drop (block (result i32) (i32.const 1) (br 0) (unreachable))))", 1),
        (
            """(func (param i64) (drop (drop (drop (call $three)))))
            (func $three (result i64 i64 i64) (i64.const 1) (i64.const 2) (i64.const 3))""", 3,
        ),
        ("(func (drop (select (i32.const 1) (i32.const 2) (i32.const 3))))", 3),
        ("(func (memory.copy (i32.const 1) (i32.const 2) (i32.const 3)) (drop (i32.const 1)))", 3),
    ],
)  # fmt: skip
def test_height_is_the_most_operands_at_once(text: str, height: int) -> None:
    assert measure(text).height == height


def test_only_calls_that_may_stay_in_the_module_are_marked() -> None:
    text = """
      (import "quorate" "height" (func $height (result i64))) (table 1 funcref)
      (func $f (drop (call $height)) (call $f) (call_indirect (i32.const 0))
        (drop (i32.popcnt (i32.const 1))))"""
    body = next(walk(wasmtime.wat2wasm(f"(module {text} (memory 1))")))
    assert [(mark.is_call, mark.fuel > 0) for mark in body.marks] == [
        (True, False), (True, True), (False, True),
    ]  # fmt: skip


@pytest.mark.parametrize(("code", "is_java"), [(build_plain(), False), (build_java(), True)])
def test_heights_end_where_each_function_says(code: bytes, is_java: bool) -> None:
    for body in walk(code, is_java=is_java):
        assert 0 <= body.height <= 8
        assert body.instructions > 1
        assert body.code < body.end


def test_java_walk_measures_plain_modules_alike() -> None:
    assert list(walk(build_plain())) == list(walk(build_plain(), is_java=True))
