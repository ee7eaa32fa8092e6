"""What a run costs: CPU and memory of every process, and the validators' own counters.

CPU and memory are the kernel's (/proc, a validator with its helper processes); the split by stage
and the counts of blocks and syncs are the validators' metrics.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic

from quorate.devnet.metrics import Samples, read_metrics
from quorate.devnet.network import Network
from quorate.devnet.processes import Program
from quorate.devnet.system import list_tree, read_usage

STAGE = "quorate_stage_cpu_seconds_total"
_SYNCS = ("quorate_storage_syncs_total", "quorate_consensus_log_syncs_total")
_HEIGHT = "quorate_storage_executed_height"


@dataclass(slots=True)
class Snapshot:
    """All counters at one moment."""

    time_s: float
    cpu_s: dict[str, float] = field(default_factory=dict)
    """By process name; a validator's helpers under `<name> helpers`, the generator as `client`."""
    metrics: dict[str, Samples] = field(default_factory=dict)
    """By process name."""


@dataclass(slots=True, kw_only=True)
class Cost:
    """What happened between two snapshots; `validators` counts those that ran all the while."""

    seconds: float
    validators: int
    validators_cpu_s: float
    helpers_cpu_s: float
    gateway_cpu_s: float
    client_cpu_s: float
    stages_cpu_s: dict[str, float]
    blocks: float
    syncs: float


def snapshot(network: Network, client_cpu_s: float) -> Snapshot:
    """Return all counters now; processes that do not run are left out."""
    taken = Snapshot(monotonic(), {"client": client_cpu_s})
    running = list(_running(network))
    for program, pid in running:
        tree = list_tree(pid)
        taken.cpu_s[program.name] = read_usage(tree[0]).cpu_s
        if program.node is not None:
            helpers = sum(read_usage(child).cpu_s for child in tree[1:])
            taken.cpu_s[f"{program.name} helpers"] = helpers
    for program, _ in running:
        if program.node is not None:
            port = network.layout.metrics_port(program.node, program.role)
            taken.metrics[program.name] = read_metrics(port)
    return taken


def read_rss_max(network: Network) -> int:
    """Return the resident bytes of the largest validator, helpers included."""
    sizes: Counter[str] = Counter()
    for program, pid in _running(network):
        if program.node is not None:
            sizes[program.node.name] += sum(read_usage(each).rss_bytes for each in list_tree(pid))
    return max(sizes.values(), default=0)


def compute_cost(before: Snapshot, after: Snapshot) -> Cost:
    """Return what was used between two snapshots of the same network."""
    names = [name for name in before.metrics if name in after.metrics]
    used = {n: after.cpu_s[n] - before.cpu_s[n] for n in before.cpu_s if n in after.cpu_s}
    stages: dict[str, float] = {}
    syncs, blocks = 0.0, 0.0
    for name in names:
        old, new = before.metrics[name], after.metrics[name]
        for (metric, label), value in new.items():
            grown = value - old.get((metric, label), 0.0)
            if metric == STAGE:
                stages[label] = stages.get(label, 0.0) + grown
            elif metric in _SYNCS:
                syncs += grown
            elif metric == _HEIGHT:
                blocks = max(blocks, grown)
    return Cost(
        seconds=after.time_s - before.time_s,
        validators=len({name.split(".")[0] for name in names}),
        validators_cpu_s=sum(used[name] for name in names),
        helpers_cpu_s=sum(used[f"{name} helpers"] for name in names),
        gateway_cpu_s=used.get("gateway", 0.0),
        client_cpu_s=used.get("client", 0.0),
        stages_cpu_s=stages,
        blocks=blocks,
        syncs=syncs,
    )


def _running(network: Network) -> Iterable[tuple[Program, int]]:
    for program in network.processes.programs():
        process = network.processes.find(program)
        if process is not None:
            yield program, process.pid
