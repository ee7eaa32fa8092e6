"""What an author's loop consists of: waiting for files to change, and running the author's tests.

Files are looked at every LOOK_S: that works on every file system, also where editors replace the
file instead of writing into it.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

from quorate.devnet.author_tests import NO_PYTEST

LOOK_S: Final = 0.05
_TESTS_S: Final = 60.0
# Exit codes of pytest.
_PASSED, _NONE_FOUND = 0, 5

Seen = tuple[tuple[int, int] | None, ...]
"""Time of change (ns) and size of each file; None: it is not there."""


class Tested(NamedTuple):
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


class AuthorTests:
    """Runs the tests of a contract by pytest, in forks of a process that has it loaded.

    Use with `async with`: the process is started at once, and ends with it.
    """

    def __init__(self, source: Path, *, colour: bool = False) -> None:
        self._source, self._colour = source.absolute(), colour
        self._child: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Start the process; what it loads, it loads while its user does something else."""
        self._child = await _start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the process."""
        await self._end()

    async def run(self) -> Tested:
        """Run the tests as they are now."""
        tests, started_s = find_tests(self._source), time.perf_counter()
        if not tests.is_file():
            return Tested(None, f"no tests: {tests} would be run", 0.0)
        with tempfile.NamedTemporaryFile(prefix="quorate-tests-") as file:
            code = await self._ask(tests, file.name)
            text = file.read().decode(errors="replace").strip()
        seconds = time.perf_counter() - started_s
        if code == NO_PYTEST:
            return Tested(None, "tests need pytest: `pip install pytest`", seconds)
        if code is None:
            text += f"\nthe tests did not end within {_TESTS_S:.0f} s, or killed their process"
        return Tested(None if code == _NONE_FOUND else code == _PASSED, text.strip(), seconds)

    async def _ask(self, tests: Path, output: str) -> int | None:
        """Return the exit code; None, and the process is another, where it came to none."""
        if self._child is None:
            self._child = await _start()
        assert self._child.stdin is not None and self._child.stdout is not None
        arguments = _build_arguments(tests, self._source.parent, colour=self._colour)
        directory = str(self._source.parent)
        request = {"directory": directory, "arguments": arguments, "output": output}
        answer = b""
        try:
            self._child.stdin.write(json.dumps(request).encode() + b"\n")
            await self._child.stdin.drain()
            async with asyncio.timeout(_TESTS_S):
                answer = await self._child.stdout.readline()
        except (TimeoutError, ConnectionError):
            pass
        if answer:
            return int(answer)
        return NO_PYTEST if await self._end() == NO_PYTEST else None

    async def _end(self) -> int | None:
        """End the process, if it has not ended, and return its exit code."""
        child, self._child = self._child, None
        if child is None:
            return None
        # Its forks are of its group; one that has ended already keeps its exit code.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.communicate()
        return child.returncode


async def _start() -> asyncio.subprocess.Process:
    # -P: a contract token.py in the current directory is not Python's own module of that name.
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "quorate.devnet.author_tests",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip


def _build_arguments(tests: Path, root: Path, *, colour: bool) -> list[str]:
    # Neither settings nor plugins of the project around it: they take longer than the tests.
    return [
        "-q", "-x", "--tb=short", "--no-header", "-p", "no:cacheprovider",
        "-p", "quorate.lang.pytest_plugin", "--contracts=shim", "--import-mode=importlib",
        f"--color={'yes' if colour else 'no'}", "-c", os.devnull, "--rootdir", str(root),
        "-W", "ignore::pytest.PytestAssertRewriteWarning",
        str(tests),
    ]  # fmt: skip


def _look(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
