"""The command that runs many seeds: it goes on where it was stopped, and says how to replay."""

import json
import subprocess
import sys
from pathlib import Path

from tests.style.sources import ROOT

RUN = [sys.executable, "tests/sim/run.py"]
PLANT = """
import sys
sys.argv = ["tests/sim/run.py", "--seed", "7", "--seeds", "6", *sys.argv[1:]]
sys.path.insert(0, "tests/sim")
import run
from quorate.core.bft.signing import Signing
from quorate.core.bft.messages import Kind

def may_finalize(self, view, digest):
    return self.may_sign() and Kind.FINALIZE not in self.signed.get(view, {})

Signing.may_finalize = may_finalize
Signing.may_nullify = lambda self, view: (
    self.may_sign() and Kind.NULLIFY not in self.signed.get(view, {})
)
sys.exit(run.main())
"""


def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*RUN, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )


def test_a_stopped_run_goes_on_with_its_counts(tmp_path: Path) -> None:
    totals = tmp_path / "totals.json"
    common = ("--seed", "40", "--totals", str(totals))
    first = call("--seeds", "4", *common)
    assert first.returncode == 0, first.stdout + first.stderr
    assert json.loads(totals.read_text())["seeds"] == 4
    second = call("--seeds", "6", "--jobs", "2", *common)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "seeds 40 to 45 " in second.stdout and "6 run, 0 failed" in second.stdout
    straight = call("--seeds", "6", "--seed", "40")
    counts = "6 run, 0 failed;"
    assert straight.stdout.split(counts)[1].split("slowest")[0] in second.stdout
    other = call("--seeds", "6", "--seed", "41", "--totals", str(totals))
    assert other.returncode != 0 and "name another file" in other.stderr


def test_a_failing_seed_prints_one_command_and_exits_with_one() -> None:
    planted = [sys.executable, "-c", PLANT]
    done = subprocess.run(
        planted, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 1, done.stderr
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED seed")]
    assert failed and "never finalize and nullify" in done.stdout
    assert done.stdout.count("python tests/sim/run.py --seed") == len(failed)
