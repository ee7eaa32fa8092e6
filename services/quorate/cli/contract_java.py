"""Contracts in Java: runs Maven over the author's project (docs/contract-java.md)."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from quorate.core.errors import InvalidInput, NotFound, Unavailable

_TIMEOUT_S: Final = 900
_INSTALL: Final = "apt install default-jdk-headless maven   (Debian, Ubuntu)"
_PROGRAMS: Final = {"javac": "a Java compiler (JDK 17 or newer)", "mvn": "Maven"}
# What Maven says when it may not, or can't, fetch what it lacks.
_LACKS: Final = re.compile(
    r"Could not (?:find|resolve|transfer)|Non-resolvable|offline mode|"
    r"PluginResolutionException|Failure to find"
)
_NOISE: Final = re.compile(
    r"^\[Help \d\]|To see the full stack trace|Re-run Maven|For more information|"
    r"After correcting the problems|mvn <args>|COMPILATION ERROR|^-+$|^\d+ errors?$"
)
_CODES: Final = re.compile(r"\x1b\[[0-9;]*m| -> \[Help \d\]")
_PLACE: Final = re.compile(r"^(?P<path>.+\.java):\[(?P<line>\d+),(?P<column>\d+)\] ")
_GOAL: Final = re.compile(r"^Failed to execute goal \S+(?: \(\S+\))? on project \S+: ")


def build_java(directory: Path) -> tuple[str, bytes, bytes]:
    """Return name, code and interface of the contract whose Maven project this is.

    Raises NotFound (no JDK, Maven or project), InvalidInput with what the compilers say, and
    Unavailable where a package that is needed once could not be fetched.
    """
    _check_programs()
    if not (directory / "pom.xml").is_file():
        raise NotFound(
            f"{directory} is no Maven project: it has no pom.xml. "
            "Start from a copy of examples/contracts/java-token",
            reason="NO_PROJECT",
        )
    with _lock():
        has_sdk = _marker().exists()
        if not has_sdk:
            install_sdk()
    said = _run(directory, "clean", "package")
    if said is not None and has_sdk and _LACKS.search(said) and "quorate-contract" in said:
        # The local repository may have been emptied since.
        with _lock():
            install_sdk()
        said = _run(directory, "clean", "package")
    if said is not None:
        raise _describe(said, directory)
    return _collect(directory / "target")


def install_sdk() -> None:
    """Put the SDK for Java into Maven's local repository: once for each state of its sources."""
    with tempfile.TemporaryDirectory(prefix="quorate-java-") as scratch:
        copy = Path(scratch) / "java"
        shutil.copytree(find_sdk(), copy, ignore=shutil.ignore_patterns("target"))
        said = _run(copy, "install")
    if said is not None:
        raise _describe(said, find_sdk())
    marker = _marker()
    for old in marker.parent.glob("java-sdk-*"):
        old.unlink()
    marker.touch()


def find_sdk() -> Path:
    """Return where the sources of the SDK for Java are: in the package, or in the checkout."""
    package = Path(__file__).parents[1]
    for place in (package / "java", package.parents[1] / "sdk" / "java"):
        if (place / "pom.xml").is_file():
            return place
    raise NotFound("this installation lacks the SDK for Java (sdk/java)", reason="NO_SDK")


def _check_programs() -> None:
    for program, what in _PROGRAMS.items():
        if shutil.which(program) is None:
            raise NotFound(
                f"contracts in Java need {what}: there is no `{program}` here. next: {_INSTALL}",
                reason="NO_TOOLCHAIN",
                program=program,
            )


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = Path(root) / "quorate"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def _marker() -> Path:
    """Return the file that says that the SDK, as it is now, is in the local repository."""
    sdk, digest = find_sdk(), hashlib.sha256()
    for path in sorted(sdk.rglob("*")):
        if path.is_file() and "target" not in path.relative_to(sdk).parts:
            digest.update(str(path.relative_to(sdk)).encode() + b"\0" + path.read_bytes() + b"\0")
    return _cache() / f"java-sdk-{digest.hexdigest()[:32]}"


@contextmanager
def _lock() -> Iterator[None]:
    """One install at a time."""
    with (_cache() / "java-sdk.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(directory: Path, *goals: str) -> str | None:
    """Run Maven, offline if that will do; return what it said if it failed, else None."""
    said = _run_once(directory, "--offline", *goals)
    if said is not None and _LACKS.search(said):
        said = _run_once(directory, *goals)
    return said


def _run_once(directory: Path, *arguments: str) -> str | None:
    command = ["mvn", "--batch-mode", "--quiet", "-Dstyle.color=never", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(
            f"Maven did not end within {_TIMEOUT_S} s in {directory}", reason="TIMEOUT"
        ) from error
    return done.stdout if done.returncode else None


def _describe(said: str, directory: Path) -> InvalidInput | Unavailable:
    """Return what went wrong, in the compilers' own words, without Maven's around them."""
    lines: list[str] = []
    for line in _CODES.sub("", said).splitlines():
        text = line.removeprefix("[ERROR]").strip()
        if text and line.startswith(("[ERROR]", " ")) and not _NOISE.search(text):
            text = _place(text, directory)
            if text not in lines:
                lines.append(text)
    # Where the compiler has named places, Maven's summary only repeats them.
    placed = [line for line in lines if re.match(r"\S+\.java:\d+: ", line)]
    told = "\n".join(lines if not placed else _without_summary(lines)) or said.strip()[-2000:]
    if _LACKS.search(said):
        return Unavailable(
            f"Maven could not fetch what it needs (once; later builds need no network):\n{told}",
            reason="NO_PACKAGES",
        )
    return InvalidInput(f"the contract does not build:\n{told}", reason="BUILD_FAILED")


def _place(text: str, directory: Path) -> str:
    """Return a compiler's message as `path:line: text`, the path seen from the project."""
    text = _GOAL.sub("", text)
    found = _PLACE.match(text)
    if not found:
        return text
    path = Path(found["path"])
    if path.is_relative_to(directory.resolve()):
        path = path.relative_to(directory.resolve())
    return f"{path}:{found['line']}: {text[found.end() :].removeprefix('error: ')}"


def _without_summary(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith(("Compilation failure", "Failed to"))]


def _collect(target: Path) -> tuple[str, bytes, bytes]:
    for code in sorted(target.glob("*.wasm")):
        interface = code.with_suffix(".json")
        if interface.is_file():
            return code.stem, code.read_bytes(), interface.read_bytes()
    raise InvalidInput(
        f"Maven left no contract in {target}: the project's parent must be "
        "quorate:quorate-contract-parent, and one class must be marked @Contract",
        reason="NO_CONTRACT",
    )
