"""Bounds of the base fee are exact; prices, tips and rungs fit together."""

import random
from itertools import pairwise

import pytest

from quorate.core.blocks import compute_base_fee
from quorate.core.fees import (
    BLOCKS_MAX,
    PRICE_MAX,
    RUNGS,
    compute_base_fee_max,
    compute_price,
    compute_rung,
    compute_rung_price,
    compute_tip,
)
from quorate.core.params import SUPPLY_MAX, Params


def test_no_run_of_blocks_brings_the_base_fee_above_its_bound(rng: random.Random) -> None:
    for _ in range(200):
        params = Params(block_weight_max=rng.randrange(2, 10**7), base_fee_min=rng.randrange(50))
        fee = first = rng.randrange(params.base_fee_min, 10 ** rng.randrange(2, 18))
        for blocks in range(1, 20):
            assert fee <= compute_base_fee_max(first, blocks, params)
            weight = rng.choice((params.block_weight_max, rng.randrange(params.block_weight_max)))
            fee = compute_base_fee(fee, weight, params)


@pytest.mark.parametrize("first", [1, 7, 1_000, SUPPLY_MAX])
def test_full_blocks_reach_the_bound_exactly(first: int) -> None:
    params, fee = Params(), first
    for blocks in range(1, 60):
        assert compute_base_fee_max(first, blocks, params) == fee
        fee = compute_base_fee(fee, params.block_weight_max, params)


def test_the_bound_ends_at_the_supply_and_takes_bounded_steps() -> None:
    params = Params()
    assert compute_base_fee_max(10**9, 10**12, params) <= SUPPLY_MAX
    assert compute_base_fee_max(SUPPLY_MAX, BLOCKS_MAX, params) == SUPPLY_MAX
    assert compute_base_fee_max(5, 0, params) == compute_base_fee_max(5, 1, params) == 5


def test_the_least_tip_of_a_price_is_the_least(rng: random.Random) -> None:
    for _ in range(2_000):
        price, weight = rng.randrange(2 ** rng.randrange(1, 50)), rng.randrange(150, 70_000)
        tip = compute_tip(price, weight)
        assert compute_price(tip, weight) >= price
        assert tip == 0 or compute_price(tip - 1, weight) < price


def test_rungs_ascend_and_differ_by_a_quarter_at_most() -> None:
    prices = [compute_rung_price(rung) for rung in range(RUNGS)]
    assert prices == sorted(set(prices))
    assert [compute_rung(price) for price in prices] == list(range(RUNGS))
    for low, high in pairwise(prices):
        assert compute_rung(high - 1) == compute_rung(low)
        assert high - low <= max(low // 4, 1)
    assert compute_rung(PRICE_MAX) == RUNGS - 1
    assert compute_price(2**64 - 1, 1) == PRICE_MAX
