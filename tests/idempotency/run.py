"""Exactly once under kills: `python tests/idempotency/run.py --sends 10000 [--seed 7]`.

So many payments, each with an idempotency key, sent over 50 connections and two gateways by ten
client processes, every one of them several times at once: newly signed in other lanes, and the
same bytes again. Clients, gateways and validators are killed meanwhile and started again; a client
then sends everything anew. In the end each payment must have taken effect once (effects.py).

One seed decides who is killed after how many payments; where exactly a process is at that moment is
up to the machine. Ends with one line; the exit status is 1 if anything took effect twice or never.
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
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from quorate.core.errors import QuorateError
from tests.idempotency.runner import Report, run_sends

SENDS_PER_KILL = 150
KILLS_MIN = 8
# So slow is no machine that still works.
LIMIT_S = 300.0
SECONDS_PER_SEND = 0.3


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sends", type=int, default=10_000, help="how many payments")
    parser.add_argument("--kills", type=int, help="how many kills; by default by the sends")
    parser.add_argument("--seed", type=int, help="drawn at random if left out")
    return parser.parse_args()


def run(seed: int, sends: int, kills: int) -> Report:
    """Run, showing how far it is: each payment counts once for each process that sends it."""
    console = Console(stderr=True)
    columns = (
        TextColumn("receipts"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    start_s, told_s = time.monotonic(), time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=2 * sends, rate="")

        def tell(report: Report) -> None:
            nonlocal told_s
            now_s = time.monotonic()
            rate = report.done / max(now_s - start_s, 1e-9)
            killed = report.kills.total()
            shown = f"{rate:.0f}/s, {killed} killed"
            progress.update(task, completed=report.done, total=report.work, rate=shown)
            if not console.is_terminal and now_s - told_s >= 10:
                told_s = now_s
                left = f"{(report.work - report.done) / rate:.0f} s left" if report.done else ""
                print(f"{report.done} of {report.work}, {shown}, {left}", flush=True)

        limit_s = LIMIT_S + SECONDS_PER_SEND * sends
        return asyncio.run(run_sends(seed, sends, kills, tell, limit_s))


def main() -> int:
    """Run and tell; return the exit status."""
    options, start_s = parse_arguments(), time.monotonic()
    seed = randbelow(10**9) if options.seed is None else options.seed
    kills = options.kills
    if kills is None:
        kills = max(KILLS_MIN, options.sends // SENDS_PER_KILL)
    print(f"seed {seed}", flush=True)
    try:
        report = run(seed, options.sends, kills)
    except (AssertionError, QuorateError, TimeoutError) as error:
        print("\n".join(getattr(error, "__notes__", [])))
        print(f"FAILED seed {seed}: {type(error).__name__} {error}")
        print(f"  python tests/idempotency/run.py --sends {options.sends} --seed {seed}")
        return 1
    verdict, killed = report.verdict, dict(sorted(report.kills.items()))
    print(f"killed: {killed}; skipped copies: {dict(sorted(verdict.skipped.items()))}")
    print(
        f"{report.sends:,} payments over {report.connections} connections, seed {seed}: "
        f"{verdict.effects:,} effects, {verdict.duplicates:,} duplicates, {report.transactions:,} "
        f"transactions in {report.height:,} blocks; {report.kills.total()} processes killed; "
        f"{report.messages:,} signed messages, no conflict; {time.monotonic() - start_s:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
