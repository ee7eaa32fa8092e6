"""From one run's outcome and cost to the figures people compare, and their tables."""

from dataclasses import asdict, dataclass
from typing import Any

from measure import Cost
from rich.console import Console
from rich.table import Table

from quorate.devnet.load.plan import LAG_MS_MAX, Outcome

_MEGABYTE = 1024 * 1024
_PROCESSES = ("validators", "helpers", "gateway", "client")
# Label, name in the document, digits after the point.
_ROWS = (
    ("final per second", "finalized_tps", 0),
    ("latency p50, ms", "p50_ms", 0),
    ("latency p95, ms", "p95_ms", 0),
    ("latency p99, ms", "p99_ms", 0),
    ("CPU s per 1,000", "cpu_s_per_1k_tx", 3),
    ("memory max, MB", "rss_mb_max", 0),
    ("blocks per second", "blocks_per_s", 1),
    ("syncs per block", "fsyncs_per_block", 1),
    ("rejected (bad)", "rejected", 0),
    ("found no room", "overloaded", 0),
    ("lost", "lost", 0),
    ("generator lag p99, ms", "lag_p99_ms", 1),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: what the client saw, what the machines used."""

    outcome: Outcome
    cost: Cost
    rss_bytes_max: int

    @property
    def transactions(self) -> float:
        """Executed in the window."""
        return max(1.0, self.outcome.finalized_tps * self.outcome.window_s)

    def to_document(self) -> dict[str, Any]:
        """Return the figures under their stable names."""
        seen, cost = self.outcome, self.cost
        validators_s = cost.validators_cpu_s + cost.helpers_cpu_s
        return {
            "offered_tps": round(seen.offered_tps, 1),
            "finalized_tps": round(seen.finalized_tps, 1),
            "p50_ms": round(seen.p50_ms, 1),
            "p95_ms": round(seen.p95_ms, 1),
            "p99_ms": round(seen.p99_ms, 1),
            "cpu_s_per_1k_tx": round(validators_s / self.transactions * 1_000, 3),
            "rss_mb_max": round(self.rss_bytes_max / _MEGABYTE),
            "blocks_per_s": round(cost.blocks / max(cost.seconds, 0.001), 2),
            "fsyncs_per_block": round(
                cost.syncs / max(1, cost.validators) / max(1.0, cost.blocks), 2
            ),
            "rejected": sum(seen.rejected.values()),
            "lost": seen.lost,
            "overloaded": seen.overloaded,
            "overload_answer_p99_ms": round(seen.overload_answer_p99_ms, 1),
            "dropped": seen.dropped,
            "failed": seen.failed,
            "bad_sent": seen.bad_sent,
            "bad_refused": seen.bad_refused,
            "lag_p99_ms": round(seen.lag_p99_ms, 2),
            "void": seen.is_void,
            "cpu_us_per_tx": self.cpu_us_per_tx(),
        }

    def cpu_us_per_tx(self) -> dict[str, float]:
        """Return CPU microseconds per executed transaction: all validators by stage, the rest."""
        cost = self.cost
        parts = dict(sorted(cost.stages_cpu_s.items(), key=lambda item: -item[1]))
        # Stages measured in a helper process are not in the validator's own CPU.
        parts["validators"] = cost.validators_cpu_s
        parts["helpers"] = cost.helpers_cpu_s
        parts["gateway"], parts["client"] = cost.gateway_cpu_s, cost.client_cpu_s
        return {name: round(s / self.transactions * 1e6, 1) for name, s in parts.items()}

    def find_faults(self) -> list[str]:
        """Return why this run must not be trusted, or what the network did wrong."""
        seen, found = self.outcome, []
        if seen.is_void:
            found.append(
                f"VOID: the generator woke up {seen.lag_p99_ms:.1f} ms late at p99 "
                f"(at most {LAG_MS_MAX:.0f} allowed): the figures above say nothing"
            )
        if seen.lost:
            found.append(f"{seen.lost} accepted transfers neither executed nor dropped")
        if not seen.are_only_bad_refused:
            found.append(
                f"{seen.bad_refused} of {seen.bad_sent} bad signatures refused; "
                f"rejections were {seen.rejected or 'none'}"
            )
        if seen.failed:
            found.append(f"{seen.failed} transfers failed at execution")
        return found


def print_runs(console: Console, profile: str, runs: list[Figures]) -> None:
    """Print a column per rate."""
    console.print(f"[bold]bench {profile}[/]")
    table = Table(box=None, pad_edge=False)
    table.add_column("offered per second", header_style="dim", style="dim")
    for run in runs:
        table.add_column(f"{run.outcome.offered_tps:,.0f}", justify="right")
    documents = [run.to_document() for run in runs]
    for label, name, digits in _ROWS:
        table.add_row(label, *[f"{one[name]:,.{digits}f}" for one in documents])
    for reason in sorted({reason for one in documents for reason in one["dropped"]}):
        table.add_row(
            f"dropped {reason}", *[f"{one['dropped'].get(reason, 0):,}" for one in documents]
        )
    console.print(table)


def print_cpu(console: Console, run: Figures) -> None:
    """Print where the CPU of one run went, per transaction."""
    parts = run.cpu_us_per_tx()
    staged = {name: value for name, value in parts.items() if name not in _PROCESSES}
    total = parts["validators"] + parts["helpers"]
    console.print(f"[bold]CPU µs per transaction at {run.outcome.offered_tps:,.0f} per second[/]")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    for name in _PROCESSES:
        table.add_row(name, f"{parts[name]:,.1f}")
    for name, value in staged.items():
        table.add_row(f"  stage {name}", f"{value:,.1f}")
    table.add_row("  in no stage", f"{max(0.0, total - sum(staged.values())):,.1f}")
    console.print(table)


def build_result(profile: str, top: Figures, runs: list[Figures]) -> dict[str, Any]:
    """Return the one JSON object of a bench: the headline run's figures, and all runs."""
    document: dict[str, Any] = {"profile": profile, **top.to_document()}
    if len(runs) > 1:
        document["runs"] = [run.to_document() for run in runs]
    document["client"] = {k: v for k, v in asdict(top.outcome).items() if k.endswith("_s")}
    return document
