"""What blocks a transaction is named, and doing what is said removes it."""

import random

from quorate.core.fees import compute_base_fee_max
from quorate.core.gossip.explain import (
    ADVISED_BLOCKS,
    FEE_TOO_LOW,
    GROWTH,
    INSUFFICIENT_BALANCE,
    SEQUENCE_GAP,
    SEQUENCE_TAKEN,
    WAITING_FOR_TURN,
    Obstacle,
    Standing,
    find_standing,
)
from quorate.core.params import Params

ALL = (10**9, 10**6, 10**12)


def explain(pool, tx) -> Standing:
    return find_standing(pool, pool.entries[tx.id], Params())


def test_alone_it_stands_first_and_nothing_blocks_it(maker, mempool) -> None:
    tx = maker.make(0, 0, tip=7)
    mempool.admit(b"x", tx)
    assert explain(mempool, tx) == Standing(0, 0, 70, ())


def test_a_gap_is_named_by_the_first_sequence_that_is_missing(maker, mempool) -> None:
    for sequence in (0, 3, 4):
        mempool.admit(b"x", maker.make(0, sequence))
    last = maker.make(0, 4)
    assert explain(mempool, last).obstacles == (Obstacle(SEQUENCE_GAP, 1),)
    mempool.admit(b"x", maker.make(0, 1))
    assert explain(mempool, last).obstacles == (Obstacle(SEQUENCE_GAP, 2),)
    mempool.admit(b"x", maker.make(0, 2))
    standing = explain(mempool, last)
    assert (standing.ahead_in_lane, standing.obstacles) == (4, ())


def test_a_fee_limit_that_is_passed_is_named_wherever_it_is_in_front(maker, mempool) -> None:
    mempool.admit(b"x", maker.make(0, 0))
    mempool.admit(b"x", maker.make(0, 1, fee_limit=500))
    last = maker.make(0, 2)
    mempool.admit(b"x", last)
    mempool.base_fee = 6
    mempool.lanes.set_base_fee(6)
    limit = (100 + GROWTH) * compute_base_fee_max(6, ADVISED_BLOCKS, Params())
    assert explain(mempool, last).obstacles == (Obstacle(FEE_TOO_LOW, 1, limit),)
    assert mempool.admit(b"x", maker.make(0, 1, salt=1, fee_limit=limit)) is None
    assert explain(mempool, last).obstacles == ()
    assert [entry.sequence for entry in mempool.take(*ALL)] == [0, 1, 2]


def test_a_balance_that_is_gone_is_named_with_what_is_missing(maker, mempool) -> None:
    first, second = maker.make(0, 0), maker.make(0, 1)
    mempool.admit(b"x", first)
    mempool.admit(b"x", second)
    mempool.put_account(maker.sender(0), 1_500, [], 2)
    assert explain(mempool, first).obstacles == ()
    # Each costs 1,000 and moves 1.
    assert explain(mempool, second).obstacles == (Obstacle(INSUFFICIENT_BALANCE, 1, 502),)
    mempool.put_account(maker.sender(0), 2_002, [], 3)
    assert explain(mempool, second).obstacles == ()


def test_a_place_that_another_batch_has_is_named(maker, mempool) -> None:
    tx, other = maker.make(0, 0), maker.make(0, 0, salt=1)
    mempool.admit(b"x", tx)
    mempool.lanes.add_foreign([other.slot], [other.id])
    assert explain(mempool, tx).obstacles == (Obstacle(SEQUENCE_TAKEN, 0),)


def test_who_pays_less_waits_for_a_turn_and_is_told_the_tip_for_the_first_one(
    maker, mempool
) -> None:
    for number in range(1, 6):
        mempool.admit(b"x", maker.make(number, 0, tip=5 * number))
    tx = maker.make(0, 0, tip=12)
    mempool.admit(b"x", tx)
    standing = explain(mempool, tx)
    assert (standing.price, standing.ahead_weight) == (120, 300)
    (obstacle,) = standing.obstacles
    assert (obstacle.reason, obstacle.sequence) == (WAITING_FOR_TURN, 0)
    better = maker.make(0, 0, salt=1, tip=obstacle.amount)
    assert mempool.admit(b"x", better) is None
    assert explain(mempool, better).obstacles == ()
    assert explain(mempool, better).ahead_weight == 0


def test_a_cheap_one_in_front_lends_its_price_to_those_behind(maker, mempool) -> None:
    mempool.admit(b"x", maker.make(1, 0, tip=20))
    mempool.admit(b"x", maker.make(0, 0, tip=1))
    tx = maker.make(0, 1, tip=900)
    mempool.admit(b"x", tx)
    standing = explain(mempool, tx)
    assert (standing.ahead_in_lane, standing.ahead_weight, standing.price) == (1, 200, 10)
    assert standing.obstacles[0].sequence == 0


def test_never_more_goes_before_it_than_was_said(rng: random.Random, maker, mempool) -> None:
    for _ in range(60):
        mempool.admit(b"x", maker.make(
            rng.randrange(10), 0, lane=rng.randrange(16), tip=rng.randrange(30)
        ))  # fmt: skip
        lane, sender = rng.randrange(16), rng.randrange(10)
        sequence = len(mempool.lanes.get_lane(
            mempool.lanes.accounts[maker.sender(sender)], lane
        ).entries)  # fmt: skip
        mempool.admit(b"x", maker.make(sender, sequence, lane=lane, tip=rng.randrange(30)))
    said = {id_: find_standing(mempool, entry, Params()) for id_, entry in mempool.entries.items()}
    before = 0
    # One at a time, by price alone: what the oldest get beside is one part in eight.
    while entries := mempool.take(10**9, 1, 10**12):
        assert before <= said[entries[0].id].ahead_weight
        before += entries[0].weight
    assert len(said) == before // 100 > 60
