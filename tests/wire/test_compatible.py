"""The wire format only grows: what is in baseline.binpb keeps its meaning (`buf breaking`)."""

import subprocess
import sys
from pathlib import Path

from tests.style.sources import ROOT

BUF = Path(sys.executable).with_name("buf")


def run_buf(*arguments: str) -> None:
    done = subprocess.run(
        [BUF, *arguments],
        cwd=ROOT / "proto",
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_that_was_promised_has_changed() -> None:
    run_buf("breaking", "--against", "../tests/wire/baseline.binpb")


def test_the_style_of_the_api_is_clean() -> None:
    run_buf("lint")
