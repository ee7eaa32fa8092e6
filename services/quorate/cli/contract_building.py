"""What a contract is built into, and where that lies: NAME.wasm, and NAME.json, its interface."""

import time
from pathlib import Path
from typing import Final, NamedTuple

from quorate.core.contracts.payloads import PROFILE_JAVA, PROFILE_PLAIN
from quorate.core.errors import InvalidInput, NotFound
from quorate.sdk.contract_interface import Interface, parse_interface

SOURCE_BYTES_MAX: Final = 1_000_000
_JAVA: Final = "java"


class Artifact(NamedTuple):
    """A contract that can be deployed: module, interface, and the engine's profile it needs."""

    name: str
    code: bytes
    interface: bytes
    profile: int
    seconds: float = 0.0

    def parse(self) -> Interface | None:
        """Return what its interface says; None when it has none."""
        return parse_interface(self.interface) if self.interface else None


def build_source(path: Path, *, tracing: bool = False) -> Artifact:
    """Return a typed Python contract built; raises InvalidContract with every problem's place."""
    from quorate.lang.build import build  # the compiler is loaded only where one builds

    source, started_s = read_source(path), time.perf_counter()
    built = build(source, str(path), tracing=tracing)
    seconds = time.perf_counter() - started_s
    return Artifact(path.stem, built.code, built.interface, PROFILE_PLAIN, seconds)


def build_java(directory: Path) -> Artifact:
    """Return the contract of a Maven project built."""
    from quorate.cli import contract_java

    started_s = time.perf_counter()
    name, code, interface = contract_java.build_java(directory)
    return Artifact(name, code, interface, PROFILE_JAVA, time.perf_counter() - started_s)


def load(path: Path) -> Artifact:
    """Return what can be deployed: a .py source is built, a .wasm read with the .json beside it."""
    if path.suffix == ".py":
        return build_source(path)
    if path.suffix != ".wasm":
        raise InvalidInput(
            f"{path} is neither a .py source nor a built .wasm: for Java, "
            "`quorate contract build --java DIR` makes one",
            reason="NO_CONTRACT_FILE",
        )
    beside = path.with_suffix(".json")
    interface = _read(beside) if beside.is_file() else b""
    return Artifact(path.stem, _read(path), interface, _find_profile(interface))


def write(artifact: Artifact, directory: Path) -> tuple[Path, Path]:
    """Write NAME.wasm and NAME.json to a directory; return their paths."""
    paths = directory / f"{artifact.name}.wasm", directory / f"{artifact.name}.json"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, data in zip(paths, (artifact.code, artifact.interface), strict=True):
            path.write_bytes(data)
    except OSError as error:
        raise InvalidInput(f"cannot write to {directory}: {error}", reason="NO_FILE") from error
    return paths


def read_source(path: Path) -> str:
    """Return a source's text; raises NotFound or InvalidInput."""
    try:
        return _read(path).decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8: {error}", reason="NO_TEXT") from error


def _find_profile(interface: bytes) -> int:
    is_java = bool(interface) and parse_interface(interface).language == _JAVA
    return PROFILE_JAVA if is_java else PROFILE_PLAIN


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(SOURCE_BYTES_MAX + 1)
    except FileNotFoundError as error:
        raise NotFound(f"there is no {path}", reason="NO_FILE", path=path) from error
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error}", reason="NO_FILE") from error
    if len(data) > SOURCE_BYTES_MAX:
        message = f"{path} has more than {SOURCE_BYTES_MAX:,} bytes: no contract is so large"
        raise InvalidInput(message, reason="OVERSIZED")
    return data
