"""Gives tests of contracts their `chain`; pytest loads it where quorate is installed."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from quorate.lang.testing.chain import Chain

_OPTION = "--contracts"
_CHOICES = {"shim": ("shim",), "compiled": ("compiled",), "both": ("shim", "compiled")}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --contracts, and the same as a setting."""
    text = "run contracts under plain Python (shim), on validators' machine (compiled), or both"
    parser.addoption(_OPTION, choices=sorted(_CHOICES), default=None, help=text)
    parser.addini("contracts", text, default="shim")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that takes a chain once for each machine."""
    if "contracts_backend" in metafunc.fixturenames:
        chosen = metafunc.config.getoption(_OPTION) or metafunc.config.getini("contracts")
        metafunc.parametrize("contracts_backend", _CHOICES[chosen])


@pytest.fixture
def chain(request: pytest.FixtureRequest, contracts_backend: str) -> "Chain":
    """Return a new chain that finds contracts beside the test and in the folder above."""
    from quorate.lang.testing.chain import Chain

    folder = request.path.parent
    return Chain(folder, folder.parent, backend=contracts_backend)
