"""The whole check of docs/spec: `tests/spec/run.py [--samples 500] [--traces 24] [--seed 7]`.

Random runs of the protocol, the mutants, and recorded runs of the Python engine, sound and broken.
Each failure prints one command that repeats it; the exit status is 1 if anything failed.
"""

# ruff: noqa: E402 -- the path must be right before the first import of our own.
import argparse
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from secrets import randbelow

sys.path[0] = str(Path(__file__).resolve().parents[2])  # so that `tests.…` is found

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.adversaries import ADVERSARIES
from tests.spec.broken import BROKEN, find_fault
from tests.spec.quint import (
    QuintMissing,
    hunt_mutants,
    install,
    list_mutants,
    simulate_protocol,
)
from tests.spec.replay import draw_plan, record, replay

# The checker starts slowly and shows nothing while it works: so much is given to it at a time.
RUNS_PER_START = 100
TRACES_PER_START = 4
STEPS = {"protocol": 60, "longer": 100}
MUTANT_RUNS_MAX = 400
TRACE_STEPS_MAX = 500


class Check:
    """One call of this program: what failed, and what was seen."""

    def __init__(self, seed: int, advance: Callable[[int], None]) -> None:
        self.seed, self.advance = seed, advance
        self.failures: list[str] = []
        self.states = self.steps = self.traces = 0
        self.seen: dict[str, int] = {}

    def simulate(self, main: str, samples: int) -> None:
        """Run the protocol at random."""
        for start in range(0, samples, RUNS_PER_START):
            count, seed = min(RUNS_PER_START, samples - start), self.seed + start
            output = simulate_protocol(main, count, STEPS[main], seed)
            self.states += count * (STEPS[main] + 1)
            for name, runs in re.findall(r"(\w+) was witnessed in (\d+) trace", output):
                self.seen[name] = self.seen.get(name, 0) + int(runs)
            if "[ok]" not in output:
                found = re.search(r"--seed=(\w+)", output)
                self._fail(
                    f"{main}: an invariant is broken",
                    f"cd docs/spec && node_modules/.bin/quint run protocol.qnt --main={main} "
                    "--init=start --invariant=safe --backend=typescript "
                    f"--max-steps={STEPS[main]} --seed={found[1] if found else seed}",
                )
            self.advance(count)

    def hunt(self) -> None:
        """Break every mutant."""
        found = hunt_mutants(MUTANT_RUNS_MAX, self.seed)
        for name in list_mutants():
            if name in found:
                runs, rule, _ = found[name]
                print(f"{name:32} {rule} broken in run {runs}")
            else:
                self._fail(f"{name}: survives", f"make spec ARGS='--seed {self.seed}'")
        self.advance(len(list_mutants()))

    def follow(self, traces: int) -> None:
        """Replay runs of the engine, under drawn plans and under each adversary in turn."""
        names = [None, *sorted(ADVERSARIES)]
        for start in range(0, traces, TRACES_PER_START):
            indexes = range(start, min(start + TRACES_PER_START, traces))
            plans = [draw_plan(self.seed + i, names[i % len(names)]) for i in indexes]
            runs = [record(plan, TRACE_STEPS_MAX) for plan in plans]
            with tempfile.TemporaryDirectory() as folder:
                answers = replay(runs, Path(folder))
            self.traces += len(runs)
            self.steps += sum(answer.accepted for answer in answers)
            for plan, answer in zip(plans, answers, strict=True):
                if answer.refused is not None:
                    what = f"seed {plan.seed} {plan.adversaries}: {answer}"
                    self._fail(what, f"make spec ARGS='--seed {self.seed} --traces {traces}'")
            self.advance(len(runs))

    def refuse(self) -> None:
        """Replay runs of broken engines."""
        faults = {name: find_fault(name, self.seed) for name in BROKEN}
        with tempfile.TemporaryDirectory() as folder:
            answers = replay([fault.recorder for fault in faults.values()], Path(folder))
        for (name, fault), answer in zip(faults.items(), answers, strict=True):
            if answer.accepted == fault.index:
                print(f"{name:32} refused at step {fault.index}: {answer.refused}")
            else:
                self._fail(f"{name}: {answer}", f"make spec ARGS='--seed {self.seed}'")
        self.advance(len(BROKEN))

    def _fail(self, what: str, replay_command: str) -> None:
        self.failures.append(what)
        print(f"FAILED {what}\n  {replay_command}")


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=500, help="random runs of each module")
    parser.add_argument("--traces", type=int, default=24, help="runs of the engine to replay")
    parser.add_argument("--seed", type=int, help="drawn at random if left out")
    return parser.parse_args()


def main() -> int:
    """Run everything; return the exit status."""
    options, start_s = parse_arguments(), time.monotonic()
    seed = randbelow(10**9) if options.seed is None else options.seed
    try:
        install()
    except QuintMissing as error:
        print(error, file=sys.stderr)
        return 1
    console = Console(stderr=True)
    columns = (TextColumn("spec"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    total = len(list_mutants()) + len(BROKEN) + options.traces + 2 * options.samples
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)
        check = Check(seed, lambda count: progress.advance(task, count))
        check.hunt()
        check.refuse()
        check.follow(options.traces)
        check.simulate("protocol", options.samples)
        check.simulate("longer", options.samples)
    seen = ", ".join(f"{name} in {runs}" for name, runs in check.seen.items())
    print(
        f"seed {seed}: {check.states} states in {2 * options.samples} runs ({seen}); "
        f"{check.steps} steps of {check.traces} engine runs followed; "
        f"{len(check.failures)} failed, {time.monotonic() - start_s:.0f} s"
    )
    return 1 if check.failures else 0


if __name__ == "__main__":
    sys.exit(main())
