"""Run many simulated networks: `python tests/sim/run.py --seeds 1000 [--seed 7] [--trace]`.

Each seed is a whole network with its own faults (plan.py). A failing seed prints one line with the
rule it broke and the command that replays it; the exit status is 1 if any failed.
"""

# ruff: noqa: E402 -- the path must be right before the first import of our own.
import argparse
import sys
import time
from pathlib import Path
from secrets import randbelow

sys.path[0] = str(Path(__file__).resolve().parents[2])  # so that `tests.…` is found

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.sim.checkers import Violation
from tests.sim.plan import draw
from tests.sim.world import World, run_plan


class Totals:
    """What a run of many seeds saw."""

    def __init__(self) -> None:
        self.seeds = self.failed = self.views = self.blocks = self.crashes = self.events = 0
        self.healing_ms = (0, 0)

    def add(self, seed: int, world: World) -> None:
        """Count a seed that held."""
        self.views += max(n.replica.view if n.replica else 0 for n in world.nodes)
        self.blocks += max(node.storage.height for node in world.nodes)
        self.crashes += world.crashes
        self.events += world.events
        self.healing_ms = max(self.healing_ms, (world.healing_ms, seed))

    def __str__(self) -> str:
        worst_ms, seed = self.healing_ms
        return (
            f"{self.seeds} seeds, {self.failed} failed: {self.views} views, {self.blocks} blocks, "
            f"{self.crashes} crashes, {self.events} events; "
            f"slowest recovery {worst_ms} ms (seed {seed})"
        )


def run_seed(seed: int, totals: Totals, *, trace: bool) -> None:
    """Run one seed and count it; print the line of a failing one."""
    totals.seeds += 1
    try:
        totals.add(seed, run_plan(draw(seed), print if trace else None))
    except (Violation, AssertionError) as error:
        totals.failed += 1
        notes = getattr(error, "__notes__", [])
        when = notes[0].partition(";")[0] if notes else ""
        replay = f"python tests/sim/run.py --seed {seed} --seeds 1 --trace"
        print(f"FAILED seed {seed} {when}: {type(error).__name__} {str(error)[:300]}\n  {replay}")
        if trace:
            raise


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds to run")
    parser.add_argument("--seed", type=int, help="the first one; drawn at random if left out")
    parser.add_argument("--trace", action="store_true", help="print every step")
    return parser.parse_args()


def main() -> int:
    """Run the seeds; return the exit status."""
    options, totals, start_s = parse_arguments(), Totals(), time.monotonic()
    first = randbelow(10**9) if options.seed is None else options.seed
    console = Console(stderr=True)
    columns = (
        TextColumn("seeds"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    shown = console.is_terminal and not options.trace
    with Progress(*columns, console=console, disable=not shown) as progress:
        task = progress.add_task("", total=options.seeds, rate="")
        for seed in range(first, first + options.seeds):
            run_seed(seed, totals, trace=options.trace)
            rate = totals.seeds / (time.monotonic() - start_s)
            progress.update(task, advance=1, rate=f"{rate:.1f}/s, {totals.failed} failed")
    print(f"from seed {first}: {totals}, {time.monotonic() - start_s:.1f} s")
    return 1 if totals.failed else 0


if __name__ == "__main__":
    sys.exit(main())
