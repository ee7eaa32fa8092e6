"""A storm of kills on real processes: `python tests/faults/run.py --kills 200 [--seed 7]`.

With `--figures`: how soon all is well again after a partition and after a majority was down for
`--away-s` seconds, and what one dead of four costs, each against its bound (docs/faults.md).

One seed decides who is killed when and how the links are meanwhile (storm.py); when exactly a
process gets there is up to the machine. Ends with one line; the exit status is 1 if anything was
lost, contradicted, or did not come back.
"""

# ruff: noqa: E402 -- the path must be right before the first import of our own.
import argparse
import asyncio
import sys
import time
from pathlib import Path
from secrets import randbelow

sys.path[0] = str(Path(__file__).resolve().parents[2])  # so that `tests.…` is found

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from quorate.core.errors import QuorateError
from tests.faults.bounds import print_figures
from tests.faults.runner import Tally, run_storm


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how many kills")
    parser.add_argument("--seed", type=int, help="drawn at random if left out")
    parser.add_argument("--trace", action="store_true", help="print every round")
    parser.add_argument("--figures", action="store_true", help="measure instead of storming")
    parser.add_argument("--away-s", type=float, default=600.0, help="how long a majority is down")
    return parser.parse_args()


def run(seed: int, kills: int, *, trace: bool) -> Tally:
    """Run one storm, showing how far it is to who looks."""
    console = Console(stderr=True)
    columns = (
        TextColumn("kills"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[slowest]}"),
        TimeElapsedColumn(),
    )
    shown = console.is_terminal and not trace
    with Progress(*columns, console=console, disable=not shown) as progress:
        task = progress.add_task("", total=kills, slowest="")

        def tell(tally: Tally) -> None:
            slowest = f"slowest recovery {tally.slowest_s:.1f} s"
            progress.update(task, completed=min(tally.kills, kills), slowest=slowest)
            if trace:
                print(f"{tally.kills:3} kills: {tally.last}", flush=True)

        return asyncio.run(run_storm(seed, kills, tell))


def main() -> int:
    """Run and tell; return the exit status."""
    options, start_s = parse_arguments(), time.monotonic()
    if options.figures:
        missed = asyncio.run(print_figures(options.away_s))
        print(f"{missed} figures missed; {time.monotonic() - start_s:.0f} s")
        return 1 if missed else 0
    seed = randbelow(10**9) if options.seed is None else options.seed
    try:
        tally = run(seed, options.kills, trace=options.trace)
    except (AssertionError, QuorateError, TimeoutError) as error:
        print("\n".join(getattr(error, "__notes__", [])))
        print(f"FAILED seed {seed}: {type(error).__name__} {error}")
        print(f"  python tests/faults/run.py --kills {options.kills} --seed {seed} --trace")
        return 1
    for what in ("strikes", "fail_points", "weathers"):
        print(f"{what.replace('_', ' ')}: {dict(sorted(getattr(tally, what).items()))}")
    print(
        f"{tally.kills} kills ({tally.processes} processes), seed {seed}: "
        f"{tally.executed:,} transfers executed, none lost; {tally.messages:,} signed messages of "
        f"{tally.views:,} views, no conflict; slowest recovery {tally.slowest_s:.1f} s; "
        f"{time.monotonic() - start_s:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
