"""What contracts did is found again: details, events by contract, changes between two heights."""

import random

import pytest

from quorate.core.contracts.details import CallDone, Detail, Event, Failure
from quorate.core.contracts.records import compute_variable_key
from quorate.core.errors import Rejected
from quorate.core.records import MemoryRecords
from quorate.storage import database as db
from quorate.storage.contract_history import (
    CHANGES_BYTES_MAX,
    CHANGES_KEPT,
    PRUNE_EVERY,
    Change,
    History,
    HistoryDraft,
    merge_changes,
)
from quorate.storage.database import Database, Writes
from tests.conftest import SEED

A, B, C = b"a" * 32, b"b" * 32, b"c" * 32


@pytest.fixture
def database(directory):
    database = Database(directory / "db")
    yield database
    database.close()


def tell(*events: tuple[bytes, bytes]) -> bytes:
    told = tuple([Event(contract, name, b"data") for contract, name in events])
    return Detail((CallDone(0, A, "go", 5, b"", told),), None).encode()


def change(contract: bytes, key: bytes, before: bytes, after: bytes):
    return compute_variable_key(contract, key), before, after


def put(database, height: int, details=(), changes=()) -> None:
    database.write(database.build(draft(height, details, changes)), synced=False)


def draft(height: int, details=(), changes=()) -> Writes:
    writes, history = Writes(), HistoryDraft(height)
    history.add_details(details)
    before = MemoryRecords({key: before for key, before, _ in changes})
    history.add_writes([(key, after) for key, _, after in changes], before)
    history.put(writes)
    return writes


def test_details_are_found_by_place(database) -> None:
    failed = Detail((), Failure(0, A, "go", "no", 7, 5)).encode()
    put(database, 5, [(0, tell()), (300, failed)])
    history = History(database, 0)
    assert history.load_detail(5, 0) == tell()
    assert history.load_detail(5, 300) == failed
    assert history.load_detail(5, 1) is None
    assert list(database.iterate(db.EVENTS)) == []


def test_a_block_without_calls_writes_nothing(database) -> None:
    writes = draft(5, [], [(b"a" + A, b"1", b"2")])
    assert (writes.puts, writes.deletions, writes.ranges) == ({}, {}, [])


def test_events_are_found_by_contract_and_height(database) -> None:
    history = History(database, 0)
    for height in (3, 5, 9, 400):
        details = [(1, tell((A, b"x"), (A, b"y"))), (2, tell((B, b"x"))), (7, tell((A, b"x")))]
        put(database, height, details)
    for last in (5, 9, 1_000):
        wanted = [(height, (1, 7)) for height in (3, 5, 9, 400) if height <= last]
        assert history.list_told(A, 1, last, 100) == wanted
        assert history.list_told(A, 1, last, 1) == wanted[:1]
    assert history.list_told(B, 4, 5, 100) == [(5, (2,))]
    assert history.list_told(B, 401, 2_000, 100) == []
    assert history.list_told(C, 0, 2_000, 100) == []


def collect(history: History, contract: bytes, first: int, last: int) -> dict[bytes, Change]:
    return merge_changes(history.iter_changes(contract, first, last))


def test_changes_of_blocks_add_up(database) -> None:
    put(database, 3, changes=[change(A, b"k", b"", b"1"), change(B, b"k", b"", b"9")])
    put(database, 4, changes=[change(A, b"k", b"1", b"2"), change(A, b"same", b"1", b"1")])
    put(database, 8, changes=[change(A, b"k", b"2", b""), change(A, b"n", b"", b"n")])
    history = History(database, 0)
    assert collect(history, A, 3, 3) == {b"k": (b"k", b"", b"1")}
    assert collect(history, A, 4, 7) == {b"k": (b"k", b"1", b"2")}
    assert collect(history, A, 1, 100) == {b"n": (b"n", b"", b"n")}
    assert collect(history, A, 9, 100) == {}
    assert collect(history, C, 1, 100) == {}


def test_random_changes_are_those_of_a_model(database) -> None:
    rng = random.Random(SEED)
    print(f"seed {SEED}: QUORATE_TEST_SEED={SEED} pytest {__file__}")
    states: list[dict[tuple[bytes, bytes], bytes]] = [{}]
    for height in range(1, 120):
        state, changed = dict(states[-1]), {}
        for _ in range(rng.choice((0, 0, 1, 4))):
            place = rng.choice((A, B, C)), bytes([rng.randrange(5)])
            before = state.get(place, b"")
            state[place] = after = rng.choice((b"", b"1", b"2"))
            changed[place] = (changed.get(place, (before,))[0], after)
        put(database, height, changes=[change(*p, *values) for p, values in changed.items()])
        states.append(state)
    history = History(database, 0)
    for _ in range(60):
        first, last = sorted(rng.choices(range(120), k=2))
        contract = rng.choice((A, B, C))
        wanted = {
            key: Change(key, states[first].get((contract, key), b""), after)
            for (owner, key), after in states[last].items()
            if owner == contract and states[first].get((contract, key), b"") != after
        }
        assert collect(history, contract, first + 1, last) == wanted


def test_old_changes_go_and_what_can_be_asked_for_stays(database) -> None:
    history = History(database, 7)
    last = CHANGES_KEPT + 3 * PRUNE_EVERY
    for height in range(1, last + 1):
        put(database, height, changes=[change(A, b"k", b"1", b"2")])
    kept = [int.from_bytes(key[:8], "big") for key, _ in database.iterate(db.CHANGES)]
    lowest = history.compute_lowest(last)
    assert (kept[0], kept[-1]) == (last - CHANGES_KEPT - PRUNE_EVERY, last)
    assert kept[0] <= lowest + 1
    assert len(kept) <= CHANGES_KEPT + 2 * PRUNE_EVERY + 1
    assert history.compute_lowest(100) == 7


def test_a_block_that_changes_too_much_keeps_what_others_changed_and_says_so(database) -> None:
    large = bytes(16_000)
    count = CHANGES_BYTES_MAX // len(large) + 1
    much = [change(A, i.to_bytes(2, "big"), b"", large) for i in range(2 * count)]
    put(database, 3, changes=[change(B, b"k", b"", b"1"), *much, change(C, b"k", b"", b"2")])
    history = History(database, 0)
    assert collect(history, B, 1, 9) == {b"k": (b"k", b"", b"1")}
    assert collect(history, C, 1, 9) == {b"k": (b"k", b"", b"2")}
    with pytest.raises(Rejected) as caught:
        collect(history, A, 1, 9)
    assert (caught.value.reason, caught.value.fields()["height"]) == ("CHANGES_NOT_KEPT", "3")
    assert collect(history, A, 4, 9) == {}
    kept = sum(len(value) for _, value in database.iterate(db.CHANGES))
    assert kept < 100
