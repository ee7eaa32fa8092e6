"""Our own metrics are read back as prometheus-client writes them."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from quorate.devnet.metrics import parse_metrics, read_metrics


def test_counters_and_gauges_are_read_by_name_and_label() -> None:
    registry = CollectorRegistry()
    Gauge("quorate_view", "View", registry=registry).set(7)
    stages = Counter("quorate_stage_cpu_seconds", "CPU", ["stage"], registry=registry)
    stages.labels("verify").inc(1.5)
    stages.labels("apply").inc(2e-7)
    samples = parse_metrics(generate_latest(registry).decode())
    assert samples["quorate_view", ""] == 7.0
    assert samples["quorate_stage_cpu_seconds_total", "verify"] == 1.5
    assert samples["quorate_stage_cpu_seconds_total", "apply"] == 2e-7


def test_node_that_is_gone_has_no_metrics() -> None:
    assert read_metrics(1) == {}
