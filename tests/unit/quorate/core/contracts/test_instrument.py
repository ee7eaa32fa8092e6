"""Modules with our counts do what they did, and recurse to one and the same depth."""

import contextlib

import pytest
import wasmtime

from quorate.contracts.engine import WASM_STACK_BYTES
from quorate.core.contracts.bodies import Walker
from quorate.core.contracts.instrument import compute_frame_slots, instrument_module
from quorate.core.contracts.limits import SLOTS_MAX
from quorate.core.contracts.module import check_module
from quorate.core.contracts.padding import PADDING
from quorate.core.contracts.sections import read_shape
from quorate.core.contracts.shape import JAVA, PLAIN
from tests.wasm.assembler import build_module, build_section
from tests.wasm.programs import build_java, build_plain
from tests.wasm.running import FUEL, Outcome, compile_module, get_engine, run_deep, run_method

METHODS = [
    (profile, method)
    for profile, code in ((PLAIN, build_plain()), (JAVA, build_java()))
    for method in check_module(code, profile).methods
]
# Each recurses without end, and counts its calls at byte 0.
COUNT = "(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))"
RECURSIONS = {
    "direct": f'(func $f (export "run") {COUNT} (call $f))',
    "mutual": f'(func $f (export "run") {COUNT} (call $g)) (func $g (local i64) (call $f))',
    "indirect": f"""(table 1 funcref) (elem (i32.const 0) $f)
      (func $f (export "run") {COUNT} (call_indirect (i32.const 0)))""",
    "after returns": f"""(func $leaf) (func $g (call $leaf))
      (func $f (export "run") {COUNT} (call $g) (call $leaf) (call $f) (call $g))""",
    "many locals": f"""(func $f (export "run") (local {"i64 " * 200}) {COUNT}
      {"".join(f"(local.set {k} (i64.load offset={8 * k} (i32.const 64)))" for k in range(200))}
      (call $f)
      {"".join(f"(i64.store offset={8 * k} (i32.const 8) (local.get {k}))" for k in range(200))}
      )""",
    "many operands": f"""(func $f (export "run") {COUNT} (i32.const 8)
      {"".join(f"(i64.load offset={8 * k} (i32.const 64))" for k in range(300))}
      (call $f) {"(i64.xor)" * 299} (i64.store))""",
    "values the optimiser keeps": f"""(func $f (export "run") (local i64 i64) {COUNT}
      (local.set 0 (i64.load (i32.const 8))) (loop $again (call $f) {
        "".join(
            f"(local.set 1 (i64.xor (local.get 1) (i64.mul (local.get 0) (i64.const {k}))))"
            for k in range(1_000_003, 1_000_803, 2)
        )
    } (br_if $again (i64.eqz (local.get 1)))))""",
    "many parameters": f"""(func $f (param {"i64 " * 60}) {COUNT}
      (call $f {"".join(f"(i64.add (local.get {k}) (i64.const 1))" for k in range(60))}))
      (func (export "run") (call $f {"(i64.const 1)" * 60}))""",
}
JAVA_RECURSIONS = {
    "by reference": f"""(type $t (func)) (elem declare func $f)
      (func $f (export "run") (type $t) {COUNT} (call_ref $t (ref.func $f)))""",
    "reals that the optimiser keeps": f"""(func $f (export "run") (local f64 f64) {COUNT}
      (local.set 0 (f64.load (i32.const 8))) (loop $again (call $f) {
        "".join(
            f"(local.set 1 (f64.add (local.get 1) (f64.mul (local.get 0) (f64.const {k}))))"
            for k in range(1_000_003, 1_000_803, 2)
        )
    } (br_if $again (f64.eq (local.get 1) (f64.const 3)))))""",
    "through handlers": f"""(tag $t) (func $f (export "run") {COUNT}
      (block $out (try_table (catch_all $out) (call $f) (throw $t))))""",
}


def assemble(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(f'(module (memory (export "memory") 1) {text})'))


def run_instrumented(code: bytes, profile: int, method: str = "run") -> Outcome:
    check_module(code, profile)
    return run_method(compile_module(instrument_module(code), profile), profile, method)


def read_count(outcome: Outcome) -> int:
    return int.from_bytes(outcome.memory[:4], "little")


def list_slots(code: bytes) -> list[int]:
    shape = read_shape(code, is_java=True)
    walker = Walker(code, shape)
    return [compute_frame_slots(walker.walk(number)) for number in range(len(shape.bodies))]


@pytest.mark.parametrize(("profile", "method"), METHODS)
def test_method_does_what_it_did(profile: int, method: str) -> None:
    code = build_plain() if profile == PLAIN else build_java()
    before = run_method(compile_module(code, profile), profile, method)
    assert run_instrumented(code, profile, method) == before
    assert any(before.memory[:64])


@pytest.mark.parametrize("profile", [PLAIN, JAVA])
@pytest.mark.parametrize("name", RECURSIONS)
def test_recursion_ends_by_our_count(name: str, profile: int) -> None:
    code = assemble(RECURSIONS[name])
    outcome = run_instrumented(code, profile)
    assert outcome.end == "UNREACHABLE"
    assert read_count(outcome) <= SLOTS_MAX // min(list_slots(code))
    assert read_count(outcome) > SLOTS_MAX // (sum(list_slots(code)) + 1) - 2


@pytest.mark.parametrize("name", JAVA_RECURSIONS)
def test_recursion_in_java_ends_by_our_count(name: str) -> None:
    outcome = run_instrumented(assemble(JAVA_RECURSIONS[name]), JAVA)
    assert outcome.end == "UNREACHABLE"
    assert read_count(outcome) > 100


@pytest.mark.parametrize("name", [*RECURSIONS, *JAVA_RECURSIONS])
def test_native_stack_is_far_larger_than_our_count_lets_it_grow(name: str) -> None:
    """Without the count the engine ends it; its frames take at most half of what they may."""
    code = assemble({**RECURSIONS, **JAVA_RECURSIONS}[name])
    module = compile_module(code, JAVA)
    outcome = run_deep(lambda: run_method(module, JAVA, "run", fuel=10 * FUEL))
    assert outcome.end == "STACK_OVERFLOW"
    frame_bytes = WASM_STACK_BYTES / read_count(outcome)
    slots = sum(list_slots(code)) if name == "mutual" else max(list_slots(code))
    print(f"{name}: {frame_bytes / slots:.1f} bytes of native stack for each slot")
    assert SLOTS_MAX * frame_bytes / slots <= WASM_STACK_BYTES / 2


def test_depth_is_what_the_rule_says() -> None:
    code = assemble(RECURSIONS["direct"])
    slots = list_slots(code)[0]
    assert slots == 8 + 0 + 3 + 8 // 8
    # The call that would pass the limit traps before it does anything.
    assert read_count(run_instrumented(code, PLAIN)) == SLOTS_MAX // slots


def test_recursion_below_the_limit_returns() -> None:
    text = """(func $down (param i32) (if (local.get 0)
        (then (call $down (i32.sub (local.get 0) (i32.const 1))))))
      (func (export "run") (call $down (i32.const {depth})))"""
    slots, first = list_slots(assemble(text.format(depth=1)))
    most = (SLOTS_MAX - first) // slots - 1
    assert run_instrumented(assemble(text.format(depth=most)), PLAIN).end == "returned"
    deeper = run_instrumented(assemble(text.format(depth=most + 1)), PLAIN)
    assert deeper.end == "UNREACHABLE"


def test_exceptions_that_leave_functions_take_nothing_away() -> None:
    """300 times 60 functions are left by a throw; the program still has all its room."""
    assert run_instrumented(build_java(), JAVA, "catches").end == "returned"


def test_module_without_calls_or_globals_stays_small() -> None:
    changed = instrument_module(build_module())
    check_module(changed, PLAIN)
    assert len(changed) == len(build_module()) + 8  # only the counter
    wasmtime.Module.validate(get_engine(PLAIN), changed)


def test_counter_comes_behind_all_globals() -> None:
    code = assemble("(global i32 (i32.const 1)) (global (mut i64) (i64.const 2)) (func (call 0))")
    assert len(read_shape(instrument_module(code), is_java=False).globals) == 3
    assert len(read_shape(code, is_java=False).globals) == 2


def test_names_stay_and_other_custom_sections_go() -> None:
    code = assemble('(func $a_name (export "run"))')
    noisy = code + build_section(0, b"\6source" + bytes(100))
    assert instrument_module(noisy) == instrument_module(code)
    assert b"a_name" in instrument_module(noisy)


@pytest.mark.parametrize(
    ("instruction", "key"),
    [
        ("(drop (i64.div_s (i64.const 7) (i64.const 3)))", 0x7F),
        ("(drop (i32.popcnt (i32.const 7)))", 0x69),
        ("(drop (memory.grow (i32.const 0)))", 0x40),
        ("(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))", 0xFC0B),
        ("(drop (f64.sqrt (f64.const 2)))", 0x9F),
    ],
)
def test_dear_instruction_is_padded_with_fuel(instruction: str, key: int) -> None:
    code = assemble(f'(func (export "run") {instruction * 10})')
    profile = JAVA if "f64" in instruction else PLAIN
    used = []
    for each in (code, instrument_module(code)):
        with contextlib.closing(wasmtime.Store(get_engine(profile))) as store:
            store.set_fuel(FUEL)
            exports = wasmtime.Instance(store, compile_module(each, profile), []).exports(store)
            run = exports["run"]
            assert isinstance(run, wasmtime.Func)
            run(store)
            used.append(FUEL - store.get_fuel())
    added = used[1] - used[0]
    assert 10 * PADDING[key] <= added <= 10 * (PADDING[key] + 3)
