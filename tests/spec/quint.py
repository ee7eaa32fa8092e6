"""Quint, the specification's checker: installed below docs/spec by npm, run as a process.

Nothing but npm's lock file decides what is installed; `npm ci` runs when the lock has changed.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.style.sources import ROOT

SPEC = ROOT / "docs" / "spec"
NEXT = (
    "the specification's checker needs Node.js 18 or newer with npm, and there is none.\n"
    "next: apt install nodejs npm   (Debian, Ubuntu), then the same command again"
)


class QuintMissing(Exception):
    """The checker can't be installed or started; says what to do."""


class Mutant(NamedTuple):
    """What `quint test` found of one mutant: after how many runs, which invariant, what replays."""

    runs: int
    invariant: str
    seed: str


def install() -> Path:
    """Return the checker's program, installing it when the lock file has changed."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise QuintMissing(NEXT)
    program = SPEC / "node_modules" / ".bin" / "quint"
    stamp, lock = SPEC / "node_modules" / ".quorate-setup", SPEC / "package-lock.json"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes() or not program.exists():
        done = subprocess.run(
            ["npm", "ci", "--silent"], cwd=SPEC, capture_output=True, text=True, timeout=600
        )
        if done.returncode:
            detail = (done.stderr or done.stdout).strip()[-500:]
            raise QuintMissing(f"npm ci failed in docs/spec: {detail}\nnext: npm config list")
        stamp.write_bytes(lock.read_bytes())
    return program


def run_quint(*arguments: str, folder: Path = SPEC, timeout_s: int = 900) -> str:
    """Return what a quint command prints, on both streams; its exit status is in the words."""
    command = [str(install()), *arguments, "--backend=typescript"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    output = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.stdout + done.stderr)
    # Anything but a finished search is the caller's mistake or ours: show it.
    if not re.search(r"\[ok\]|\[violation\]|\d+ (?:passing|failed)", output):
        raise AssertionError(f"{' '.join(command)}\n{output[-4000:]}")
    return output


def list_mutants() -> list[str]:
    """Return the names of the mutants in mutants.qnt."""
    text = (SPEC / "mutants.qnt").read_text(encoding="utf-8")
    return [name for name in re.findall(r"run (\w+)Test =", text) if name != "protocol"]


def hunt_mutants(samples: int, seed: int) -> dict[str, Mutant]:
    """Return what breaks each mutant within `samples` runs; who survives is not in the answer."""
    names = "|".join(f"{name}Test" for name in list_mutants())
    output = run_quint(
        "test", "mutants.qnt", "--main=mutants", f"--match=^({names})$",
        f"--max-samples={samples}", f"--seed={seed}", "--verbosity=2",
    )  # fmt: skip
    runs = dict(re.findall(r"\d+\) (\w+)Test failed after (\d+) test", output))
    detail = re.compile(
        r"\d+\) (\w+)Test:\s+Error \[QNT508\]: Assertion failed.*?assert\((\w+)\).*?--seed=(\w+)",
        re.DOTALL,
    )
    found = detail.findall(output)
    return {name: Mutant(int(runs[name]), rule, seed) for name, rule, seed in found}


def simulate_protocol(samples: int, steps: int, seed: int) -> str:
    """Return what `quint run` says about the protocol itself after random runs."""
    return run_quint(
        "run", "mutants.qnt", "--main=protocol", "--init=start", "--invariant=safe",
        f"--max-samples={samples}", f"--max-steps={steps}", f"--seed={seed}", "--verbosity=1",
        "--witnesses", "someFinal", "twoFinal", "finalAboveNullified", "finalAfterRestart",
    )  # fmt: skip
