"""Contracts in Zig and AssemblyScript, built as their READMEs say."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

NODE_MIN = 20


class ToolchainMissing(Exception):
    """A compiler is not there; says what to do."""


def build_zig(directory: Path) -> tuple[bytes, bytes]:
    """Return code and interface of the tally in Zig."""
    if importlib.util.find_spec("ziglang") is None:
        raise ToolchainMissing("no Zig here. next: make toolchains")
    _run(directory, "sh", "build.sh", sys.executable)
    return _collect(directory)


def build_assemblyscript(directory: Path) -> tuple[bytes, bytes]:
    """Return code and interface of the tally in AssemblyScript."""
    if shutil.which("npm") is None or _find_node_version() < NODE_MIN:
        raise ToolchainMissing(f"no Node.js {NODE_MIN} with npm here. next: apt install nodejs npm")
    stamp, lock = directory / "node_modules" / ".quorate-setup", directory / "package-lock.json"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        _run(directory, "npm", "ci", "--silent")
        stamp.write_bytes(lock.read_bytes())
    _run(directory, "npm", "run", "--silent", "build")
    return _collect(directory)


def _find_node_version() -> int:
    done = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)", done.stdout)
    return int(found[1]) if found else 0


def _run(directory: Path, *command: str) -> None:
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


def _collect(directory: Path) -> tuple[bytes, bytes]:
    return (directory / "tally.wasm").read_bytes(), (directory / "tally.json").read_bytes()
