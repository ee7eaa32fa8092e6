"""The generator's book: every offered transfer ends up in exactly one column."""

from quorate.devnet.load.book import Book, Senders
from quorate.devnet.load.presign import Signed


def _runs(senders: int, each: int) -> list[list[Signed]]:
    return [
        [Signed(bytes([sender, place]), bytes([sender, place])) for place in range(each)]
        for sender in range(senders)
    ]


def test_senders_take_turns_and_each_keeps_its_order() -> None:
    senders = Senders(_runs(2, 2))
    assert [senders.take() for _ in range(5)] == [(0, 0), (1, 0), (0, 1), (1, 1), None]


def test_refused_transfer_comes_again_before_later_ones_of_its_sender() -> None:
    senders = Senders(_runs(1, 3))
    senders.take()
    senders.take()
    senders.give_back(0, 0)
    assert [senders.take() for _ in range(3)] == [(0, 0), (0, 2), None]


def test_latency_counts_from_the_scheduled_time() -> None:
    book = Book((0.0, 10.0))
    book.note_offered(b"a", 1.0, is_bad=False)
    book.note_executed(b"a", 1.25, is_success=True)
    outcome = book.close()
    assert outcome.p50_ms == 250.0
    assert outcome.finalized_tps == 0.1


def test_only_slots_of_the_window_count_for_latency() -> None:
    book = Book((5.0, 10.0))
    book.note_offered(b"a", 1.0, is_bad=False)
    book.note_executed(b"a", 6.0, is_success=True)
    outcome = book.close()
    assert outcome.max_ms == 0.0
    assert outcome.executed == 1


def test_accepted_transfer_without_an_end_is_lost() -> None:
    book = Book((0.0, 1.0))
    book.note_offered(b"a", 0.5, is_bad=False)
    assert book.close().lost == 1


def test_dropped_with_a_reason_is_not_lost() -> None:
    book = Book((0.0, 1.0))
    book.note_offered(b"a", 0.5, is_bad=False)
    book.note_dropped(b"a", "EXPIRED")
    outcome = book.close()
    assert (outcome.lost, outcome.dropped) == (0, {"EXPIRED": 1})


def test_executed_twice_counts_once() -> None:
    book = Book((0.0, 1.0))
    book.note_offered(b"a", 0.5, is_bad=False)
    book.note_executed(b"a", 0.6, is_success=True)
    book.note_executed(b"a", 0.7, is_success=True)
    assert book.close().executed == 1


def test_exactly_the_bad_ones_refused_is_recognised() -> None:
    book = Book((0.0, 1.0))
    book.note_offered(b"bad", 0.1, is_bad=True)
    book.note_rejected(b"bad", "BAD_SIGNATURE")
    assert book.close().are_only_bad_refused


def test_bad_one_that_was_accepted_is_noticed() -> None:
    book = Book((0.0, 1.0))
    book.note_offered(b"bad", 0.1, is_bad=True)
    assert not book.close().are_only_bad_refused


def test_good_one_that_was_rejected_is_noticed() -> None:
    book = Book((0.0, 1.0))
    book.note_offered(b"good", 0.1, is_bad=False)
    book.note_rejected(b"good", "SEQUENCE_FAR")
    assert not book.close().are_only_bad_refused


def test_refused_for_room_is_neither_lost_nor_rejected() -> None:
    book = Book((0.0, 1.0))
    book.note_offered(b"a", 0.1, is_bad=False)
    book.note_no_room(b"a", 0.1, 0.101)
    outcome = book.close()
    assert (outcome.lost, outcome.overloaded, outcome.rejected) == (0, 1, {})


def test_late_generator_makes_a_run_void() -> None:
    book = Book((0.0, 1.0))
    book.lags_ms.extend([1.0] * 98 + [6.0] * 2)
    assert book.close().is_void


def test_refused_for_room_but_executed_all_the_same_counts_once_and_is_no_rejection() -> None:
    book = Book((0.0, 1.0))
    book.note_offered(b"a", 0.1, is_bad=False)
    book.note_no_room(b"a", 0.1, 0.101)
    book.note_executed(b"a", 0.3, is_success=True)
    book.note_offered(b"a", 0.4, is_bad=False)
    book.note_rejected(b"a", "ALREADY_EXECUTED")
    outcome = book.close()
    assert (outcome.executed, outcome.lost, outcome.rejected) == (1, 0, {})


def test_already_executed_before_its_receipt_is_heard_of_is_waited_for() -> None:
    book = Book((0.0, 1.0))
    book.note_offered(b"a", 0.1, is_bad=False)
    book.note_no_room(b"a", 0.1, 0.101)
    book.note_offered(b"a", 0.2, is_bad=False)
    book.note_rejected(b"a", "SEQUENCE_PAST")
    assert b"a" in book.waiting
    book.note_executed(b"a", 0.3, is_success=True)
    outcome = book.close()
    assert (outcome.executed, outcome.lost, outcome.rejected) == (1, 0, {})
