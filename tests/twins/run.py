"""Two validators with one key, in all scenarios of a few views or in many of more views.

`python tests/twins/run.py --exhaustive --views 4 --blocks 2 --jobs 2`,
`python tests/twins/run.py --samples 1000000 --seed 7 --jobs 2`,
`python tests/twins/run.py --scenario 3:013/24+0:01234 --trace`. A run that is stopped goes on where
it was when started again. What a scenario is: docs/twins.md.
"""

# ruff: noqa: E402 -- the path must be right before the first import of our own.
import argparse
import resource
import sys
import time
from pathlib import Path
from secrets import randbelow

sys.path[0] = str(Path(__file__).resolve().parents[2])  # so that `tests.…` is found

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.sim.checkers.violation import Violation
from tests.twins.coverage import Ledger, Run, do_units
from tests.twins.planted import PLANTED, plant
from tests.twins.replay import replay
from tests.twins.sampling import LEAVES
from tests.twins.scenario import Scenario


def parse_views(text: str) -> tuple[int, int]:
    """Return the least and the most views of `4` or `7-12`."""
    first, _, last = text.partition("-")
    views = int(first), int(last or first)
    if not 2 <= views[0] <= views[1] <= 12:
        raise argparse.ArgumentTypeError("2 to 12, as 4 or 7-12")
    return views


def parse_scenario(text: str) -> Scenario:
    """Return the scenario of a name."""
    try:
        return Scenario.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--exhaustive", action="store_true", help="all scenarios of --views views")
    what.add_argument("--samples", type=int, help="so many scenarios by chance, or a few more")
    what.add_argument("--scenario", type=parse_scenario, help="one, by its name")
    parser.add_argument("--views", type=parse_views, help="4, or for samples 7-12")
    parser.add_argument("--blocks", type=int, default=5, choices=range(1, 6), metavar="1-5",
                        help="with --exhaustive: partitions of at most so many blocks")  # fmt: skip
    parser.add_argument("--backwards", action="store_true",
                        help="with --exhaustive: the opposite order of arrival")  # fmt: skip
    parser.add_argument("--seed", type=int, help="of the samples; drawn if left out")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so long")
    parser.add_argument("--resume", type=Path, help="where finished units are noted")
    parser.add_argument("--trace", action="store_true", help="with --scenario: print every step")
    parser.add_argument("--plant", choices=sorted(PLANTED), help="break a rule of the engine first")
    options = parser.parse_args(arguments)
    if options.exhaustive and options.views and options.views not in ((2, 2), (3, 3), (4, 4)):
        parser.error("--exhaustive: 2, 3 or 4 views; there are 10^11 scenarios of 5")
    return options


def run_scenario(options: argparse.Namespace) -> int:
    """Play one scenario; return the exit status."""
    try:
        state, healed_ms = replay(options.scenario, shown=options.trace)
    except (Violation, AssertionError) as error:
        print(f"FAILED {options.scenario}: {type(error).__name__} {error}")
        return 1
    views = [instance.replica.final_view for instance in state]
    print(
        f"holds: {options.scenario}; final views {views}, a new block {healed_ms} ms after healing"
    )
    return 0


def run_many(options: argparse.Namespace) -> int:
    """Play what the options ask for and print one closing line; return the exit status."""
    run = make_run(options)
    ledger = Ledger(run, None if options.plant else options.resume or run.name_file())
    units = [unit for unit in range(run.count_units()) if unit not in ledger.done]
    start_s, before = time.monotonic(), ledger.totals.scenarios
    resumed, status = len(ledger.done), 0
    try:
        watch(options, run, ledger, units)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here")
        status = 130
    spent_s = time.monotonic() - start_s
    totals, count = ledger.totals, run.count_units()
    rate = (totals.scenarios - before) / max(spent_s, 0.001)
    went_on = f" ({resumed} units of an earlier run)" if resumed else ""
    print(
        f"{run.describe()}: {len(ledger.done)} of {count} units{went_on}; "
        f"{totals.scenarios:,} scenarios played{run.weigh(ledger.done)}; "
        f"{totals.states:,} distinct states, {totals.played:,} turns played, "
        f"{totals.healed:,} healings (slowest {totals.slowest_ms} ms), "
        f"{len(totals.failures)} failed; {spent_s:.1f} s ({measure_cpu_s():.1f} s of CPU), "
        f"{rate:,.0f} scenarios/s"
    )
    return 1 if totals.failures else status


def measure_cpu_s() -> float:
    """Return the CPU time of this process and of those it started."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def make_run(options: argparse.Namespace) -> Run:
    """Return the run that the options describe."""
    if options.exhaustive:
        views = options.views or (4, 4)
        return Run(views, options.blocks, planted=options.plant, backwards=options.backwards)
    seed = randbelow(10**9) if options.seed is None else options.seed
    trees = -(-options.samples // LEAVES)
    return Run(options.views or (7, 12), seed=seed, trees=trees, planted=options.plant)


def watch(options: argparse.Namespace, run: Run, ledger: Ledger, units: list[int]) -> None:
    """Play the units that are left, show how far it is, print what fails."""
    console = Console(stderr=True)
    columns = (
        TextColumn("units"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    start_s, before = time.monotonic(), ledger.totals.scenarios
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(units), rate="")
        for unit, totals in do_units(run, units, options.jobs):
            ledger.add(unit, totals)
            for failure in totals.failures:
                name, _, why = failure.partition(" ")
                planted = f" --plant {options.plant}" if options.plant else ""
                command = f"python tests/twins/run.py --scenario {name} --trace{planted}"
                print(f"FAILED {name} ({why})\n  {command}")
            spent_s = time.monotonic() - start_s
            rate = (ledger.totals.scenarios - before) / max(spent_s, 0.001)
            failed = len(ledger.totals.failures)
            progress.update(task, advance=1, rate=f"{rate:,.0f} scenarios/s, {failed} failed")
            if spent_s > 60 * options.minutes:
                break


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks for; return the exit status."""
    options = parse_arguments(arguments)
    with plant(options.plant):
        return run_scenario(options) if options.scenario else run_many(options)


if __name__ == "__main__":
    sys.exit(main())
