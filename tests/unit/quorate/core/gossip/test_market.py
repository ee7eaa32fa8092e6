"""What an estimate comes of: blocks that pass, prices that are paid, and the queue."""

import random

from quorate.core.gossip.market import (
    ARRIVAL_MS,
    BLOCKS,
    LAG_BLOCKS,
    PERCENTILES,
    PIPELINE_BLOCKS,
    Figures,
    Market,
)

BLOCK = 8_000


def make(ladder=(), **changes) -> Figures:
    fields = {
        "ladder": tuple(ladder), "unfinalized_weight": 0, "lag_blocks": 4, "block_weight": 800,
        "paid": (), **changes,
    }  # fmt: skip
    return Figures(**fields)


def test_an_idle_network_asks_for_no_tip_and_takes_its_usual_way() -> None:
    assert make().find_price(12, BLOCK) == (0, 4)


def test_batches_under_way_lengthen_the_way() -> None:
    assert make(unfinalized_weight=10 * BLOCK).find_price(20, BLOCK) == (0, 10 + PIPELINE_BLOCKS)


def test_the_price_is_just_above_what_is_not_to_be_ahead() -> None:
    # 700 weight of a block are had by price, the rest by age.
    figures = make([(0, 7_000), (8, 1_400), (16, 700)])
    assert figures.find_price(17, BLOCK) == (0, 17)
    assert figures.find_price(16, BLOCK) == (1, 7)
    assert figures.find_price(7, BLOCK) == (1, 7)
    assert figures.find_price(5, BLOCK) == (10, 5)
    assert figures.find_price(4, BLOCK) == (20, 4)


def test_when_no_price_is_enough_it_says_how_long_it_takes() -> None:
    price, blocks = make([(16, 700)], lag_blocks=9).find_price(5, BLOCK)
    assert (price, blocks) == (20, 9)


def test_where_prices_decide_the_middle_of_what_was_paid_counts() -> None:
    figures = make([(0, 7_000)], paid=(0, 5, 40, 50, 60))
    assert figures.find_price(5, BLOCK)[0] == 40
    assert figures.find_price(20, BLOCK)[0] == 0


def test_a_shut_door_takes_more_than_the_lowest_price() -> None:
    assert make([(8, 10)], is_shut=True).find_price(50, BLOCK)[0] == 10
    assert make([], is_shut=True).find_price(50, BLOCK)[0] == 0


def test_a_higher_price_never_waits_longer(rng: random.Random) -> None:
    for _ in range(200):
        rungs = sorted({rng.randrange(4) * 4**n for n in range(10)})
        figures = make([(price, rng.randrange(1, 9_000)) for price in rungs])
        waits = [figures.compute_blocks(price, BLOCK) for price in range(0, 4**10, 5_003)]
        assert waits == sorted(waits, reverse=True)
        within = rng.randrange(1, 60)
        price, blocks = figures.find_price(within, BLOCK)
        assert blocks == figures.compute_blocks(price, BLOCK)
        assert blocks <= within or figures.compute_blocks(2**62, BLOCK) == blocks


def test_the_way_is_the_longest_of_the_last_batches_and_what_comes_before() -> None:
    market = Market()
    assert market.compute_lag_blocks() == LAG_BLOCKS
    for lag in (3, 9, 4):
        market.note_batch(lag)
    assert market.compute_lag_blocks() == 9
    for number in range(5):
        market.note_block([], 0, number * 40, is_busy=False)
    assert market.compute_lag_blocks() == 9 + ARRIVAL_MS // 40
    for _ in range(BLOCKS):
        market.note_batch(2)
    assert market.compute_lag_blocks() == 2 + ARRIVAL_MS // 40


def test_what_a_block_takes_is_measured_while_more_waits() -> None:
    market = Market()
    for number in range(10):
        market.note_block([], 500, number, is_busy=False)
    assert market.compute_block_weight(77) == 77
    for number in range(4):
        market.note_block([], 100 * number, number, is_busy=True)
    assert market.compute_block_weight(77) == 150


def test_percentiles_are_of_what_was_paid_in_the_last_blocks() -> None:
    market = Market()
    assert market.list_paid() == []
    market.note_block([10**9] * 50, 0, 0, is_busy=True)
    for number in range(BLOCKS):
        market.note_block([0, 1, 2, 3], 0, number, is_busy=True)
    assert market.list_paid() == [0, 0, 1, 2, 3]
    assert len(market.list_paid()) == len(PERCENTILES)
    assert market.paid_blocks == BLOCKS
