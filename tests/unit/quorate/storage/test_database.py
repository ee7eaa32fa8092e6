"""The only file that touches RocksDB: typed errors, order, bounded memory."""

import os

import pytest

from quorate.core.errors import RefusedToStart, Unavailable
from quorate.storage import database as db
from quorate.storage.database import Database, Writes


@pytest.fixture
def database(directory):
    database = Database(directory / "db")
    yield database
    database.close()


def write(database, *items, family=db.META, deletions=()):
    writes = Writes()
    writes.put_all(family, items)
    for key in deletions:
        writes.delete(family, key)
    database.write(database.build(writes), synced=True)


def test_reads_come_in_the_order_asked_and_iteration_in_order_of_keys(database):
    write(database, (b"b", b"2"), (b"a", b"1"), (b"c", b"3"))
    write(database, deletions=[b"c"])
    assert database.get_many(db.META, [b"c", b"a", b"x"]) == [None, b"1", None]
    assert database.get(db.META, b"b") == b"2"
    assert list(database.iterate(db.META, b"b")) == [(b"b", b"2")]
    assert database.get_many(db.META, []) == []


def test_a_write_of_many_entries_is_built_in_steps_and_whole(database):
    items = [(i.to_bytes(4, "big"), b"v") for i in range(3_500)]
    writes = Writes()
    writes.put_all(db.STATE, items)
    steps = list(database.iter_build(writes))
    assert len(steps) == 5
    assert len(steps[-1]) == 3_500
    database.write(steps[-1], synced=False)
    assert list(database.iterate(db.STATE)) == items


def test_memory_stays_within_its_bound_while_much_is_written(database):
    for i in range(400):
        value = os.urandom(262_144)
        write(database, (i.to_bytes(4, "big"), value), family=db.BATCHES)
        write(database, *[(os.urandom(32), value[:40]) for _ in range(200)], family=db.TXINDEX)
    assert database.measure_memory() <= 64 * db.MIB
    assert all(database.get(db.BATCHES, i.to_bytes(4, "big")) for i in range(400))


def test_a_bad_block_of_a_table_reads_as_a_typed_error(directory):
    path = directory / "db"
    database = Database(path)
    write(database, *[(i.to_bytes(4, "big"), os.urandom(200)) for i in range(2_000)])
    database.close()
    Database(path).close()
    tables = [p for p in path.iterdir() if p.suffix == ".sst" and p.stat().st_size > 100_000]
    for table in tables:
        with table.open("r+b") as file:
            file.seek(50_000)
            file.write(b"\xff" * 64)
    assert tables
    database = Database(path)
    with pytest.raises(Unavailable) as raised:
        list(database.iterate(db.META))
    assert raised.value.reason == "DAMAGED_DATABASE"
    assert "move this directory aside" in raised.value.message
    database.close()


def test_a_path_that_is_no_directory_is_refused(directory):
    (directory / "db").write_text("")
    with pytest.raises(RefusedToStart):
        Database(directory / "db")


def test_a_view_is_read_in_both_directions_as_it_was_when_it_was_opened(database):
    write(database, *[(b"a%d" % i, b"%d" % i) for i in range(5)], (b"b", b"0"))
    view = database.open_view(db.META)
    write(database, (b"a9", b"9"), deletions=[b"a1"])
    assert [key for key, _ in view.scan(b"a1", b"a", 9)] == [b"a1", b"a2", b"a3", b"a4"]
    assert [key for key, _ in view.scan_back(b"a3", b"a", 2)] == [b"a3", b"a2"]
    assert [key for key, _ in view.scan_back(b"a99", b"a", 9)] == [
        b"a%d" % i for i in (4, 3, 2, 1, 0)
    ]
    assert view.scan_back(b"a", b"a", 9) == []


def test_a_range_of_keys_goes_in_one_write_with_others(database):
    write(database, *[(bytes([i]), b"v") for i in range(9)])
    writes = Writes()
    writes.put(db.META, b"x", b"1")
    writes.delete_range(db.META, bytes([2]), bytes([7]))
    database.write(database.build(writes), synced=True)
    assert [key for key, _ in database.iterate(db.META)] == [bytes([i]) for i in (0, 1, 7, 8)] + [
        b"x"
    ]
