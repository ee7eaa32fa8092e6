"""`quorate load`: transfers at a rate, whatever the network does, and how long each took."""

import asyncio
import secrets
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from quorate.cli import options, output, session
from quorate.core.params import Params
from quorate.devnet.layout import DEFAULT_DIRECTORY
from quorate.devnet.load.plan import LAG_MS_MAX, Outcome, Plan
from quorate.devnet.load.remote import run_load
from quorate.kit import faults

_LANES: Final = Params().lanes_max


def load(
    *,
    rate: Annotated[int, typer.Option("--rate", "-r", min=1, help="Transfers per second.")] = 200,
    duration_s: Annotated[
        float, typer.Option("--duration", "-d", min=1, help="Seconds that are measured.")
    ] = 10.0,
    size_bytes: Annotated[
        int, typer.Option("--size", min=0, help="Bytes of a transfer; 0: as they come.")
    ] = 0,
    accounts: Annotated[
        int, typer.Option("--accounts", min=1, max=255, help="Senders taking turns.")
    ] = 64,
    directory: options.Directory = DEFAULT_DIRECTORY,
    endpoint: options.Endpoint = None,
    as_json: options.Json = False,
) -> None:
    """**quorate load --rate 500 --duration 10**

    Send pre-signed transfers on schedule (open loop) from the local network's funded accounts.
    Latency counts from the scheduled moment to the executed receipt here.
    """
    plan = Plan(
        endpoint=session.find_endpoint(endpoint, directory),
        rate_tps=rate,
        duration_s=duration_s,
        warmup_s=1.0,
        accounts=accounts,
        lane=secrets.randbelow(_LANES),
        size_bytes=size_bytes,
        bad_per_mille=0,
    )
    with make_progress() as progress:
        task = progress.add_task("signing", total=1.0, state="")

        def hear(event: str, values: dict[str, Any]) -> None:
            share, what, state = describe_event(plan, event, values)
            progress.update(task, completed=share, description=what, state=state)

        outcome = asyncio.run(run_load(directory.absolute(), plan, hear))
    if as_json:
        output.print_json({**asdict(outcome), "void": outcome.is_void})
    else:
        _print(outcome)
    if outcome.lost or outcome.is_void:
        raise typer.Exit(faults.EXIT_FAILURE)


def describe_event(plan: Plan, event: str, values: dict[str, Any]) -> tuple[float, str, str]:
    """Return (share done, what is being done, details) of an event of the generator."""
    if event == "signing":
        return values["done"] / values["total"], "signing", f"{values['total']:,} transfers"
    if "offered" not in values or event == "outcome":
        return 1.0, "done", ""
    sent, total = values["offered"], plan.rate_tps * (plan.warmup_s + plan.duration_s)
    state = f"{sent:,} sent, {values['executed']:,} executed, {values['waiting']:,} waiting"
    if values["overloaded"]:
        state += f", {values['overloaded']:,} found no room"
    return min(1.0, sent / total), "sending" if event != "closed" else "waiting", state


def make_progress() -> Progress:
    """Return a progress bar on stderr that leaves nothing behind."""
    return Progress(
        TextColumn("{task.description:<8}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[state]}", style="dim"),
        console=output.err,
        transient=True,
    )


def _print(outcome: Outcome) -> None:
    rows: list[tuple[str, object]] = [
        ("offered", f"{outcome.offered_tps:,.0f} per second for {outcome.window_s:.0f} s"),
        ("final", f"{outcome.finalized_tps:,.0f} per second"),
        ("latency p50", f"{outcome.p50_ms:,.1f} ms"),
        ("latency p95", f"{outcome.p95_ms:,.1f} ms"),
        ("latency p99", f"{outcome.p99_ms:,.1f} ms"),
        ("latency max", f"{outcome.max_ms:,.1f} ms"),
        ("executed", f"{outcome.executed:,} of {outcome.offered:,}"),
    ]
    rows += [("found no room", f"{outcome.overloaded:,}")] if outcome.overloaded else []
    rows += [(f"rejected {why}", f"{count:,}") for why, count in outcome.rejected.items()]
    rows += [(f"dropped {why}", f"{count:,}") for why, count in outcome.dropped.items()]
    rows += [("failed", f"{outcome.failed:,}")] if outcome.failed else []
    rows += [("lost", f"{outcome.lost:,}")]
    output.print_fields(rows)
    if outcome.is_void:
        output.err.print(
            f"these figures say nothing: the generator was {outcome.lag_p99_ms:.1f} ms late at p99 "
            f"(at most {LAG_MS_MAX:.0f} ms); this machine is too busy"
        )
