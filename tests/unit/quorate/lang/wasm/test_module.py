"""The binary of a module, byte for byte."""

import pytest

from quorate.core.contracts.module import check_module
from quorate.lang.wasm.code import I32, Function, Module
from quorate.lang.wasm.module import encode_module, encode_s, encode_u

IMPORTS = {"host_height": ((), ("i64",)), "host_value": ((), ("i64",))}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "00"), (127, "7f"), (128, "8001"), (624485, "e58e26"), (2**32 - 1, "ffffffff0f")],
)
def test_unsigned_numbers(value: int, expected: str) -> None:
    assert encode_u(value).hex() == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "00"),
        (63, "3f"),
        (64, "c000"),
        (-1, "7f"),
        (-64, "40"),
        (-65, "bf7f"),
        (-123456, "c0bb78"),
        (2**64 - 1, "7f"),
        (2**63 - 1, "ffffffffffffffffff00"),
        (2**63, "8080808080808080807f"),
    ],
)
def test_signed_numbers_take_unsigned_ones_as_their_complement(value: int, expected: str) -> None:
    assert encode_s(value, 64).hex() == expected


def test_only_what_exports_reach_is_written() -> None:
    module = Module(IMPORTS, globals={"HEAP": I32}, data_start=256, heap="HEAP")
    module.add(Function("run", code=[("call", "used"), ("data", b"text"), ("drop",)]))
    module.add(Function("used", code=[("call", "host_height"), ("drop",)]))
    module.add(Function("idle", code=[("call", "host_value"), ("drop",)]))
    module.exports["go"] = "run"
    binary = encode_module(module)
    assert binary == encode_module(module)
    assert b"height" in binary and b"value" not in binary and b"text" in binary
    assert check_module(binary, 0).methods == ("go",)
    # HEAP starts where the constants end.
    assert b"\x41" + encode_s(260, 32) + b"\x0b" in binary


def test_branches_find_their_label_however_deep() -> None:
    code = [
        ("block", "out", ()),
        ("loop", "again", ()),
        ("i32.const", 1),
        ("if", "L", ()),
        ("br", "out"),
        ("else",),
        ("br", "again"),
        ("end",),
        ("end",),
        ("end",),
    ]
    module = Module({}, exports={"go": "run"})
    module.add(Function("run", code=code))
    assert bytes.fromhex("0240 0340 4101 0440 0c02 05 0c01 0b 0b 0b 0b") in encode_module(module)
