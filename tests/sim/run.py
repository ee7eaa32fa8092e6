"""Run many simulated networks: `python tests/sim/run.py --seeds 1000 [--seed 7] [--jobs 2]`.

Each seed is a whole network with its own faults (plan.py). A failing seed prints one line with the
rule it broke and the command that replays it with a trace; the exit status is 1 if any failed.
`--totals FILE` keeps the counts, and the same command goes on where a run was stopped. `--bench`
measures views per second instead.
"""

# ruff: noqa: E402 -- the path must be right before the first import of our own.
import argparse
import multiprocessing
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from secrets import randbelow

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)  # so that `tests.…` is found

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.sim import bench
from tests.sim.checkers import Violation
from tests.sim.plan import draw
from tests.sim.totals import Totals
from tests.sim.world import run_plan

# Seeds that a worker runs before it reports.
CHUNK = 20


def run_seed(seed: int, totals: Totals, *, trace: bool) -> None:
    """Run one seed and count it; note the line of a failing one, of whatever it failed."""
    totals.seeds += 1
    try:
        totals.add_world(seed, run_plan(draw(seed), print if trace else None))
    except Exception as error:
        notes = getattr(error, "__notes__", [])
        when = notes[0].partition(";")[0] if notes else ""
        replay = f"python tests/sim/run.py --seed {seed} --seeds 1 --trace"
        what = f"{type(error).__name__} {str(error)[:300]}"
        totals.failures.append(f"FAILED seed {seed} {when}: {what}\n  {replay}")
        if trace:
            print(totals.failures[-1])
            if not isinstance(error, Violation):
                raise


def run_chunk(seeds: range) -> Totals:
    """Run some seeds in a worker."""
    totals, start_s = Totals(first=seeds.start), time.process_time()
    for seed in seeds:
        run_seed(seed, totals, trace=False)
    totals.cpu_s = time.process_time() - start_s
    return totals


def iter_chunks(seeds: range, jobs: int) -> Iterator[Totals]:
    """Yield the totals of all chunks, in order of their seeds."""
    chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    if jobs == 1:
        yield from map(run_chunk, chunks)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap(run_chunk, chunks)


def find_commit() -> str:
    """Return the commit that is checked out, with a plus when files differ from it."""
    commands = (["git", "rev-parse", "--short=10", "HEAD"], ["git", "status", "--porcelain"])
    head, changes = [
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
        for command in commands
    ]
    return (head.strip() or "unknown") + ("+" if changes.strip() else "")


def open_totals(options: argparse.Namespace) -> Totals:
    """Return the counts to go on with: those of the file if it is there, else none."""
    commit = find_commit()
    if options.totals is not None and options.totals.exists():
        totals = Totals.load(options.totals)
        if options.seed not in (None, totals.first):
            sys.exit(f"{options.totals} begins with seed {totals.first}: name another file")
        if totals.commit != commit:
            sys.exit(f"{options.totals} is of commit {totals.commit}, not {commit}")
        return totals
    first = randbelow(10**9) if options.seed is None else options.seed
    return Totals(first=first, commit=commit)


def run_all(options: argparse.Namespace, totals: Totals) -> None:
    """Run the seeds that are left, count them, and print each failure as it comes."""
    seeds = range(totals.first + totals.seeds, totals.first + options.seeds)
    before_s, start_s, started = totals.wall_s, time.monotonic(), totals.seeds
    console = Console(stderr=True)
    columns = (
        TextColumn("seeds"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with (
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
        closing(iter_chunks(seeds, options.jobs)) as chunks,
    ):
        task = progress.add_task("", total=options.seeds, completed=totals.seeds, rate="")
        for chunk in chunks:
            totals.add(chunk)
            passed_s = time.monotonic() - start_s
            totals.wall_s = before_s + passed_s
            for failure in chunk.failures:
                progress.print(failure) if console.is_terminal else print(failure, flush=True)
            if options.totals is not None:
                totals.save(options.totals)
            rate = (totals.seeds - started) / passed_s
            text = f"{rate:.1f}/s, {len(totals.failures)} failed"
            progress.update(task, completed=totals.seeds, rate=text)


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds to run")
    parser.add_argument("--seed", type=int, help="the first one; drawn at random if left out")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes")
    parser.add_argument("--totals", type=Path, help="keep the counts here, and go on from them")
    parser.add_argument("--trace", action="store_true", help="print who did what, view by view")
    parser.add_argument("--bench", action="store_true", help="measure views per second")
    return parser.parse_args()


def main() -> int:
    """Run the seeds; return the exit status."""
    options = parse_arguments()
    if options.bench:
        print(bench.measure())
        return 0
    totals = open_totals(options)
    if options.trace:
        # Who reads the first lines only, through a pipe, ends the run.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        for seed in range(totals.first, totals.first + options.seeds):
            run_seed(seed, totals, trace=True)
    else:
        run_all(options, totals)
    print(totals.describe())
    return 1 if totals.failures else 0


if __name__ == "__main__":
    sys.exit(main())
