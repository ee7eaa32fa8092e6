"""The files that the style tests look at: what git would commit, their text and syntax trees."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = "services/quorate/api/"
BINARY = (".binpb", ".png", ".ico")


@cache
def list_files() -> tuple[str, ...]:
    """Return the tracked and the new, not ignored files, as paths below the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        names = [name for name in done.stdout.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive has no .git
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
        names = [name for name in names if not any(p.startswith(".v") for p in Path(name).parts)]
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


def list_python(*under: str) -> list[str]:
    """Return hand-written Python files, all or those below some folders."""
    names = [n for n in list_files() if n.endswith(".py") and not n.startswith(GENERATED)]
    return [n for n in names if not under or n.startswith(under)]


def list_text() -> list[str]:
    """Return all files that hold text."""
    return [name for name in list_files() if not name.endswith(BINARY)]


@cache
def read(name: str) -> str:
    """Return a file's text."""
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def parse(name: str) -> ast.Module:
    """Return a Python file's syntax tree."""
    return ast.parse(read(name), filename=name)
