"""What a module may import and export; real modules pass, damaged ones do no harm."""

import subprocess
import sys

import pytest
import wasmtime

from quorate.core.contracts import limits
from quorate.core.contracts.host_functions import HOST_FUNCTIONS, TRACE_LINE
from quorate.core.contracts.instrument import instrument_module
from quorate.core.contracts.limits import CODE_SIZE_BYTES_MAX
from quorate.core.contracts.module import Module, check_module
from quorate.core.contracts.shape import JAVA, PLAIN
from quorate.core.contracts.wasm import encode_u32
from quorate.core.errors import InvalidModule
from tests.conftest import SEED
from tests.style.sources import ROOT
from tests.wasm.assembler import MEMORY_EXPORT, build_module, build_section, build_vector
from tests.wasm.programs import build_java, build_plain
from tests.wasm.running import compile_module, run_method

MEMORY = '(memory (export "memory") 1)'
MUTANTS = 1_500
LETTERS = {0x7F: "i32", 0x7E: "i64"}


def check(text: str, profile: int = PLAIN, **options: bool) -> Module:
    return check_module(wasmtime.wat2wasm(f"(module {text})"), profile, **options)


def write_import(name: str) -> str:
    parameters, results = (
        " ".join(LETTERS[each] for each in side) for side in HOST_FUNCTIONS[name]
    )
    return f'(import "quorate" "{name}" (func (param {parameters}) (result {results})))'


def test_methods_are_the_exported_functions_that_take_and_give_nothing() -> None:
    module = check(
        MEMORY + '(func (export "b")) (func (export "init")) (func (export "_a1"))'
        '(func (export "takes") (param i64)) (func (export "gives") (result i32) (i32.const 1))'
        '(func (export "no name")) (global (export "g") i32 (i32.const 1))'
        f'(func (export "{"x" * 64}")) (func (export "{"y" * 65}")) (func (export "1a"))'
    )
    assert module == Module(("b", "_a1", "x" * 64), has_init=True)


@pytest.mark.parametrize("profile", [PLAIN, JAVA])
def test_everything_that_is_offered_can_be_imported(profile: int) -> None:
    names = [name for name in HOST_FUNCTIONS if name != TRACE_LINE]
    assert len(names) == 24
    check("".join(map(write_import, names)) + MEMORY, profile)


def test_tracing_is_for_traced_builds_only() -> None:
    text = write_import(TRACE_LINE) + MEMORY
    check(text, tracing=True)
    with pytest.raises(InvalidModule, match="only for builds to trace"):
        check(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('(import "env" "memory" (memory 1))', "import env.memory is not offered"),
        ('(import "quorate" "memory" (memory 1))', "import quorate.memory is not offered"),
        ('(import "quorate" "height" (global i64))', "import quorate.height is not offered"),
        ('(import "quorate" "random" (func (result i64)))', "quorate.random is not offered"),
        ('(import "wasi" "height" (func (result i64)))', "wasi.height is not offered"),
        ('(import "quorate" "height" (func (result i32)))', "another type"),
        ('(import "quorate" "height" (func (param i32) (result i64)))', "another type"),
        ('(import "quorate" "height" (func))', "another type"),
        ('(func (export "init") (param i32))', "init is no function"),
        ('(global (export "init") i32 (i32.const 0))', "init is no function"),
    ],
)
def test_text_is_refused(text: str, why: str) -> None:
    for profile in (PLAIN, JAVA):
        with pytest.raises(InvalidModule, match=why):
            check(text + ("" if "(memory" in text else MEMORY), profile)


@pytest.mark.parametrize("text", ["(memory 1)", '(memory 1) (func (export "memory"))'])
def test_memory_must_be_exported(text: str) -> None:
    with pytest.raises(InvalidModule, match="memory"):
        check(text)


@pytest.mark.parametrize(
    "text",
    [
        '(func (export "f") (param f64))',
        '(type $s (struct)) (func (export "f") (result (ref null $s)) (ref.null $s))',
        '(func (export "f") (param externref))',
        '(global (export "g") (ref null any) (ref.null any))',
        '(table (export "t") 1 funcref)',
        '(tag (export "t"))',
    ],
)
def test_odd_export_of_a_java_module_is_refused(text: str) -> None:
    with pytest.raises(InvalidModule, match="export '"):
        check(text + MEMORY, JAVA)


def test_profile_and_size_are_bounded() -> None:
    with pytest.raises(InvalidModule, match="no profile 2"):
        check_module(build_module(), 2)
    padding = CODE_SIZE_BYTES_MAX - len(build_module()) - 9
    full = build_module() + build_section(0, b"\4note" + bytes(padding))
    assert len(full) == CODE_SIZE_BYTES_MAX
    check_module(full, PLAIN)
    with pytest.raises(InvalidModule, match="60001 bytes"):
        check_module(full + b"\0", PLAIN)


def test_java_program_is_no_plain_one() -> None:
    check_module(build_plain(), PLAIN)
    check_module(build_plain(), JAVA)
    check_module(build_java(), JAVA)
    with pytest.raises(InvalidModule):
        check_module(build_java(), PLAIN)


@pytest.mark.parametrize(("profile", "build"), [(PLAIN, build_plain), (JAVA, build_java)])
def test_program_passes_the_engine_whole_and_instrumented(profile: int, build: object) -> None:
    code = build_plain() if build is build_plain else build_java()
    check_module(code, profile)
    compile_module(code, profile)
    compile_module(instrument_module(code), profile)


@pytest.mark.parametrize("profile", [PLAIN, JAVA])
def test_engine_has_room_for_a_module_at_all_limits_at_once(profile: int) -> None:
    functions = limits.FUNCTIONS_MAX
    indices = [encode_u32(number) for number in range(functions)]
    entry = b"\0\x41\0\x0b"
    code = build_module({
        1: build_vector([b"\x60\0\0"] * limits.TYPES_MAX),
        3: build_vector([b"\0"] * functions),
        4: b"\1\x70\0" + encode_u32(limits.TABLE_SIZE_MAX),
        5: b"\1\0" + encode_u32(limits.PAGES_MAX),
        6: build_vector([b"\x7e\1\x42\0\x0b"] * limits.GLOBALS_MAX),
        7: build_vector([MEMORY_EXPORT, b"\3run\0\0", *(
            encode_u32(len(str(number))) + str(number).encode() + b"\0" + encode_u32(number)
            for number in range(1_000, limits.EXPORTS_MAX + 998)
        )]),
        9: build_vector(
            [entry + build_vector(indices)]
            + [entry + b"\0"] * (limits.ELEMENT_SEGMENTS_MAX - 1)
        ),
        10: build_vector([b"\2\0\x0b"] * functions),
        11: build_vector([entry + b"\0"] * limits.DATA_SEGMENTS_MAX),
    })  # fmt: skip
    assert check_module(code, profile).methods == ("run",)
    compiled = compile_module(instrument_module(code), profile)
    assert run_method(compiled, profile, "run").end == "returned"


def test_damaged_modules_crash_nothing() -> None:
    """A slice of the recorded run of 100,000 (docs/evidence.md), with a seed of this run."""
    command = [sys.executable, "tests/wasm/run.py", "--mutants", str(MUTANTS), "--seed", str(SEED)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "refused by the checker" in done.stdout and "ran: " in done.stdout, done.stdout
