"""Every metric, declared once. Names follow Prometheus: prefix, base unit, unit last."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

# CPU by stage (design of the figures in docs/evidence.md): measured per batch or block, never per
# transaction. Stages: frames, verify, admit, consensus, decode, apply, contracts, digest, write,
# sync, api.
STAGE_CPU: Final = Counter(
    "quorate_stage_cpu_seconds", "Thread CPU time spent in a stage of a transaction", ["stage"]
)
FINAL_HEIGHT: Final = Gauge("quorate_consensus_final_height", "Last final height of the engine")
VIEW: Final = Gauge("quorate_consensus_view", "Current view of the engine")
EPOCH: Final = Gauge("quorate_consensus_epoch", "Epoch that runs at this validator")
HALTED: Final = Gauge("quorate_consensus_halted", "1 while this validator must not vote")
VIEWS_NULLIFIED: Final = Counter("quorate_consensus_views_nullified", "Views that were nullified")
EQUIVOCATIONS: Final = Counter("quorate_consensus_equivocations", "Evidence found", ["kind"])
LOG_SYNCS: Final = Counter("quorate_consensus_log_syncs", "Synced writes of the vote log")
EXECUTED_HEIGHT: Final = Gauge("quorate_storage_executed_height", "Last executed height")
EXECUTED_TRANSACTIONS: Final = Counter(
    "quorate_storage_executed_transactions", "Transactions met in final blocks", ["outcome"]
)
VIEWS_LEFT: Final = Gauge(
    "quorate_storage_seat_views_left",
    "Leader views that a seat may still miss before its candidate is due for jail",
    ["seat", "name"],
)
STORAGE_SYNCS: Final = Counter("quorate_storage_syncs", "Synced writes of the database")
APPLY_SECONDS: Final = Histogram("quorate_storage_apply_seconds", "Time to apply one block")
CONTRACT_CALLS: Final = Counter(
    "quorate_contracts_calls", "Calls of contracts, by what for (execute, view)", ["kind"]
)
CONTRACT_FUEL: Final = Counter(
    "quorate_contracts_fuel", "Fuel that calls of contracts used", ["kind"]
)
CONTRACT_RESTARTS: Final = Counter(
    "quorate_contracts_child_restarts", "Children of the contract-runner replaced", ["kind"]
)
CONTRACT_ARTEFACTS: Final = Counter(
    "quorate_contracts_artefacts", "Compiled modules given to children, by origin", ["origin"]
)
CONTRACT_COMPILE_SECONDS: Final = Histogram(
    "quorate_contracts_compile_seconds", "Time that a compile child took for a module"
)
PEERS: Final = Gauge("quorate_gossip_peers", "Connected peers")
PEER_BYTES: Final = Counter("quorate_gossip_bytes", "Bytes to and from peers", ["direction"])
MEMPOOL_BYTES: Final = Gauge("quorate_gossip_mempool_bytes", "Bytes waiting in the mempool")
MEMPOOL_TRANSACTIONS: Final = Gauge("quorate_gossip_mempool_transactions", "Waiting transactions")
ADMITTED: Final = Counter("quorate_gossip_admitted", "Admission verdicts", ["reason"])
BATCHES_SEALED: Final = Counter("quorate_gossip_batches_sealed", "Batches sealed here")
BATCHES_INVALID: Final = Counter(
    "quorate_gossip_batches_invalid", "Batches that prove a fault of their author"
)
PEER_FAULTS: Final = Counter("quorate_gossip_peer_faults", "Faults of peers", ["fault"])
VERIFIER_RESTARTS: Final = Counter(
    "quorate_gossip_verifier_restarts", "Times the verifier process died"
)
GATEWAY_SUBMITTED: Final = Counter(
    "quorate_gateway_submitted", "Transactions that came in by verdict", ["verdict"]
)
GATEWAY_RESENT: Final = Counter("quorate_gateway_resent", "Transactions sent to another validator")
GATEWAY_PENDING_BYTES: Final = Gauge("quorate_gateway_pending_bytes", "Bytes kept until durable")
GATEWAY_STREAMS: Final = Gauge("quorate_gateway_streams", "Open client streams")
GATEWAY_REACHABLE: Final = Gauge("quorate_gateway_reachable", "Validators that answer")
GATEWAY_WATCHES_CLOSED: Final = Counter(
    "quorate_gateway_watches_closed", "Watches closed because the client read too slowly"
)
LOOP_LAG_SECONDS: Final = Histogram(
    "quorate_loop_lag_seconds",
    "How late the event loop wakes up",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0),
)


@contextmanager
def measure_stage(stage: str) -> Iterator[None]:
    """Add the thread CPU time of the block to a stage."""
    start = time.thread_time()
    try:
        yield
    finally:
        STAGE_CPU.labels(stage).inc(time.thread_time() - start)
