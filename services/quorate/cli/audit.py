"""`quorate audit`: did any seat ever sign two messages that conflict?"""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from quorate.cli import options, output

# Found what no honest seat does; other codes are those of `quorate --help`.
EXIT_CONFLICT: Final = 7


def audit(
    directories: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Homes of validators, or a local network."),
    ],
    as_json: options.Json = False,
) -> None:
    """**quorate audit .quorate/devnet**

    Merge the vote logs of validators, running, stopped or killed, and look for two messages of one
    seat that no honest seat signs both. A planted double vote is looked for in the same pass: when
    it is not found, neither is "none". Nothing is written. Exit code 7: there is a conflict.
    """
    from quorate.devnet.audit import merge_audit_logs

    with _make_progress() as progress:
        task = progress.add_task("opening vote logs", total=None)
        report = merge_audit_logs(
            directories,
            lambda count: progress.update(task, description=f"{count:,} messages"),
        )
    if as_json:
        output.print_json(_describe(report))
    else:
        _print(report)
    if report.conflicts:
        raise typer.Exit(EXIT_CONFLICT)


def _make_progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    disable = not output.err.is_terminal
    return Progress(*columns, console=output.err, transient=True, disable=disable)


def _print(report: Any) -> None:
    if report.findings:
        table = output.make_table(
            "epoch", "view", "seat", "signed", "digest", "in the log of", "",
            right=("epoch", "view", "seat"),
        )  # fmt: skip
        for found in report.findings:
            place = [f"{found.epoch:,}", f"{found.view:,}", str(found.seat)]
            remark = {True: "signatures hold", False: "a signature is false", None: "not verified"}
            for message, note in ((found.first, ""), (found.second, remark[found.verified])):
                sources = Text(", ".join(message.sources))
                row = (message.kind, message.digest.hex()[:16], sources, Text(note, style="dim"))
                table.add_row(*place, *row)
                place = ["", "", ""]
        output.out.print(table)
        output.out.print()
    what = f"{report.messages:,} messages of {report.views:,} views in {len(report.logs)} vote logs"
    if report.conflicts:
        noun = "conflict" if report.conflicts == 1 else "conflicts"
        output.out.print(f"{report.conflicts:,} {noun} in {what}", style="bold red")
    else:
        output.out.print(f"no conflict in {what}; a planted one was found")


def _describe(report: Any) -> dict[str, Any]:
    return {
        "logs": [str(path) for path in report.logs],
        "messages": report.messages,
        "distinct": report.distinct,
        "views": report.views,
        "planted_found": True,
        "conflicts": report.conflicts,
        "findings": [
            {
                "epoch": found.epoch,
                "view": found.view,
                "seat": found.seat,
                "verified": found.verified,
                "messages": [
                    {
                        "kind": message.kind,
                        "digest": message.digest.hex(),
                        "encoded": message.encoded.hex(),
                        "sources": list(message.sources),
                    }
                    for message in (found.first, found.second)
                ],
            }
            for found in report.findings
        ],
    }
