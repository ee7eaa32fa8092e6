"""`quorate devnet scale` and `quorate devnet handover`: operations that take a few epochs."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from quorate.cli import options, output
from quorate.cli.progress import Progress
from quorate.core.errors import Rejected
from quorate.devnet.layout import DEFAULT_DIRECTORY
from quorate.devnet.network import Network
from quorate.devnet.tally import Outcomes

_Report = TypeVar("_Report")


def scale(
    seats: Annotated[int, typer.Argument(metavar="N", help="How many seats there shall be.")],
    directory: options.Directory = DEFAULT_DIRECTORY,
    as_json: options.Json = False,
) -> None:
    """**quorate devnet scale 7**

    Add validators until there are N seats, or take the newest out. New ones catch up, register,
    say that they are ready, are elected at the end of an epoch and vote from the one after the next
    on; old ones resign and run until their seats have left the set. Nothing else is restarted.
    Interrupted, it goes on when it is run again.
    """
    from quorate.devnet.scaling import Scaling, ScalingReport

    network = _open(directory)

    async def work(progress: Progress) -> ScalingReport:
        from quorate.sdk.client import Client

        async with Client(network.layout.endpoint) as client:
            return await Scaling(network, client, progress).run(seats)

    report = _run(network, work)
    if as_json:
        output.print_json(
            {
                "seats": list(report.seats),
                "epochs": [each._asdict() for each in report.epochs],
                "missed_views": report.missed_views,
                **_describe_outcomes(report.outcomes),
                "seconds": round(report.seconds, 1),
            }
        )
        return
    table = output.make_table("epoch", "seats", "may fail", "decide", right=("epoch", "seats"))
    for each in report.epochs:
        table.add_row(*[f"{value:,}" for value in each])
    output.out.print(table)
    output.out.print()
    output.print_fields(
        [
            ("seats", ", ".join(report.seats)),
            ("missed views", f"{report.missed_views}"),
            ("transactions", _count_outcomes(report.outcomes)),
            ("took", f"{report.seconds:.1f} s"),
        ]
    )


def handover(
    seat: Annotated[
        str, typer.Argument(metavar="SEAT", help="Its number, or its validator's name.")
    ],
    directory: options.Directory = DEFAULT_DIRECTORY,
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="Let the old node run on, without a seat.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """**quorate devnet handover 2**

    Move a seat to a fresh node, at an epoch's boundary: the old key signs nothing after it, the new
    one nothing before it. Then the old node is stopped; its directory stays. Interrupted, it goes
    on when it is run again.
    """
    from quorate.devnet.handover import HandoverReport, Moving

    network = _open(directory)

    async def work(progress: Progress) -> HandoverReport:
        from quorate.sdk.client import Client

        async with Client(network.layout.endpoint) as client:
            return await Moving(network, client, progress).run(seat, keep_old=keep_old)

    report = _run(network, work)
    if as_json:
        values = report._asdict() | {"seconds": round(report.seconds, 1)}
        del values["outcomes"]
        output.print_json(values | _describe_outcomes(report.outcomes))
        return
    own = f"height {report.own_height:,}" if report.own_height else "none yet"
    output.print_fields(
        [
            ("seat of", f"{report.name}: {report.source} → {report.target}"),
            ("since", f"epoch {report.epoch}, height {report.first_height:,}"),
            ("first own block", own),
            (
                "missed views",
                (
                    f"{report.missed_after} by the new key, {report.missed_before} by the old one, "
                    f"{report.missed_views} in all"
                ),
            ),
            ("transactions", _count_outcomes(report.outcomes)),
            ("took", f"{report.seconds:.1f} s"),
        ]
    )


def _open(directory: Path) -> Network:
    network = Network.open(directory)
    if not network.running():
        raise Rejected(
            f"the network in {directory} is down: start it with `quorate devnet up`",
            reason="DEVNET_DOWN",
        )
    return network


def _run(network: Network, work: Callable[[Progress], Awaitable[_Report]]) -> _Report:
    with network.operation(), Progress() as progress:
        return asyncio.run(_await(work(progress)))


async def _await(work: Awaitable[_Report]) -> _Report:
    return await work


def _describe_outcomes(outcomes: Outcomes) -> dict[str, Any]:
    return {"transactions": outcomes.transactions, "failed": outcomes.failed}


def _count_outcomes(outcomes: Outcomes) -> str:
    failed = sum(outcomes.failed.values())
    reasons = f" ({', '.join(outcomes.failed)})" if failed else ""
    return f"{outcomes.transactions:,} executed meanwhile, {failed:,} failed{reasons}"
