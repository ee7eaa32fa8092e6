"""Held batches count their holders once, and forget what is over."""

from quorate.core.batches import BatchHeader
from quorate.core.gossip.held import FINISHED_MAX, STRANGE_MAX, Held, HeldBatches


def make(number: int, *, author: int = 1, expiry: int = 9) -> Held:
    """Return a batch of 100 bytes."""
    header = BatchHeader(0, author, number, 1, 100, 100, expiry, b"c" * 32)
    return Held(number.to_bytes(32, "big"), header, b"signed")


def test_reports_count_once_and_early_ones_are_kept() -> None:
    table, held = HeldBatches(4), make(1)
    assert table.add_report(2, held.name) is None
    table.add(held)
    assert held.holders == 0b100
    assert table.add_report(2, held.name) is None
    assert table.add_report(0, held.name) is held
    assert held.holders.bit_count() == 2
    assert table.list_holders() == [(0, held.name), (2, held.name)]


def test_unfinalized_bytes_are_counted_per_author() -> None:
    table = HeldBatches(4)
    for number in range(3):
        table.add(make(number, author=number % 2))
    assert (table.get_author_bytes(0), table.get_author_bytes(1)) == (200, 100)
    table.finish(make(0).name)
    assert table.get_author_bytes(0) == 100
    assert table.get_author_bytes(3) == 0


def test_a_batch_expires_when_no_later_block_may_name_it() -> None:
    table = HeldBatches(4)
    table.add(make(1, expiry=9))
    table.add(make(2, expiry=10))
    assert table.expire(8) == []
    assert [held.name for held in table.expire(9)] == [make(1).name]
    assert table.is_finished(make(1).name)
    assert make(2).name in table


def test_a_report_of_a_finished_batch_is_no_news() -> None:
    table = HeldBatches(4)
    table.add(make(1))
    assert table.finish(make(1).name) is not None
    assert table.finish(make(1).name) is None
    assert table.add_report(1, make(1).name) is None
    table.add(make(1))
    assert table.batches[make(1).name].holders == 0


def test_memory_of_reports_and_of_finished_names_is_bounded() -> None:
    table = HeldBatches(4)
    for number in range(STRANGE_MAX + 1):
        table.add_report(1, make(number).name)
    table.add(make(0))
    assert table.batches[make(0).name].holders == 0
    for number in range(FINISHED_MAX + 1):
        table.finish(make(number).name)
    assert not table.is_finished(make(0).name)
    assert table.is_finished(make(1).name)
