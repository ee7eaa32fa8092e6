"""What the figures should be (first column of the design's table), beside what was measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from figures import Figures
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Target:
    """One figure of a profile: `rate_tps` 0 means the run that speaks for the profile."""

    what: str
    limit: float
    read: Callable[[Figures], float]
    rate_tps: int = 0
    at_least: bool = False
    unit: str = "ms"

    def is_met(self, value: float) -> bool:
        """Tell whether a measured value is good enough."""
        return value >= self.limit if self.at_least else value <= self.limit


def _cpu(run: Figures) -> float:
    return float(run.to_document()["cpu_s_per_1k_tx"])


_MEMORY = Target(
    "memory of a validator", 400, lambda run: run.to_document()["rss_mb_max"], unit="MB"
)
TARGETS: dict[str, Sequence[Target]] = {
    "idle": (_MEMORY,),
    "steady": (
        Target("finality p50 at 500 per second", 150, lambda run: run.outcome.p50_ms, 500),
        Target("finality p50 at 2,000 per second", 300, lambda run: run.outcome.p50_ms, 2_000),
        Target("finality p99 at 2,000 per second", 1_000, lambda run: run.outcome.p99_ms, 2_000),
        _MEMORY,
    ),
    "saturate": (
        Target(
            "saturated throughput",
            2_000,
            lambda run: run.outcome.finalized_tps,
            at_least=True,
            unit="per second",
        ),
        Target("validators' CPU per 1,000 transactions", 0.6, _cpu, unit="s"),
        _MEMORY,
    ),
    "overload": (
        Target("p99 of accepted at twice saturation", 2_000, lambda run: run.outcome.p99_ms),
        Target("refusals answered, p99", 1_000, lambda run: run.outcome.overload_answer_p99_ms),
        _MEMORY,
    ),
    "one-down": (_MEMORY,),
    # Half of the transactions are calls.
    "contracts": (
        Target(
            "contract calls",
            1_000,
            lambda run: run.outcome.finalized_tps / 2,
            at_least=True,
            unit="per second",
        ),
        _MEMORY,
    ),
}


def print_targets(console: Console, profile: str, top: Figures, runs: Sequence[Figures]) -> None:
    """Print each figure of the profile, its target, and by how much it is missed."""
    by_rate = {round(run.outcome.offered_tps): run for run in runs}
    table = Table(box=None, pad_edge=False)
    table.add_column("figure", header_style="dim", style="dim")
    for name in ("target", "measured"):
        table.add_column(name, justify="right", header_style="dim")
    table.add_column("")
    for target in TARGETS[profile]:
        value = target.read(by_rate.get(target.rate_tps, top))
        sign = "≥" if target.at_least else "≤"
        met = (
            "[green]met[/]"
            if target.is_met(value)
            else f"[red]missed: {value / target.limit:.2f}×[/]"
        )
        digits = 0 if target.limit >= 10 else 2
        measured = f"{value:,.{digits}f} {target.unit}"
        table.add_row(target.what, f"{sign} {target.limit:,g} {target.unit}", measured, met)
    console.print(table)
