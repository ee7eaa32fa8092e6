"""Held batches count their holders once, and forget what is over."""

from quorate.core.batches import BatchHeader
from quorate.core.gossip.held import FINISHED_MAX, STRANGE_MAX, Held, HeldBatches

KEYS = [bytes((number,)) * 32 for number in range(8)]


def make(number: int, *, author: int = 1, expiry: int = 9, epoch: int = 0) -> Held:
    """Return a batch of 100 bytes."""
    header = BatchHeader(epoch, author, number, 1, 100, 100, expiry, b"c" * 32)
    return Held(number.to_bytes(32, "big"), header, b"signed", KEYS[author])


def make_table(*running: bytes, known: tuple[bytes, ...] = ()) -> HeldBatches:
    """Return a table of a set of four seats, or of these."""
    table = HeldBatches()
    table.set_seats(running or KEYS[:4], known)
    return table


def test_reports_count_once_and_early_ones_are_kept() -> None:
    table, held = make_table(), make(1)
    assert table.add_report(KEYS[2], held.name) is None
    table.add(held)
    assert table.count(held) == 1
    assert table.add_report(KEYS[2], held.name) is None
    assert table.add_report(KEYS[0], held.name) is held
    assert table.count(held) == 2
    assert table.list_holders() == [(KEYS[0], [held.name]), (KEYS[2], [held.name])]


def test_unfinalized_bytes_are_counted_per_author() -> None:
    table = make_table()
    for number in range(3):
        table.add(make(number, author=number % 2))
    assert (table.get_author_bytes(KEYS[0]), table.get_author_bytes(KEYS[1])) == (200, 100)
    table.finish(make(0).name)
    assert table.get_author_bytes(KEYS[0]) == 100
    assert table.get_author_bytes(KEYS[3]) == 0


def test_a_batch_expires_when_no_later_block_may_name_it() -> None:
    table = make_table()
    table.add(make(1, expiry=9))
    table.add(make(2, expiry=10))
    assert table.expire(8, 0) == []
    assert [held.name for held in table.expire(9, 1)] == [make(1).name]
    assert table.is_finished(make(1).name)
    assert make(2).name in table


def test_a_report_of_a_finished_batch_is_no_news() -> None:
    table = make_table()
    table.add(make(1))
    assert table.finish(make(1).name) is not None
    assert table.finish(make(1).name) is None
    assert table.add_report(KEYS[1], make(1).name) is None
    table.add(make(1))
    assert table.count(table.batches[make(1).name]) == 0


def test_memory_of_reports_and_of_finished_names_is_bounded() -> None:
    table = make_table()
    for number in range(STRANGE_MAX + 1):
        table.add_report(KEYS[1], make(number).name)
    table.add(make(0))
    assert table.count(table.batches[make(0).name]) == 0
    for number in range(FINISHED_MAX + 1):
        table.finish(make(number).name)
    assert not table.is_finished(make(0).name)
    assert table.is_finished(make(1).name)


def test_a_batch_is_over_after_the_epoch_that_follows_its_own() -> None:
    table = make_table()
    for number, epoch in ((1, 3), (2, 4), (3, 5)):
        table.add(make(number, epoch=epoch))
    assert table.expire(1, 4) == []
    assert [held.name for held in table.expire(1, 5)] == [make(1).name]
    assert [held.name for held in table.expire(1, 7)] == [make(2).name, make(3).name]
    assert table.get_author_bytes(KEYS[1]) == 0


def test_only_seats_of_the_running_set_count_and_known_ones_are_noted() -> None:
    table, held = make_table(*KEYS[:4], known=tuple(KEYS[2:6])), make(1)
    table.add_report(KEYS[5], held.name)
    table.add(held)
    for key in (KEYS[0], KEYS[3], KEYS[4]):
        table.add_report(key, held.name)
    assert table.add_report(KEYS[7], held.name) is None
    assert table.count(held) == 2
    table.set_seats(KEYS[2:6], KEYS[:4])
    assert table.count(held) == 3
    assert (table.quorum, table.enough) == (3, 2)
    table.set_seats(KEYS[2:8] + KEYS[:1], KEYS[2:6])
    assert table.count(held) == 4
    assert (table.quorum, table.enough) == (5, 3)


def test_a_key_that_holds_no_seat_any_more_gives_its_bit_to_nobody() -> None:
    table, held = make_table(*KEYS[:4]), make(1)
    table.add(held)
    for key in KEYS[:4]:
        table.add_report(key, held.name)
        table.add_report(key, b"strange")
    table.set_seats(KEYS[3:7], ())
    assert table.count(held) == 1
    assert table.list_holders() == [(KEYS[3], [held.name])]
    strange = Held(b"strange", held.header, b"signed", KEYS[1])
    table.add(strange)
    assert table.count(strange) == 1
    table.set_seats(KEYS[:4], ())
    assert table.count(held) == 1


def test_nobody_counts_before_a_set_is_known() -> None:
    table, held = HeldBatches(), make(1)
    table.add(held)
    assert table.add_report(KEYS[1], held.name) is None
    assert table.count(held) < table.quorum
