"""What is logged comes back verbatim, sorts by view, and is pruned up to a view."""

from dataclasses import replace

import pytest

from quorate.core.bft import log
from quorate.core.bft.evidence import Signed
from quorate.core.bft.messages import Kind
from quorate.core.errors import MalformedBytes
from tests.unit.quorate.core.bft.bench import Bench, make_batch


def test_every_record_comes_back() -> None:
    bench = Bench()
    proposal = bench.build(3, batches=(make_batch(1), make_batch(2)))
    votes = [bench.sign(0, kind, 3) for kind in (Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE)]
    certificate = bench.certify(Kind.NULLIFY, 2)
    own: list[Signed] = [proposal, *votes]
    records = [
        *map(log.record_own, own),
        log.record_block(proposal),
        log.record_certificate(certificate),
        log.record_audit(2, votes[0]),
    ]
    restored = log.restore(records)
    assert restored.own == own
    assert restored.blocks == [proposal]
    assert restored.certificates == [certificate]
    assert restored.seen == [(2, votes[0])]


def test_own_messages_sort_by_view() -> None:
    bench = Bench()
    keys = [log.record_own(bench.sign(0, Kind.NULLIFY, view))[0] for view in (300, 2, 255, 256)]
    assert sorted(keys) == [keys[1], keys[2], keys[3], keys[0]]


def test_pruning_covers_a_view_and_what_is_below_but_no_audit_records() -> None:
    bench = Bench()
    vote, later = bench.sign(0, Kind.NULLIFY, 7), bench.sign(0, Kind.NULLIFY, 8)
    ranges = log.compute_prune_ranges(0, 7)

    def is_pruned(record: log.Record) -> bool:
        return any(start <= record[0] < end for start, end in ranges)

    assert is_pruned(log.record_own(vote)) and not is_pruned(log.record_own(later))
    assert is_pruned(log.record_block(bench.build(7)))
    assert not is_pruned(log.record_block(bench.build(8)))
    assert is_pruned(log.record_certificate(bench.certify(Kind.NULLIFY, 7)))
    assert not is_pruned(log.record_audit(1, vote))


def test_pruning_an_epoch_covers_all_earlier_ones_and_no_later() -> None:
    bench = Bench()
    vote = bench.sign(0, Kind.NULLIFY, 7)
    keys = [log.record_own(replace(vote, epoch=epoch))[0] for epoch in (3, 4, 5)]
    start, end = log.compute_prune_ranges(4, 6)[0]
    assert [start <= key < end for key in keys] == [True, False, False]


def test_what_was_read_is_picked_by_epoch() -> None:
    bench = Bench()
    vote, proposal = bench.sign(0, Kind.NULLIFY, 7), bench.build(3)
    later, certificate = replace(vote, epoch=1), bench.certify(Kind.NULLIFY, 4)
    restored = log.Restored([vote, later], [proposal], [certificate], [(2, later)])
    assert restored.pick(0) == log.Restored([vote], [proposal], [certificate], [])
    assert restored.pick(1) == log.Restored([later], [], [], [(2, later)])


def test_two_messages_of_one_seat_do_not_hide_one_another_in_the_audit_log() -> None:
    bench = Bench()
    one, two = (
        bench.sign(1, Kind.NOTARIZE, 4, b"a" * 32),
        bench.sign(1, Kind.NOTARIZE, 4, b"b" * 32),
    )
    assert log.record_audit(1, one)[0] != log.record_audit(1, two)[0]


def test_a_damaged_record_is_refused() -> None:
    with pytest.raises(MalformedBytes):
        log.restore([(b"v" + bytes(9), b"\2cut")])
