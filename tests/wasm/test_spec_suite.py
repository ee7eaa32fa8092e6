"""WebAssembly's own test-suite, where it can be had (tests/wasm/spec_suite.py)."""

import pytest

from tests.wasm.spec_suite import find_suite, run_suite


def test_suite_finds_nothing_wrong() -> None:
    folder = find_suite()
    if folder is None:
        pytest.skip("the suite is not here, nor cargo to fetch it")
    total, wrong = run_suite(folder)
    assert not wrong
    assert total["results"] > 15_000 and total["traps"] > 500 and total["modules passed"] > 900
