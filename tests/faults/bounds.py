"""The figures, each beside its bound; the test with shorter outages asserts the same bounds."""

from quorate.core.params import Params
from tests.faults import figures

PARTITION_S = 20.0
PARTITION_HEALS_S = 2.0
BASE_TIMEOUT_S = Params().view_timeout_ms / 1_000
ABSENCE_HEALS_S = 2 * BASE_TIMEOUT_S
DEAD_S = 60.0
DEAD_TPS_SHARE = 0.6
DEAD_P50_FACTOR = 2.0
RATE_TPS = 500


async def print_figures(away_s: float) -> int:
    """Measure and print each figure; return how many missed their bound."""
    missed = 0
    for cut in ("silent", "reset"):
        healing = await figures.measure_partition(cut, PARTITION_S)
        what = f"{PARTITION_S:.0f} s partition 2:2 ({cut}): commits after healing"
        missed += _print(what, healing.since_healed_s, PARTITION_HEALS_S, "s")
    healing = await figures.measure_absence(away_s)
    what = f"{away_s:.0f} s with two of four down: commits after a quorum is connected"
    missed += _print(what, healing.since_connected_s, ABSENCE_HEALS_S, "s")
    free, dead = await figures.measure_one_dead(RATE_TPS, DEAD_S)
    loads = f"one of four dead for {DEAD_S:.0f} s at {RATE_TPS} tx/s"
    print(f"{loads}: {dead.finalized_tps:.0f} of {free.finalized_tps:.0f} tx/s")
    share = free.finalized_tps / dead.finalized_tps
    missed += _print(f"{loads}: tx/s without ÷ with", share, 1 / DEAD_TPS_SHARE, "×")
    print(f"{loads}: p50 {dead.p50_ms:.0f} ms against {free.p50_ms:.0f} ms")
    missed += _print(
        f"{loads}: p50 with ÷ without", dead.p50_ms / free.p50_ms, DEAD_P50_FACTOR, "×"
    )
    cost = await figures.measure_relay(RATE_TPS, 15.0)
    print(
        f"the relay itself at {RATE_TPS} tx/s: p50 {cost.relayed_p50_ms:.0f} ms against "
        f"{cost.direct_p50_ms:.0f} ms without, {100 * cost.cpu_share:.0f} % of a core for "
        f"{cost.bytes_per_s / 1e6:.1f} MB/s"
    )
    return missed


def _print(what: str, value: float, most: float, unit: str) -> int:
    holds = value <= most
    verdict = "met" if holds else "MISSED"
    print(f"{what}: {value:.2f} {unit}, at most {most:.2f} {unit}, {verdict}", flush=True)
    return 0 if holds else 1
