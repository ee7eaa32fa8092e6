"""The same seed gives the same run, step by step, whatever PYTHONHASHSEED is."""

import os
import subprocess
import sys

import pytest

from tests.sim.plan import draw
from tests.sim.world import run_plan
from tests.style.sources import ROOT

SHOW = "from tests.sim.plan import draw; from tests.sim.world import run_plan; "
SEEDS = (4, 58, 1066)


@pytest.mark.parametrize("seed", SEEDS)
def test_same_seed_same_trace(seed: int) -> None:
    assert run_plan(draw(seed)).digest == run_plan(draw(seed)).digest


def test_other_seed_other_trace() -> None:
    assert run_plan(draw(4)).digest != run_plan(draw(5)).digest


def test_hash_seed_changes_nothing() -> None:
    digests = set()
    for hash_seed in ("1", "2", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        command = f"{SHOW}print([run_plan(draw(seed)).digest for seed in {SEEDS}])"
        done = subprocess.run(
            [sys.executable, "-c", command],
            env=environment, capture_output=True, text=True, check=True, cwd=ROOT, timeout=120,
        )  # fmt: skip
        digests.add(done.stdout)
    assert len(digests) == 1
