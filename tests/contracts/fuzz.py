"""Random contracts under plain Python and compiled: `make contract-fuzz PROGRAMS=5000`.

Of every program the results, failures with their lines, events and records of several calls are
compared byte for byte. What differs is made smaller and printed with the command that plays it
again: `python tests/contracts/fuzz.py --seed 7 --number 12`.
"""

# ruff: noqa: E402 -- the path must be right before the first import of our own.
import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from pathlib import Path
from secrets import randbelow

sys.path[0] = str(Path(__file__).resolve().parents[2])  # so that `tests.…` is found

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.contracts.fuzzing.compare import Tally
from tests.contracts.fuzzing.playing import Played, make, play

SHRINK_S = 30.0
CHUNK = 20


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--programs", type=int, default=500, help="so many")
    parser.add_argument("--seed", type=int, help="of all programs; drawn if left out")
    parser.add_argument("--number", type=int, help="play this program of the seed only")
    parser.add_argument("--show", action="store_true", help="with --number: print its source")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--failures", type=int, default=1, help="stop after so many")
    return parser.parse_args()


def play_chunk(seed: int, first: int, count: int) -> list[Played]:
    """Play programs one after the other."""
    return [play(seed, number, SHRINK_S) for number in range(first, first + count)]


def play_many(seed: int, programs: int, jobs: int) -> Iterator[Played]:
    """Yield what became of programs in the order in which they end."""
    chunks = iter((first, min(CHUNK, programs - first)) for first in range(0, programs, CHUNK))
    if jobs == 1:
        for first, count in chunks:
            for number in range(first, first + count):
                yield play(seed, number, SHRINK_S)
        return
    with ProcessPoolExecutor(jobs) as pool:
        running = set()
        try:
            while True:
                while len(running) <= jobs and (chunk := next(chunks, None)) is not None:
                    running.add(pool.submit(play_chunk, seed, *chunk))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for each in done:
                    yield from each.result()
        finally:
            pool.shutdown(cancel_futures=True)


def watch(options: argparse.Namespace, seed: int) -> tuple[int, Tally, list[Played]]:
    """Take all programs, or fewer if too many fail; show how far it is."""
    console = Console(stderr=True)
    columns = (
        TextColumn("programs"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
    )  # fmt: skip
    total, failures, programs, start_s = Tally(), list[Played](), 0, time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=options.programs, rate="")
        for played in play_many(seed, options.programs, options.jobs):
            programs += 1
            total.add(played.tally)
            rate = f"{total.calls / (time.monotonic() - start_s):,.0f} calls/s"
            progress.update(task, completed=programs, rate=rate)
            if played.failure:
                failures.append(played)
                tell(played)
            if len(failures) >= options.failures:
                break
    return programs, total, failures


def tell(played: Played) -> None:
    """Print a failure and how to see it again."""
    print(f"FAILED {played.failure}")
    print(f"replay: python tests/contracts/fuzz.py --seed {played.seed} --number {played.number}")


def main() -> int:
    """Do what the command line asks for; return the exit status."""
    options, start_s = parse_arguments(), time.monotonic()
    seed = randbelow(10**9) if options.seed is None else options.seed
    if options.number is not None:
        if options.show:
            print(make(seed, options.number)[0].source)
        played = play(seed, options.number, SHRINK_S)
        print(f"{played.tally.calls} calls agree")
        if played.failure:
            tell(played)
        return bool(played.failure)
    programs, total, failures = watch(options, seed)
    spent_s = time.monotonic() - start_s
    print(
        f"seed {seed}: {programs:,} programs, {total.calls:,} calls compared, of which "
        f"{total.reverted:,} reverted; {total.cut} cut short for fuel; {len(failures)} failed; "
        f"{spent_s:.1f} s"
    )
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
