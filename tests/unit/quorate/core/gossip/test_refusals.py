"""A full mempool: what pays least yields, what waits can be replaced, and each is told why."""

import random

import pytest

from quorate.core.gossip.entries import State
from quorate.core.gossip.executed import Dropped
from quorate.core.gossip.mempool import REPLACEMENT_SHARE, YIELDING_MAX, Mempool
from quorate.core.params import Params


def make_pool(maker, room: int, senders: int = 10) -> Mempool:
    pool = Mempool(Params(), room)
    pool.sender_bytes_max = room
    for number in range(senders):
        pool.put_account(maker.sender(number), 10**9, [], 0)
    return pool


def check_totals(pool: Mempool) -> None:
    entries = list(pool.entries.values())
    assert pool.bytes == sum(entry.size for entry in entries) <= pool.bytes_max
    for account in pool.lanes.accounts.values():
        own = [e for lane in account.lanes.values() for e in lane.entries.values()]
        assert (account.count, account.bytes) == (len(own), sum(e.size for e in own))
        assert account.reserved == sum(e.cost for e in own)
    queue = pool.lanes.queue
    ready = [e for e in entries if e.state is State.WAITING and e.sequence < e.lane.end]
    held = [e for e in ready if e.lane.is_held]
    assert queue.bytes == sum(e.size for e in ready) - sum(e.size for e in held)


def test_the_lowest_paying_yields_and_is_told_so(maker) -> None:
    pool = make_pool(maker, 400)
    for number, tip in enumerate((5, 3, 9, 7)):
        assert pool.admit(b"x", maker.make(number, 0, tip=tip)) is None
    lowest = maker.make(1, 0).id
    assert pool.admit(b"x", maker.make(4, 0, tip=4)) is None
    assert pool.yielded == [Dropped(lowest, "OUTBID")]
    assert {entry.tip for entry in pool.entries.values()} == {5, 9, 7, 4}
    check_totals(pool)


def test_what_pays_no_more_than_the_lowest_is_refused_with_the_tip_it_takes(maker) -> None:
    pool = make_pool(maker, 400)
    for number in range(4):
        assert pool.admit(b"x", maker.make(number, 0, tip=5)) is None
    refusal = pool.admit(b"x", maker.make(4, 0, tip=5))
    assert refusal.reason == "MEMPOOL_FULL"
    assert not pool.yielded and len(pool.entries) == 4
    tip = int(refusal.fields["tip_min"])
    assert pool.admit(b"x", maker.make(4, 0, tip=tip - 1)).reason == "MEMPOOL_FULL"
    assert pool.admit(b"x", maker.make(4, 0, tip=tip)) is None


def test_of_a_lane_the_last_one_yields_so_that_no_gap_comes_of_it(maker) -> None:
    pool = make_pool(maker, 400)
    for sequence in range(4):
        assert pool.admit(b"x", maker.make(0, sequence, tip=sequence)) is None
    for number in range(1, 4):
        assert pool.admit(b"x", maker.make(number, 0, tip=50)) is None
    assert [each.id for each in pool.yielded] == [maker.make(0, n).id for n in (3, 2, 1)]
    assert pool.lanes.ready_bytes == 400
    assert pool.lanes.parked_bytes == 0


def test_what_stands_behind_a_gap_yields_first_and_makes_nobody_yield(maker) -> None:
    pool = make_pool(maker, 400)
    assert pool.admit(b"x", maker.make(0, 5, tip=500)) is None
    for number in range(1, 4):
        assert pool.admit(b"x", maker.make(number, 0, tip=5)) is None
    assert pool.admit(b"x", maker.make(4, 7, tip=900)).reason == "MEMPOOL_FULL"
    assert pool.admit(b"x", maker.make(4, 0)) is None
    assert pool.yielded == [Dropped(maker.make(0, 5).id, "OUTBID")]
    check_totals(pool)


def test_what_a_batch_has_does_not_yield(maker) -> None:
    pool = make_pool(maker, 400)
    for number in range(4):
        assert pool.admit(b"x", maker.make(number, 0)) is None
    pool.take(10**6, 3, 10**6)
    assert pool.admit(b"x", maker.make(4, 0, tip=9)) is None
    assert len(pool.yielded) == 1
    assert pool.admit(b"x", maker.make(5, 0, tip=99)) is None
    assert len(pool.yielded) == 2
    pool.take(10**6, 9, 10**6)
    assert pool.admit(b"x", maker.make(6, 0, tip=999)).reason == "MEMPOOL_FULL"


def test_nobody_yields_to_what_does_not_fit_even_then(maker) -> None:
    pool = make_pool(maker, 20_000, senders=YIELDING_MAX + 60)
    for number in range(YIELDING_MAX + 50):
        assert pool.admit(b"x", maker.make(number, 0, size=170)) is None
    before = list(pool.entries)
    big = maker.make(YIELDING_MAX + 55, 0, size=15_000, tip=10**6, weight=9)
    assert pool.admit(b"x", big).reason == "MEMPOOL_FULL"
    assert not pool.yielded
    assert sorted(pool.entries) == sorted(before)
    assert len(pool.take(10**6, 10**6, 10**9)) == YIELDING_MAX + 50
    check_totals(pool)


def test_beyond_what_is_executed_soon_only_what_pays_more_is_taken(maker) -> None:
    pool = make_pool(maker, 10_000)
    pool.ready_bytes_max = 200
    for number in range(2):
        assert pool.admit(b"x", maker.make(number, 0)) is None
    assert pool.admit(b"x", maker.make(2, 0)).reason == "MEMPOOL_FULL"
    assert pool.admit(b"x", maker.make(3, 4)) is None  # it is not ready
    assert pool.admit(b"x", maker.make(2, 0, tip=1)) is None
    assert pool.yielded[0].reason == "OUTBID"
    assert pool.lanes.ready_bytes == 200


def test_a_waiting_one_is_replaced_by_one_that_pays_enough_more(maker, mempool) -> None:
    old = maker.make(0, 0, tip=80, weight=100)
    assert mempool.admit(b"x", old) is None
    assert mempool.admit(b"x", maker.make(0, 1)) is None
    refusal = mempool.admit(b"x", maker.make(0, 0, salt=1, tip=85))
    assert refusal.reason == "REPLACEMENT_UNDERPRICED"
    tip = int(refusal.fields["tip_min"])
    assert tip == 80 + 80 // REPLACEMENT_SHARE + 1
    assert mempool.admit(b"x", maker.make(0, 0, salt=1, tip=tip - 1)) is not None
    new = maker.make(0, 0, salt=1, tip=tip, size=150)
    assert mempool.admit(b"x", new) is None
    assert mempool.yielded == [Dropped(old.id, "REPLACED")]
    assert [entry.id for entry in mempool.take(10**6, 9, 10**6)] == [new.id, maker.make(0, 1).id]
    check_totals(mempool)


def test_what_a_batch_has_can_not_be_replaced(maker, mempool) -> None:
    assert mempool.admit(b"x", maker.make(0, 0)) is None
    mempool.take(10**6, 9, 10**6)
    assert mempool.admit(b"x", maker.make(0, 0, salt=1, tip=10**6)).reason == "SEQUENCE_TAKEN"


def test_who_replaces_pays_from_what_the_old_one_had_reserved(maker, mempool) -> None:
    mempool.put_account(maker.sender(0), 1_200, [], 1)
    assert mempool.admit(b"x", maker.make(0, 0)) is None
    assert mempool.admit(b"x", maker.make(0, 0, salt=1, tip=10)) is None
    refusal = mempool.admit(b"x", maker.make(0, 0, salt=2, tip=500))
    assert refusal.reason == "INSUFFICIENT_BALANCE"
    assert len(mempool.entries) == 1


def test_a_replacement_may_use_the_idempotency_key_of_what_it_replaces(maker, mempool) -> None:
    keyed = {"key_bytes": 3, "idempotency_key": b"abc".ljust(64, b"\0")}
    assert mempool.admit(b"x", maker.make(0, 0, payload_hash=b"p" * 32, **keyed)) is None
    other = {"payload_hash": b"q" * 32, **keyed}
    assert mempool.admit(b"x", maker.make(0, 1, **other)).reason == "IDEMPOTENCY_CONFLICT"
    assert mempool.admit(b"x", maker.make(0, 0, salt=1, tip=10, **other)) is None
    assert mempool.admit(b"x", maker.make(0, 1, **other)) is None


def test_what_the_base_fee_has_passed_is_replaced_by_whatever_covers_it(maker, mempool) -> None:
    assert mempool.admit(b"x", maker.make(0, 0, tip=900, fee_limit=200)) is None
    mempool.base_fee = 3
    mempool.lanes.set_base_fee(3)
    assert mempool.take(10**6, 9, 10**6) == []
    new = maker.make(0, 0, salt=1, fee_limit=300)
    assert mempool.admit(b"x", new) is None
    assert [entry.id for entry in mempool.take(10**6, 9, 10**6)] == [new.id]


def test_evidence_goes_first_and_is_never_replaced(maker, mempool) -> None:
    mempool.admit(b"x", maker.make(0, 0, tip=10**6))
    mempool.admit(b"x", maker.make(1, 0, tip=10**6))
    mempool.admit(b"x", maker.make(2, 0, is_report=1, fee_limit=0))
    again = maker.make(2, 0, salt=1, is_report=1, fee_limit=0)
    assert mempool.admit(b"x", again).reason == "SEQUENCE_TAKEN"
    assert mempool.admit(b"x", maker.make(2, 0, salt=2, tip=10**8)) is not None
    assert mempool.take(10**6, 1, 10**6)[0].lane.account.sender == maker.sender(2)


def test_what_weighs_more_than_a_block_is_refused(maker, mempool) -> None:
    refusal = mempool.admit(b"x", maker.make(0, 0, weight=8_000_001, fee_limit=10**8))
    assert (refusal.reason, refusal.fields) == ("OVERSIZED", {"weight_max": "8000000"})


@pytest.mark.parametrize("room", [1_000, 3_000])
def test_totals_stay_right_however_full_it_is(rng: random.Random, maker, room) -> None:
    pool = make_pool(maker, room)
    batches: list[list] = []
    seen = 0
    for salt in range(2_500):
        number, lane = rng.randrange(6), rng.randrange(2)
        account = pool.lanes.accounts[maker.sender(number)]
        sequence = account.nexts.get(lane, 0) + rng.randrange(5)
        tx = maker.make(
            number, sequence, lane=lane, salt=salt % 256, tip=rng.randrange(12),
            size=rng.choice((60, 100, 240)), fee_limit=rng.randrange(5, 15) * 100,
            valid_until=10**4,
        )  # fmt: skip
        before = set(pool.entries)
        refusal = pool.admit(b"x", tx)
        gone = {each.id for each in pool.yielded[seen:]}
        assert before - set(pool.entries) == gone
        assert not (refusal is not None and gone), "who is refused makes nobody yield"
        seen = len(pool.yielded)
        if rng.random() < 0.1:
            batches.append(pool.take(600, 5, 10**6))
        if batches and rng.random() < 0.1:
            pool.give_back(batches.pop(rng.randrange(len(batches))))
        if rng.random() < 0.05:
            pool.base_fee = rng.randrange(5, 15)
            pool.lanes.set_base_fee(pool.base_fee)
        check_totals(pool)
    assert {each.reason for each in pool.yielded} == {"OUTBID", "REPLACED"}
