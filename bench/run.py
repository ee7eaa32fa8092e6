"""`make bench PROFILE=…`: a fresh network, load from a process of its own, figures.

    python bench/run.py --profile steady

Prints a table per rate, where the CPU went, and last one JSON object. Exits with 1 when the run is
void (the generator was late) or the network lost, failed or wrongly refused something.
"""

import argparse
import asyncio
import json
import sys
from typing import Any

from contracts import deploy_token, measure_views, print_calls
from figures import Figures, build_result, print_cpu, print_runs
from measure import Snapshot, compute_cost, read_rss_max, snapshot
from profiles import (
    PROFILES,
    RISING_FIRST_TPS,
    RISING_STEPS_MAX,
    Profile,
    compute_next_rate,
    is_saturated,
)
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from targets import print_targets

from quorate.core.errors import QuorateError
from quorate.devnet.layout import Spec
from quorate.devnet.load.plan import Plan
from quorate.devnet.load.remote import run_load
from quorate.devnet.network import Network, temporary_network
from quorate.devnet.readiness import wait_ready
from quorate.kit.faults import find_exit_code

_LANES = 16
_DOWN = "3"
# Long enough that all which waits at saturation is executed: what is not counts as lost.
_DRAIN_S = 30.0


class Bench:
    """One profile on one network."""

    def __init__(self, network: Network, profile: Profile, console: Console) -> None:
        self.network, self.profile, self.console = network, profile, console
        self.runs: list[Figures] = []
        # The token that calls are made of, in hex digits; empty in other profiles.
        self.contract = ""

    async def run(self) -> Figures:
        """Do all runs of the profile; return the one that speaks for it."""
        profile = self.profile
        if profile.is_one_down:
            self.network.kill(_DOWN)
        for rate_tps in profile.rates_tps:
            await self._measure(rate_tps)
        if not profile.rates_tps:
            await self._rise()
        if profile.beyond:
            peak = max(run.outcome.finalized_tps for run in self.runs)
            return await self._measure(round(peak * profile.beyond))
        if not profile.rates_tps or profile.has_calls:
            return max(self.runs, key=lambda run: run.outcome.finalized_tps)
        return self.runs[-1]

    async def _rise(self) -> None:
        rate_tps = RISING_FIRST_TPS
        for _ in range(RISING_STEPS_MAX):
            figures = await self._measure(rate_tps)
            if is_saturated(figures.outcome) or figures.outcome.is_void:
                return
            rate_tps = compute_next_rate(rate_tps)

    async def _measure(self, rate_tps: int) -> Figures:
        profile = self.profile
        plan = Plan(
            endpoint=self.network.layout.endpoint,
            rate_tps=rate_tps,
            duration_s=profile.duration_s,
            warmup_s=profile.warmup_s,
            drain_s=_DRAIN_S,
            accounts=profile.accounts,
            lane=len(self.runs) % _LANES,
            tick_ms=profile.tick_ms,
            bad_per_mille=profile.bad_per_mille,
            contract=self.contract,
        )
        with make_progress(self.console) as progress:
            watch = Watch(self.network, plan, progress)
            outcome = await run_load(self.network.layout.directory, plan, watch.hear)
        figures = Figures(outcome, compute_cost(*await watch.take_snapshots()), watch.rss_bytes_max)
        self.runs.append(figures)
        return figures


class Watch:
    """Shows a run's progress and takes the measurements at its window's edges."""

    def __init__(self, network: Network, plan: Plan, progress: Progress) -> None:
        self._network, self._plan, self._progress = network, plan, progress
        self._task = progress.add_task(f"{plan.rate_tps:,}/s", total=1.0, state="signing")
        self._snapshots: list[asyncio.Task[Snapshot]] = []
        self.rss_bytes_max = 0

    def hear(self, event: str, values: dict[str, Any]) -> None:
        """Take in an event of the generator."""
        if event in ("window", "closed"):
            taking = asyncio.to_thread(snapshot, self._network, values["cpu_s"])
            self._snapshots.append(asyncio.create_task(taking))
        if event == "signing":
            self._show(values["done"] / values["total"], f"signing {values['total']:,} transfers")
        elif event in ("start", "window", "tick"):
            plan, sent = self._plan, values["offered"]
            self.rss_bytes_max = max(self.rss_bytes_max, read_rss_max(self._network))
            total = plan.rate_tps * (plan.warmup_s + plan.duration_s)
            state = f"sent {sent:,}, executed {values['executed']:,}, waiting {values['waiting']:,}"
            self._show(sent / total, state)
        elif event == "closed":
            self._show(1.0, f"waiting for the last {values['waiting']:,}")

    async def take_snapshots(self) -> tuple[Snapshot, Snapshot]:
        """Return the snapshots of the window's edges."""
        first, last = await asyncio.gather(*self._snapshots)
        return first, last

    def _show(self, share: float, state: str) -> None:
        self._progress.update(self._task, completed=share, state=state)


def make_progress(console: Console) -> Progress:
    """Return a progress bar on stderr that leaves nothing behind."""
    return Progress(
        TextColumn("{task.description:>9}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[state]}"),
        console=console,
        transient=True,
    )


async def run_profile(profile: Profile) -> int:
    """Run a profile on a fresh network; return the exit code."""
    console, progress_console = Console(highlight=False), Console(stderr=True)
    with temporary_network(Spec()) as network:
        network.up()
        await wait_ready(network)
        bench = Bench(network, profile, progress_console)
        views: list[float] = []
        if profile.has_calls:
            bench.contract = await deploy_token(network, profile.accounts)
        top = await bench.run()
        if profile.has_calls:
            views = await measure_views(network, bench.contract)
    print_runs(console, profile.name, bench.runs)
    console.print()
    print_targets(console, profile.name, top, bench.runs)
    console.print()
    print_cpu(console, top)
    if profile.has_calls:
        print_calls(console, top, views)
    faults = [fault for run in bench.runs for fault in run.find_faults()]
    for fault in faults:
        console.print(f"[bold red]{fault}[/]")
    console.print()
    sys.stdout.write(json.dumps(build_result(profile.name, top, bench.runs)) + "\n")
    return 1 if faults else 0


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--profile", choices=sorted(PROFILES), default="steady")
    profile = PROFILES[parser.parse_args().profile]
    try:
        return asyncio.run(run_profile(profile))
    except QuorateError as error:
        Console(stderr=True).print(f"[bold red]error[/] {error.message}", highlight=False)
        return find_exit_code(error)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
