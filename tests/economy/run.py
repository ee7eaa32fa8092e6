"""The real economy against the plain one, for many steps: `make economy STEPS=50000`.

A step is a transaction or the end of a block, after which both states are compared whole. What
fails prints its seed and one command that plays it again. With --machine hypothesis chooses the
steps, and shrinks what fails to a few; it is slower, and its worlds are short.
"""

# ruff: noqa: E402 -- the path must be right before the first import of our own.
import argparse
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from secrets import randbelow

sys.path[0] = str(Path(__file__).resolve().parents[2])  # so that `tests.…` is found

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.economy.coverage import STEPS_MIN, list_missing
from tests.economy.machine import play_examples
from tests.economy.planted import PLANTED, plant
from tests.economy.playing import BLOCKS, Failure, play_world

# Of hypothesis's examples so many have one seed.
EXAMPLES = 20
Played = tuple[int, Counter[str], str]


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=3_000, help="so many, or a few more")
    parser.add_argument("--seed", type=int, help="of the first world; drawn if left out")
    parser.add_argument("--world", type=int, metavar="SEED", help="play this world only")
    parser.add_argument("--machine", action="store_true", help="let hypothesis choose the steps")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--plant", choices=sorted(PLANTED), help="break a rule first")
    parser.add_argument("--json", action="store_true", help="print what was met as JSON")
    return parser.parse_args()


def play(seed: int, planted: str | None, by_machine: bool) -> Played:
    """Return the steps of a world, what it met, and why it failed or nothing."""
    again = f" --plant {planted!r}" if planted else ""
    with plant(planted) if planted else nullcontext():
        try:
            if by_machine:
                return *play_examples(seed, EXAMPLES), ""
            transactions, met = play_world(seed)
        except Failure as failure:
            return 0, Counter(), f"{failure}{again}"
        except Exception as error:
            # hypothesis raises what the shortest example raised, and notes its steps.
            steps = [note for note in getattr(error, "__notes__", []) if note.startswith("state")]
            return 0, Counter(), "\n".join([
                f"examples {seed}: {type(error).__name__}: {error}", *steps,
                f"replay: python tests/economy/run.py --machine --world {seed}{again}",
            ])  # fmt: skip
    return transactions + BLOCKS, met, ""


def play_many(first: int, options: argparse.Namespace) -> Iterator[Played]:
    """Yield worlds in the order in which they end, without end."""
    seeds, how = count(first), (options.plant, options.machine)
    if options.jobs == 1:
        for seed in seeds:
            yield play(seed, *how)
    with ProcessPoolExecutor(options.jobs) as pool:
        running = {pool.submit(play, next(seeds), *how) for _ in range(options.jobs + 1)}
        try:
            while True:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for each in done:
                    running.add(pool.submit(play, next(seeds), *how))
                    yield each.result()
        finally:
            pool.shutdown(cancel_futures=True)


def watch(worlds: Iterator[Played], wanted: int) -> tuple[int, int, Counter[str], str]:
    """Take worlds until there are enough steps or one fails; show how far that is."""
    console = Console(stderr=True)
    columns = (
        TextColumn("steps"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    met, steps, played, start_s = Counter[str](), 0, 0, time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=wanted, rate="")
        for more, found, failure in worlds:
            steps, played, met = steps + more, played + 1, met + found
            rate = steps / (time.monotonic() - start_s)
            progress.update(task, completed=min(steps, wanted), rate=f"{rate:,.0f}/s")
            if failure or steps >= wanted:
                return steps, played, met, failure
    raise AssertionError("worlds never end")


def main() -> int:
    """Do what the command line asks for; return the exit status."""
    options, start_s = parse_arguments(), time.monotonic()
    first = options.world if options.world is not None else options.seed
    first = randbelow(10**9) if first is None else first
    worlds = play_many(first, options)
    steps, played, met, failure = watch(worlds, 1 if options.world is not None else options.steps)
    worlds.close()  # type: ignore[attr-defined]
    is_long = steps >= STEPS_MIN and not failure and not options.machine
    missing = list_missing(met) if is_long else []
    if options.json:
        result = {"seed": first, "steps": steps, "worlds": played, "met": dict(sorted(met.items()))}
        print(json.dumps(result | {"missing": missing, "failure": failure}, indent=2))
    elif failure:
        print(f"FAILED {failure}")
    spent_s = time.monotonic() - start_s
    epochs, rate = met["epoch"], steps / max(spent_s, 0.001)
    end = "the two sides agree" if not failure else "the two sides DIFFER"
    never = f"; never met: {', '.join(missing)}" if missing else ""
    what = "sets of examples" if options.machine else "worlds"
    print(
        f"economy: {steps:,} steps in {played:,} {what} and {epochs:,} epochs from seed {first}: "
        f"{end}{never}; {spent_s:.1f} s ({measure_cpu_s():.1f} s of CPU), {rate:,.0f} steps/s",
        file=sys.stderr if options.json else sys.stdout,
    )
    return 1 if failure or missing else 0


def measure_cpu_s() -> float:
    """Return the CPU time of this process and of those it started."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    sys.exit(main())
