"""One child process per mutant: what it breaks ends with it, and so does a loop without end."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass

from tests.mutants.catching import Find
from tests.mutants.entry import Mutant
from tests.style.sources import ROOT

LIMIT_S = 55
# The child gives up by itself; these are for one that runs or waits without end.
CPU_S = 60
WALL_S = 400


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mutant and what became of it; `trouble` says why there is no find."""

    mutant: Mutant
    find: Find | None
    trouble: str = ""

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return {
            "name": self.mutant.name,
            "rule": self.mutant.rule,
            "breaks": self.mutant.breaks,
            "caught": None if self.find is None else asdict(self.find),
            "trouble": self.trouble,
        }


def limit_own_time() -> None:
    """Have the kernel end this process when it has used up its time."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))


def hunt_in_child(mutant: Mutant, seed: int) -> Outcome:
    """Put one mutant through its catchers in a process of its own."""
    script = ROOT / "tests/mutants/run.py"
    command = [sys.executable, str(script), "--child", mutant.name, "--seed", str(seed)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=WALL_S, check=False, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return Outcome(mutant, None, f"no end after {WALL_S} s")
    if done.returncode < 0:
        return Outcome(mutant, None, f"not caught within {CPU_S} s")
    if done.returncode:
        return Outcome(mutant, None, "broken: " + done.stderr.strip().rpartition("\n")[2])
    answer = json.loads(done.stdout.strip().rpartition("\n")[2])
    if answer is None:
        return Outcome(mutant, None, "survived all catchers")
    return Outcome(mutant, Find(**answer))
