"""What executing a block of plain transfers costs per transaction: core.transition in memory.

    .venv/bin/python bench/apply.py                 this checkout
    .venv/bin/python bench/apply.py --against DIR   paired with another checkout, in turns

Both run on the same data in processes of their own, one round each in turn, so that both meet the
same machine. On a machine with other work the best of the rounds says most.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

TRANSACTIONS: Final = 4_096
ACCOUNTS: Final = 1_024
ROUNDS: Final = 15
_HERE: Final = Path(__file__).resolve().parents[1]


def measure() -> float:
    """Return the CPU time per transfer, in microseconds, of one block on a state in memory."""
    # Imported here: the process that compares two checkouts must not load either.
    from quorate.core.applying import SLICE
    from quorate.core.loading import list_keys
    from quorate.core.params import Params
    from quorate.core.state import Account
    from quorate.core.transactions import Transaction, Transfer
    from quorate.core.values import Hash
    from tests.unit.quorate.core import chains

    addresses = [number.to_bytes(32, "big") for number in range(1, ACCOUNTS + 1)]
    transactions = []
    for number in range(TRANSACTIONS):
        sender, to = addresses[number % ACCOUNTS], addresses[(number * 7 + 1) % ACCOUNTS]
        identity, payloads = Hash(number.to_bytes(32, "little")), (Transfer(sender, to, 1),)
        head = (identity, sender, 0, number // ACCOUNTS, 1_000, 10**9, 1, b"", b"")
        transactions.append(Transaction(*head, payloads, b"", (), b"", 250, 500))
    state = chains.build_state()
    state.update({b"a" + address: Account(10**15, {}).encode() for address in addresses})
    begun_s = time.thread_time()
    execution = chains.open_block(state, chains.build_header(1), Params(), bytes(32))
    receipts = []
    for start in range(0, TRANSACTIONS, SLICE):
        part = transactions[start : start + SLICE]
        list_keys(part)
        receipts += execution.apply(part)
    chains.close_block(execution)
    took_s = time.thread_time() - begun_s
    assert not any(receipt.code for receipt in receipts), "every transfer succeeds"
    return took_s / TRANSACTIONS * 1e6


def run_in(checkout: Path) -> float:
    """Return the figure of another process that runs a checkout's own bench/apply.py."""
    environment = {**os.environ, "PYTHONPATH": f"{checkout / 'services'}:{checkout}"}
    command = [sys.executable, "bench/apply.py", "--once"]
    found = subprocess.run(
        command, env=environment, cwd=checkout, check=True, capture_output=True, timeout=120
    )
    return float(found.stdout)


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description="Measures the apply path of transfers.")
    parser.add_argument("--against", type=Path, default=None)
    parser.add_argument("--once", action="store_true")
    given = parser.parse_args()
    if given.once:
        print(min(measure() for _ in range(3)))
        return
    checkouts = [_HERE, *([given.against.resolve()] if given.against else [])]
    figures: list[list[float]] = [[] for _ in checkouts]
    for _ in range(ROUNDS):
        for checkout, rounds in zip(checkouts, figures, strict=True):
            rounds.append(run_in(checkout))
    best = [min(each) for each in figures]
    document = {
        "transactions": TRANSACTIONS,
        "us_best": [round(each, 3) for each in best],
        "us_median": [round(statistics.median(each), 3) for each in figures],
        "ratio_of_best": round(best[0] / best[-1], 3),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
