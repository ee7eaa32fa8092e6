"""What waits for a peer is bounded, and the urgent goes first."""

from quorate.core.gossip.outbox import (
    BULK_BYTES_MAX,
    CONSENSUS_BYTES_MAX,
    FRAME_BYTES,
    HELD_BYTES_MAX,
    Outbox,
)


def test_consensus_goes_first_and_bulk_last_in_one_frame() -> None:
    outbox = Outbox()
    outbox.put_bulk(b"<batch>")
    outbox.put_note(b"<request>")
    outbox.put_held(b"n" * 32)
    outbox.put_held(b"m" * 32)
    outbox.put_consensus(b"<vote>")
    draft = outbox.take()
    assert draft.fragments == b"<vote><request><batch>"
    assert draft.held == b"n" * 32 + b"m" * 32
    assert not outbox
    assert outbox.queued_bytes == 0


def test_a_frame_ends_when_it_is_large_enough_and_one_item_may_be_larger() -> None:
    outbox = Outbox()
    outbox.put_bulk(b"a" * FRAME_BYTES * 2)
    outbox.put_bulk(b"b" * 10)
    outbox.put_consensus(b"c")
    assert len(outbox.take().fragments) == FRAME_BYTES * 2 + 1
    assert outbox.take().fragments == b"b" * 10


def test_urgent_things_do_not_wait_behind_a_queue_of_batches() -> None:
    outbox = Outbox()
    for _ in range(8):
        outbox.put_bulk(b"a" * FRAME_BYTES)
    outbox.take()
    outbox.put_consensus(b"vote")
    assert outbox.take().fragments.startswith(b"vote")


def test_when_full_batches_are_refused_and_old_messages_go() -> None:
    outbox = Outbox()
    size = BULK_BYTES_MAX // 8
    assert [outbox.put_bulk(b"a" * size) for _ in range(9)] == [True] * 8 + [False]
    for number in range(5):
        outbox.put_consensus(bytes((number,)) * (CONSENSUS_BYTES_MAX // 4))
    assert outbox.dropped == 2
    assert outbox.take().fragments[:1] == b"\x01"
    for _ in range(2 * HELD_BYTES_MAX // (32 * 1024)):
        outbox.put_held(bytes(32 * 1024))
    assert outbox.queued_bytes <= CONSENSUS_BYTES_MAX + BULK_BYTES_MAX + HELD_BYTES_MAX


def test_one_item_always_fits_and_clearing_forgets_all() -> None:
    outbox = Outbox()
    assert outbox.put_bulk(b"a" * (BULK_BYTES_MAX + 1))
    assert not outbox.put_bulk(b"b")
    outbox.clear()
    assert not outbox
    assert outbox.put_bulk(b"b")
