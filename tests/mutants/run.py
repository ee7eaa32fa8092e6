"""Break one rule of the engine after the other, and see who notices: `make mutants`.

Each mutant (tests/mutants/registry.py) lives in a child process of its own, which puts it through
its catchers until one finds it, for 60 s of CPU at most. The exit status is 1 when one survives,
or when the same plans and stories find anything in the engine as it is.
"""

# ruff: noqa: E402 -- the path must be right before the first import of our own.
import argparse
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # so that `tests.…` is found

from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tests.mutants.catching import control, hunt
from tests.mutants.children import LIMIT_S, Outcome, hunt_in_child, limit_own_time
from tests.mutants.entry import Mutant
from tests.mutants.registry import find_mutant, list_mutants, list_plans, list_stories
from tests.mutants.report import build_table, describe_end, write_page

# Of the table where there is no terminal.
WIDTH = 150


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these mutants and no others")
    parser.add_argument("--seed", type=int, default=1, help="the first seed of all plans")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="children at a time")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    parser.add_argument("--write", action="store_true", help="write docs/mutants.md anew")
    parser.add_argument("--child", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("the page lists all mutants: --write goes without --only")
    return options


def choose(names: list[str] | None) -> list[Mutant]:
    """Return the mutants of these names, or all."""
    try:
        return [find_mutant(name) for name in names] if names else list_mutants()
    except KeyError as error:
        raise SystemExit(f"there is no mutant {error}; see docs/mutants.md") from error


def hunt_all(mutants: list[Mutant], options: argparse.Namespace) -> list[Outcome]:
    """Put all mutants through their catchers, each in a child; show how far that is."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console, outcomes = Console(stderr=True), []
    with (
        ThreadPoolExecutor(options.jobs) as pool,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("mutants", total=len(mutants))
        for outcome in pool.map(lambda each: hunt_in_child(each, options.seed), mutants):
            outcomes.append(outcome)
            progress.update(task, advance=1, description=outcome.mutant.name)
    return outcomes


def run_control(outcomes: list[Outcome], seed: int) -> list[str]:
    """Run what the mutants were put through on the engine as it is."""
    needed: dict[str, int] = {}
    for each in outcomes:
        if each.find is not None:
            catcher = each.find.catcher
            needed[catcher] = max(needed.get(catcher, 0), each.find.seeds)
    mutants = [each.mutant for each in outcomes]
    plans = [(each, needed.get(each.name, 0)) for each in list_plans(mutants)]
    return control(plans, list_stories(mutants), seed)


def main() -> int:
    """Hunt; return the exit status."""
    options, start_s = parse_arguments(), time.monotonic()
    if options.child:
        limit_own_time()
        find = hunt(find_mutant(options.child), options.seed, LIMIT_S)
        print(json.dumps(None if find is None else asdict(find)))
        return 0
    outcomes = hunt_all(choose(options.only), options)
    false_alarms = run_control(outcomes, options.seed)
    if options.json:
        found = [each.to_json() for each in outcomes]
        print(json.dumps({"mutants": found, "control": false_alarms}, indent=2))
    else:
        terminal = sys.stdout.isatty()
        Console(width=None if terminal else WIDTH).print(build_table(outcomes, false_alarms))
    end = describe_end(outcomes, false_alarms, options.seed)
    if options.write:
        write_page(outcomes, false_alarms, end)
    took = f"{time.monotonic() - start_s:.0f} s"
    print(f"{end}, {took}", file=sys.stderr if options.json else sys.stdout)
    return 1 if false_alarms or any(each.find is None for each in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
