"""What an election over many candidates costs at an epoch's boundary, against the real RocksDB.

    .venv/bin/python bench/election.py [--candidates 10000] [--delegations 1000000]

The epoch's last block is executed as storage does it, with nothing in memory beforehand. CPU is the
process's; a step is what runs on the event loop without a pause (storage/pacer.py).
"""

import argparse
import json
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from quorate.core.closing import Closing
from quorate.core.codec import U64
from quorate.core.context import Context
from quorate.core.crypto import SigningKey
from quorate.core.genesis import Genesis, build_genesis, build_seat_entry, parse_genesis
from quorate.core.genesis_state import compute_genesis_writes
from quorate.core.params import Params
from quorate.core.staking.records import (
    Candidate,
    Delegation,
    compute_candidate_key,
    compute_delegation_key,
)
from quorate.core.state import Changes
from quorate.storage import database as db
from quorate.storage.database import Database, Writes
from quorate.storage.pacer import STEP_S
from quorate.storage.state_reader import StateReader
from quorate.storage.store import HEIGHT_KEY, Store

SEED: Final = 10
ROUNDS: Final = 5
_CHUNK: Final = 20_000
_CHAIN: Final = "election"
_SELF_STAKE: Final = 10**9


class Figures(NamedTuple):
    """Of one election in milliseconds: CPU of the process, the longest step's of its thread.

    A step is several parts, which the election itself can't be paused within.
    """

    cpu_ms: float
    step_ms_max: float
    part_ms_max: float
    steps: int


def build_chain(seats: int) -> Genesis:
    """Return a genesis with so many seats, each with a candidate behind it."""
    keys = [SigningKey(number.to_bytes(32, "big")) for number in range(1, seats + 1)]
    entries = [build_seat_entry(_CHAIN, f"v{i}", key) for i, key in enumerate(keys)]
    return parse_genesis(build_genesis(_CHAIN, 0, Params(), entries, {}))


def fill(database: Database, genesis: Genesis, candidates: int, delegations: int) -> None:
    """Write a state with so many candidates, ready and of random stake, and delegations."""
    rng = random.Random(SEED)
    writes = [*compute_genesis_writes(genesis), (HEIGHT_KEY, U64.pack(0))]
    owners = [rng.randbytes(32) for _ in range(candidates - len(genesis.seats))]
    for owner in owners:
        stake = rng.randrange(_SELF_STAKE, 10**15)
        made = Candidate(
            owner, rng.randbytes(32), f"candidate {owner.hex()[:8]}", "d" * 100, 500,
            stake=stake, self_stake=_SELF_STAKE, ready_epoch=1,
        )  # fmt: skip
        writes.append((compute_candidate_key(owner), made.encode()))
    _put(database, writes)
    record = Delegation(10**9).encode()
    for start in range(0, delegations, _CHUNK):
        _put(
            database,
            [
                (compute_delegation_key(rng.randbytes(32), rng.choice(owners)), record)
                for _ in range(min(_CHUNK, delegations - start))
            ],
        )


def _put(database: Database, items: list[tuple[bytes, bytes]]) -> None:
    writes = Writes()
    writes.put_all(db.STATE, items)
    database.write(database.build(writes), synced=False)


def measure(store: Store, genesis: Genesis) -> Figures:
    """End epoch 0 once and return what it took; the state is not changed."""
    header = replace(genesis.root.header, height=1, view=1)
    changes = Changes(StateReader(store).open([]))
    closing = Closing(Context(header, genesis.params, genesis.domain), changes)
    begun_s, steps_s, parts_s = time.process_time(), list[float](), list[float]()
    paused_s, since_s = time.monotonic(), time.thread_time()
    part_s = since_s
    for _ in closing.iter_end():
        parts_s.append(time.thread_time() - part_s)
        part_s += parts_s[-1]
        # As Pacer does.
        if time.monotonic() - paused_s >= STEP_S:
            steps_s.append(time.thread_time() - since_s)
            paused_s, since_s = time.monotonic(), time.thread_time()
    steps_s.append(time.thread_time() - since_s)
    cpu_s = time.process_time() - begun_s
    assert closing.election is not None and len(closing.election.next_set.seats) > 1
    spans_ms = [round(each * 1e3, 2) for each in (cpu_s, max(steps_s), max(parts_s))]
    return Figures(*spans_ms, len(steps_s))


def run(path: Path, genesis: Genesis) -> list[Figures]:
    """Measure on a database that was opened anew, so the first round reads from disk."""
    database = Database(path)
    try:
        store = Store(database, genesis)
        return [measure(store, genesis) for _ in range(ROUNDS)]
    finally:
        database.close()


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(description="Measures an election over many candidates.")
    parser.add_argument("--candidates", type=int, default=10_000)
    parser.add_argument("--delegations", type=int, default=1_000_000)
    parser.add_argument("--seats", type=int, default=31)
    given = parser.parse_args()
    genesis = build_chain(given.seats)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "db"
        database = Database(path)
        fill(database, genesis, given.candidates, given.delegations)
        database.close()
        rounds = run(path, genesis)
    document = {**vars(given), "rounds": [each._asdict() for each in rounds]}
    print(json.dumps({**document, "median": sorted(rounds)[ROUNDS // 2]._asdict()}))


if __name__ == "__main__":
    main()
