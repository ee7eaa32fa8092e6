"""From one run's outcome and cost to the figures people compare, and their tables."""

from dataclasses import asdict, dataclass
from typing import Any

from measure import Cost
from rich.console import Console
from rich.table import Table

from quorate.devnet.load.plan import LAG_MS_MAX, Outcome

_MEGABYTE = 1024 * 1024
_COLUMNS = (
    *("offered/s", "final/s", "p50 ms", "p95 ms", "p99 ms", "CPU s/1k tx", "RSS MB"),
    *("blocks/s", "syncs/block", "rejected", "no room", "dropped", "lost", "lag p99 ms"),
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
    """Print one line per rate."""
    table = Table(title=f"bench {profile}", title_justify="left", box=None, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column, justify="right", header_style="dim", no_wrap=True)
    for run in runs:
        one = run.to_document()
        table.add_row(
            f"{one['offered_tps']:,.0f}",
            f"{one['finalized_tps']:,.0f}",
            *[f"{one[name]:,.0f}" for name in ("p50_ms", "p95_ms", "p99_ms")],
            f"{one['cpu_s_per_1k_tx']:.3f}",
            str(one["rss_mb_max"]),
            f"{one['blocks_per_s']:.1f}",
            f"{one['fsyncs_per_block']:.1f}",
            *[f"{one[name]:,}" for name in ("rejected", "overloaded")],
            f"{sum(one['dropped'].values()):,}",
            f"{one['lost']:,}",
            f"{one['lag_p99_ms']:.1f}",
        )
    console.print(table)


def print_cpu(console: Console, run: Figures) -> None:
    """Print where the CPU of one run went, per transaction."""
    title = f"CPU per transaction at {run.outcome.offered_tps:,.0f}/s, all validators together"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("where", header_style="dim")
    table.add_column("µs", justify="right", header_style="dim")
    parts = run.cpu_us_per_tx()
    processes = ("validators", "helpers", "gateway", "client")
    for name, value in parts.items():
        if name not in processes:
            table.add_row(f"  stage {name}", f"{value:,.1f}")
    staged = sum(value for name, value in parts.items() if name not in processes)
    total = parts["validators"] + parts["helpers"]
    table.add_row("  not in a stage", f"{max(0.0, total - staged):,.1f}")
    for name in processes:
        table.add_row(name, f"{parts[name]:,.1f}")
    console.print(table)


def build_result(profile: str, top: Figures, runs: list[Figures]) -> dict[str, Any]:
    """Return the one JSON object of a bench: the headline run's figures, and all runs."""
    document: dict[str, Any] = {"profile": profile, **top.to_document()}
    if len(runs) > 1:
        document["runs"] = [run.to_document() for run in runs]
    document["client"] = {k: v for k, v in asdict(top.outcome).items() if k.endswith("_s")}
    return document
