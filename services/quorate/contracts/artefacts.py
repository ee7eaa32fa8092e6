"""Compiled modules on disk: a cache of what this machine compiled, never of what a peer sent.

A file is named after the module, its profile and what compiled it (the engine's version, and the
source of what prepares modules for it); it starts with
the hash of what it holds, so a damaged one is as good as none. Whatever is missing is compiled
again, so the directory may be deleted at any time.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

from quorate.contracts import engine
from quorate.core.contracts import bodies, instrument, limits, sections
from quorate.core.contracts.machine import Code

BYTES_MAX: Final = 256 * 1024 * 1024
_HASH_BYTES: Final = 32
_SUFFIX: Final = ".artefact"
_FRESH: Final = ".fresh"


class Cache:
    """A directory of artefacts, bounded: what was not used for longest goes first."""

    def __init__(self, directory: Path, bytes_max: int = BYTES_MAX) -> None:
        self._directory, self._bytes_max = directory, bytes_max
        self._made_by = _compute_maker()
        directory.mkdir(parents=True, exist_ok=True)
        self.bytes = 0
        self._sweep()

    def read(self, code: Code) -> bytes | None:
        """Return an artefact; None when there is none that is whole."""
        path = self._find(code)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        artefact = data[_HASH_BYTES:]
        if hashlib.sha256(artefact).digest() != data[:_HASH_BYTES]:
            path.unlink(missing_ok=True)
            self.bytes -= len(data)
            return None
        os.utime(path)
        return artefact

    def write(self, code: Code, artefact: bytes) -> None:
        """Keep an artefact; make room for it first."""
        path = self._find(code)
        self._directory.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(_FRESH)
        fresh.write_bytes(hashlib.sha256(artefact).digest() + artefact)
        fresh.replace(path)
        self.bytes += _HASH_BYTES + len(artefact)
        if self.bytes > self._bytes_max:
            self._sweep()

    def _find(self, code: Code) -> Path:
        name = f"{code.hash.hex()}-{code.profile}-{self._made_by}{_SUFFIX}"
        return self._directory / name

    def _sweep(self) -> None:
        """Count what is there; delete what is too old to fit, and what a crash left half done."""
        found = []
        for path in self._directory.iterdir():
            if path.suffix == _FRESH:
                path.unlink(missing_ok=True)
            elif path.suffix == _SUFFIX:
                state = path.stat()
                found.append((state.st_mtime_ns, path.name, state.st_size))
        self.bytes = sum(size for _, _, size in found)
        for _, name, size in sorted(found):
            if self.bytes <= self._bytes_max:
                break
            (self._directory / name).unlink(missing_ok=True)
            self.bytes -= size


def _compute_maker() -> str:
    """Return a name for what an artefact depends on beside its module: the engine, and our code."""
    maker = hashlib.sha256(engine.VERSION.encode())
    for module in (engine, instrument, bodies, limits, sections):
        assert module.__file__
        maker.update(Path(module.__file__).read_bytes())
    return maker.hexdigest()[:16]
