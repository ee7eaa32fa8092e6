"""What a run of the mutants found, as a table, as a page, and in one line."""

from __future__ import annotations

from rich.table import Table

from tests.mutants.children import Outcome
from tests.style.sources import ROOT

PAGE = ROOT / "docs/mutants.md"
HEAD = """# Mutants

The engine's rules, each broken on purpose, and what notices it. `make mutants` breaks them one by
one in the real code (`tests/mutants/`), puts each through its catchers for at most 60 s, and fails
when one survives, or when the same plans and stories find anything in the engine as it is.

A *plan* is a simulated network that makes the situation likely, under all checkers of the
simulation; the column "seeds" says how many of them it took. A *story* is a network that is led by
hand into the one schedule that matters. This page is written by `make mutants ARGS=--write`.

"""


def describe_end(outcomes: list[Outcome], false_alarms: list[str], seed: int) -> str:
    """Return the closing line, after a command for each mutant that survived."""
    lines = [
        f"SURVIVED {each.mutant.name}: {each.trouble}\n"
        f"  python tests/mutants/run.py --only '{each.mutant.name}' --seed {seed}"
        for each in outcomes
        if each.find is None
    ]
    lines += [f"FALSE ALARM {each}" for each in false_alarms]
    caught = sum(each.find is not None for each in outcomes)
    held = "nothing" if not false_alarms else f"{len(false_alarms)} things"
    told = f"{held} found in the engine as it is, from seed {seed}"
    lines.append(f"{caught} of {len(outcomes)} mutants caught, {told}")
    return "\n".join(lines)


def list_row(outcome: Outcome) -> tuple[str, ...]:
    """Return the cells of a mutant's row."""
    mutant, find = outcome.mutant, outcome.find
    if find is None:
        return mutant.name, mutant.rule, mutant.breaks, "SURVIVED", outcome.trouble, "", "", ""
    seeds = str(find.seeds) if find.seeds else "story" if "/" not in find.catcher else "unit"
    catcher = find.catcher.replace("_", " ").removeprefix("test ")
    return (
        mutant.name, mutant.rule, mutant.breaks, find.shown_by, catcher, find.harm, seeds,
        f"{find.seconds:.1f}",
    )  # fmt: skip


COLUMNS = ("mutant", "rule", "what it does", "caught by", "in", "as", "seeds", "CPU s")
# What a mutant does stands on the page; a terminal has no room for it.
PRINTED = [column for column, title in enumerate(COLUMNS) if title != "what it does"]


def build_table(outcomes: list[Outcome], false_alarms: list[str]) -> Table:
    """Return the table that is printed."""
    table = Table(*(COLUMNS[column] for column in PRINTED))
    for outcome in outcomes:
        row = list_row(outcome)
        style = "" if outcome.find else "bold red"
        table.add_row(*(row[column] for column in PRINTED), style=style)
    table.add_section()
    last = _list_control(false_alarms)
    table.add_row(*(last[column] for column in PRINTED))
    return table


def write_page(outcomes: list[Outcome], false_alarms: list[str], end: str) -> None:
    """Write docs/mutants.md."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    for outcome in outcomes:
        name, rule, *rest = list_row(outcome)
        lines.append(f"| {' | '.join((name, f'[{rule}](protocol.md#{rule})', *rest))} |")
    lines.append(f"| {' | '.join(_list_control(false_alarms))} |")
    notes = [f"**{each.mutant.name}.** {each.mutant.note}" for each in outcomes if each.mutant.note]
    text = "\n".join([*lines, "", f"{end}.", "", "\n\n".join(notes), ""])
    PAGE.write_text(HEAD + text, encoding="utf-8")


def _list_control(false_alarms: list[str]) -> tuple[str, ...]:
    found = "; ".join(false_alarms) or "nothing"
    return "none: the engine as it is", "", "", found, "the same plans, all stories", "", "", ""
