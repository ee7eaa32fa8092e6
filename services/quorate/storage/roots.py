"""The state that a chain's root starts from: written once, into a fresh database."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from quorate.core.codec import U64
from quorate.core.errors import RefusedToStart
from quorate.core.genesis import Genesis
from quorate.core.genesis_records import LINE_BYTES_MAX, get_state_name, read_lines
from quorate.core.genesis_state import compute_genesis_writes
from quorate.core.merkle import build_edge
from quorate.core.state import Write
from quorate.storage import database as db
from quorate.storage.database import Database, Writes
from quorate.storage.store import GENESIS_KEY, HEIGHT_KEY, put_subtrees

WRITES_MAX: Final = 10_000


def prepare(
    database: Database, genesis: Genesis, directory: Path, writes_max: int = WRITES_MAX
) -> None:
    """Write the root's state into a fresh database; `directory` has a forked chain's state file.

    Raises RefusedToStart for another chain's database or without that file, InvalidGenesis when it
    is not what the genesis names.
    """
    found = database.get(db.META, GENESIS_KEY)
    if found is None:
        # Twice: of a wrong file no record may be left behind.
        for _ in iter_records(directory, genesis):
            pass
        records = iter_records(directory, genesis)
        while part := list(islice(records, writes_max)):
            _write(database, part)
        state = compute_genesis_writes(genesis)
        for start in range(0, len(state), writes_max):
            _write(database, state[start : start + writes_max])
        # Last, so that a genesis that was cut off is written again.
        writes = Writes()
        put_subtrees(writes, build_edge(genesis.height))
        writes.put(db.STATE, HEIGHT_KEY, U64.pack(genesis.height))
        writes.put(db.META, GENESIS_KEY, genesis.hash)
        database.write(database.build(writes), synced=True)
    elif found != genesis.hash:
        raise RefusedToStart(
            f"{database.path} holds the chain of genesis {found.hex()}, not of "
            f"{genesis.hash.hex()}: start with that chain's genesis.json, or "
            "move the directory aside to join this one",
            reason="WRONG_GENESIS", found=found.hex(), expected=genesis.hash.hex(),
        )  # fmt: skip


def iter_records(directory: Path, genesis: Genesis) -> Iterator[Write]:
    """Yield the records that a forked chain was cut with; none for a first chain.

    Raises RefusedToStart without their file, InvalidGenesis when it is not what the genesis names.
    """
    if genesis.state is None:
        return
    path = directory / get_state_name(genesis.state)
    try:
        with path.open("rb") as file:
            yield from read_lines(iter(lambda: file.readline(LINE_BYTES_MAX), b""), genesis)
    except OSError as error:
        raise RefusedToStart(
            f"cannot read {path} ({error}): the genesis of a forked chain comes with its state",
            reason="NO_GENESIS_STATE",
        ) from error


def _write(database: Database, records: list[Write]) -> None:
    writes = Writes()
    writes.put_all(db.STATE, records)
    database.write(database.build(writes), synced=False)
