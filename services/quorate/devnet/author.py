"""What an author's loop consists of: waiting for files to change, and running the author's tests.

Files are looked at every LOOK_S: that works on every file system, also where editors replace the
file instead of writing into it.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

LOOK_S: Final = 0.05
_TESTS_S: Final = 60.0
# Exit codes of pytest.
_PASSED, _NONE_FOUND = 0, 5

Seen = tuple[tuple[int, int] | None, ...]
"""Time of change (ns) and size of each file; None: it is not there."""


class TestRun(NamedTuple):
    """What the author's tests said; `passed` is None where there are none."""

    passed: bool | None
    output: str
    seconds: float


def look(paths: Sequence[Path]) -> Seen:
    """Return what tells whether files have changed."""
    return tuple(_look(path) for path in paths)


async def wait_changed(paths: Sequence[Path], seen: Seen) -> Seen:
    """Wait until files are not as they were seen; return how they are now."""
    while True:
        await asyncio.sleep(LOOK_S)
        if (now := look(paths)) != seen:
            return now


def find_tests(source: Path) -> Path:
    """Return where the tests of a contract belong: tests/test_NAME.py beside it."""
    return source.parent / "tests" / f"test_{source.stem}.py"


async def run_tests(source: Path, *, colour: bool = False) -> TestRun:
    """Run the tests of a contract with pytest in a process of its own."""
    tests, started_s = find_tests(source), time.perf_counter()
    if not tests.is_file():
        return TestRun(None, f"no tests: {tests} would be run", 0.0)
    child = await asyncio.create_subprocess_exec(
        *_build_command(tests, source.parent, colour=colour),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    try:
        async with asyncio.timeout(_TESTS_S):
            said, _ = await child.communicate()
    except TimeoutError:
        seconds = time.perf_counter() - started_s
        return TestRun(False, f"the tests did not end within {_TESTS_S:.0f} s", seconds)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    seconds, text = time.perf_counter() - started_s, said.decode(errors="replace").strip()
    passed = None if child.returncode == _NONE_FOUND else child.returncode == _PASSED
    return TestRun(passed, text, seconds)


def _build_command(tests: Path, root: Path, *, colour: bool) -> list[str]:
    # Neither settings nor plugins of the project around it: they take longer than the tests.
    return [
        sys.executable, "-m", "pytest", "-q", "-x", "--tb=short", "--no-header", "-p",
        "no:cacheprovider", "-p", "quorate.lang.pytest_plugin", "--contracts=shim",
        "--import-mode=importlib", f"--color={'yes' if colour else 'no'}",
        "-c", os.devnull, "--rootdir", str(root.absolute()), str(tests.absolute()),
    ]  # fmt: skip


def _look(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
