"""Low Python becomes instructions one by one."""

import pytest

from quorate.lang.lower.low import translate
from quorate.lang.lower.runtime import load_runtime
from quorate.lang.wasm.code import I32, I64


def test_an_expression_is_written_as_it_is_evaluated() -> None:
    function = translate(["def f(a: i64, b: i32) -> i64:\n    return a + wide(b) * 3\n"])["f"]
    assert function.parameters == ("a", "b") and function.results == (I64,)
    assert function.code == [
        ("local.get", "a"),
        ("local.get", "b"),
        ("i64.extend_i32_u",),
        ("i64.const", 3),
        ("i64.mul",),
        ("i64.add",),
        ("return",),
        ("unreachable",),
    ]


def test_several_results_are_unpacked_backwards() -> None:
    source = """
def pair() -> (i64, i32):
    return 5, 6


def f():
    a, HEAP = pair()
"""
    code = translate([source])["f"].code
    assert code == [("call", "pair"), ("global.set", "HEAP"), ("local.set", "a")]


def test_a_text_is_an_address_and_a_size() -> None:
    code = translate(['def f(p: i32):\n    host_revert("äx", p)\n'])["f"].code
    assert code[:2] == [("data", "äx".encode()), ("i32.const", 3)]


def test_types_must_agree() -> None:
    with pytest.raises(AssertionError):
        translate(["def f(a: i64, b: i32) -> i64:\n    return a + b\n"])


def test_every_function_of_the_runtime_calls_what_there_is() -> None:
    runtime = load_runtime()
    assert runtime["alloc"].locals["size"] == I32
    for function in runtime.values():
        for name in function.find_calls():
            assert name in runtime or name.startswith("host_"), f"{function.name}: {name}"
