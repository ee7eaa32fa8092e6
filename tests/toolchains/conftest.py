"""Contracts built once per run; a toolchain that is missing skips, or fails where it must be had.

`make toolchains` sets QUORATE_TOOLCHAINS=required.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from quorate.cli.contract_java import build_java
from quorate.core.errors import NotFound
from tests.style.sources import ROOT
from tests.toolchains.chain import Chain
from tests.toolchains.plain import ToolchainMissing, build_assemblyscript, build_zig

EXAMPLES = ROOT / "examples" / "contracts"
Built = tuple[bytes, bytes]


@pytest.fixture
def chain() -> Chain:
    """An empty chain."""
    return Chain()


@pytest.fixture(scope="session")
def java_token() -> Built:
    """The token in Java."""
    return _build_java(EXAMPLES / "java-token")


@pytest.fixture(scope="session")
def zoo() -> Built:
    """Every type, and every way to fail."""
    return _build_java(Path(__file__).parent / "zoo")


@pytest.fixture(scope="session")
def library() -> Built:
    """Much of Java's own library."""
    return _build_java(Path(__file__).parent / "library")


@pytest.fixture(scope="session", params=["zig", "assemblyscript"])
def tally(request: pytest.FixtureRequest) -> Built:
    """The same contract by two toolchains."""
    language = request.param
    return _build(build_zig if language == "zig" else build_assemblyscript, EXAMPLES / language)


def _build_java(directory: Path) -> Built:
    try:
        _, code, interface = build_java(directory)
    except NotFound as missing:
        if missing.reason == "NO_TOOLCHAIN":
            _miss(missing)
        raise
    return code, interface


def _build(build: Callable[[Path], Built], directory: Path) -> Built:
    try:
        return build(directory)
    except ToolchainMissing as missing:
        _miss(missing)


def _miss(missing: Exception) -> None:
    if os.environ.get("QUORATE_TOOLCHAINS") == "required":
        raise missing
    pytest.skip(str(missing))
