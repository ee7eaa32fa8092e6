"""Every metric follows Prometheus' conventions, so that dashboards and alerts can rely on names."""

import re

import pytest
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from quorate.kit import metrics

ALL = {name: value for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)}
SERVICES = ("stage", "consensus", "storage", "gossip", "gateway", "loop", "contracts", "rpc")
UNBOUNDED = {"id", "address", "sender", "peer", "node", "height", "view", "hash", "digest"}


@pytest.mark.parametrize("metric", ALL.values(), ids=ALL)
def test_metric_has_a_prefix_a_service_and_help(metric: MetricWrapperBase) -> None:
    assert re.fullmatch(rf"quorate_({'|'.join(SERVICES)})_[a-z_]+", metric._name)
    assert len(metric._documentation) > 10
    assert not metric._documentation.endswith(".")


@pytest.mark.parametrize("metric", ALL.values(), ids=ALL)
def test_metric_counts_in_base_units_with_bounded_labels(metric: MetricWrapperBase) -> None:
    assert not re.search(r"_(ms|milliseconds|us|minutes|kb|mb|percent)(_|$)", metric._name)
    assert not UNBOUNDED & set(metric._labelnames)


@pytest.mark.parametrize("metric", ALL.values(), ids=ALL)
def test_seconds_of_work_are_histograms_or_counters(metric: MetricWrapperBase) -> None:
    assert isinstance(metric, Counter | Gauge | Histogram)
    if metric._name.endswith("_seconds"):
        assert not isinstance(metric, Gauge)


def burn_and_raise() -> None:
    with metrics.measure_stage("test"):
        sum(n * n for n in range(20_000))
        raise ValueError


def test_a_stage_adds_the_cpu_time_of_its_block_also_when_it_raises() -> None:
    counter = metrics.STAGE_CPU.labels("test")
    before = counter._value.get()
    with pytest.raises(ValueError):
        burn_and_raise()
    assert counter._value.get() > before
